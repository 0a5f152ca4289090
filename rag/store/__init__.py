"""The catalog: collections, documents, versions, chunks, groups and jobs in one SQL database.

The only source of truth; every index is a cache of it.
"""
