"""Sentences, words, tables and languages of plain text."""
