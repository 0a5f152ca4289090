"""Alembic's environment; run by :mod:`rag.store.migrate`."""
