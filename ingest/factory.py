"""Builds the ingestion from a :class:`rag.factory.Footnote`."""

from __future__ import annotations

from ingest.parsing.process import ParserPool
from ingest.pipeline import Ingestor
from rag.factory import Footnote


def build_ingestor(footnote: Footnote) -> Ingestor:
    """An ingestor over the footnote's catalog, model and indexes; close it after use.

    The parser processes start first: they import their libraries while the embedding model loads.
    """
    settings = footnote.settings
    parsers = ParserPool(
        workers=settings.parse_workers, timeout_s=settings.parse_timeout_s, memory_mb=settings.parse_memory_mb
    )
    try:
        return Ingestor(
            catalog=footnote.catalog,
            embedder=footnote.embedder,
            indexes=footnote.indexes,
            parsers=parsers,
            locks=settings.data_dir / "locks",
            max_file_mb=settings.max_file_mb,
        )
    except BaseException:
        parsers.close()
        raise
