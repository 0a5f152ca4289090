"""Groundedness checkers: is every sentence of an answer carried by the evidence?"""
