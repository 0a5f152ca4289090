"""Question in, checked answer out: domain types, interfaces, catalog, indexes and the answer path."""
