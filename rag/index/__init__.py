"""FAISS and tantivy as caches of the catalog: immutable segments, manifests, atomic generations."""
