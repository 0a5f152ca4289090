"""Vectors on a GPU, searched by one thread for all callers."""

WORTH_IT_FROM = 10_000
"""Vectors of a segment below which the way to the device and back takes longer than comparing them here."""
