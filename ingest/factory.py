"""Builds the ingestion from a :class:`rag.factory.Footnote`."""

from __future__ import annotations

from datetime import UTC, datetime

from ingest.parsing.process import ParserPool
from ingest.parsing.read import MEBIBYTE, ReadLimits
from ingest.pipeline import Ingestor
from ingest.reembed import Reembedder
from rag.domain import Collection
from rag.factory import Footnote
from rag.interfaces import Embedder
from rag.store.collections import check_name


def build_ingestor(footnote: Footnote) -> Ingestor:
    """An ingestor over the footnote's catalog, model and indexes; close it after use.

    The parser processes start first: they import their libraries while the embedding model loads.
    """
    settings = footnote.settings
    parsers = ParserPool(
        workers=settings.parse_workers,
        timeout_s=settings.parse_timeout_s,
        scan_timeout_s=max(settings.parse_timeout_s, settings.ocr_timeout_s),
        memory_mb=settings.parse_memory_mb,
        limits=ReadLimits(
            part=settings.max_file_mb * MEBIBYTE,
            total=settings.max_unpacked_mb * MEBIBYTE,
            text=settings.max_text_mb * 1_000_000,
        ),
        ocr_languages=settings.ocr_languages,
    )
    try:
        return Ingestor(
            catalog=footnote.catalog,
            embedder=footnote.embedder,
            embedding_model=footnote.embedding_model,
            model_for=footnote.model_for,
            indexes=footnote.indexes,
            parsers=parsers,
            locks=settings.data_dir / "locks",
            max_file_mb=settings.max_file_mb,
        )
    except BaseException:
        parsers.close()
        raise


def build_reembedder(footnote: Footnote, model: tuple[Embedder, str] | None = None) -> Reembedder:
    """What brings collections to an embedding model, given with its setting; unset: that of the settings."""
    embedder, embedding_model = model or (footnote.embedder, footnote.embedding_model)
    return Reembedder(
        catalog=footnote.catalog,
        embedder=embedder,
        embedding_model=embedding_model,
        indexes=footnote.indexes,
        locks=footnote.settings.data_dir / "locks",
    )


def target_collection(footnote: Footnote, name: str, *, dry_run: bool) -> Collection:
    """The collection to ingest into, made if it is not there; a dry run makes none.

    Raises:
        InvalidRequest: no collection can have that name.
    """
    if dry_run and name not in {collection.name for collection in footnote.catalog.collections()}:
        return _not_yet_made(footnote, name)
    return footnote.open_collection(name)


def _not_yet_made(footnote: Footnote, name: str) -> Collection:
    check_name(name)
    profile = footnote.embedder.profile
    return Collection(
        id="",
        name=name,
        fingerprint=profile.fingerprint,
        dimension=profile.dimension,
        sequence=0,
        created_at=datetime.now(UTC),
    )
