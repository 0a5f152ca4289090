"""Texts to vectors: the embedding models, their engines, and questions embedded together."""
