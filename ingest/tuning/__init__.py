"""Adapting the embedding model to a collection, with pairs mined from it."""
