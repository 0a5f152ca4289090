"""One re-embedding: how far it is, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingest.progress import Progress, Status
from rag.domain import Collection

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reembedded:
    """The outcome of a re-embedding.

    Attributes:
        before, after: the collection; of the same space when there was nothing to do.
        documents: how many were given new chunks, by this run or earlier ones.
        chunks_embedded: chunks that the model was run for; the others had a vector already.
        cancelled: the run was stopped early: the old chunks still serve, the next run goes on.
    """

    before: Collection
    after: Collection
    documents: int
    chunks_embedded: int
    seconds: float
    cancelled: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the command shows it."""
        return {
            "collection": self.after.name,
            "documents": self.documents,
            "chunks": self.after.chunks,
            "chunks_embedded": self.chunks_embedded,
            "seconds": round(self.seconds, 3),
            "cancelled": self.cancelled,
            "from": _shown(self.before),
            "to": _shown(self.after),
        }


class ReembeddingRun:
    """What one re-embedding has done so far."""

    def __init__(self, before: Collection, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.before = before
        self.cancelled = cancelled
        self._progress = progress
        self._started = time.monotonic()
        self._stage = "reembed"
        self._documents = self._prepared_before = 0
        self._chunks = 0
        self._embedded = 0

    def begin(self, target: Collection) -> None:
        """``target`` counts what an earlier run prepared."""
        self._documents = self._prepared_before = target.documents
        if self.before.documents:
            logger.info(
                "Re-embedding %d documents of %r, from %s to %s; the old chunks serve until all are done.",
                self.before.documents - target.documents,
                self.before.name,
                shown_model(self.before),
                shown_model(target),
            )

    def enter(self, stage: str) -> None:
        """A stage begins."""
        self._stage = stage
        self._tell()

    def embedded(self, chunks: int) -> None:
        """The model was run for so many chunks."""
        self._embedded += chunks

    def prepared(self, chunks: int) -> None:
        """A document has its new chunks in the catalog."""
        self._documents += 1
        self._chunks += chunks
        self._tell()

    def skipped(self) -> None:
        """A document was deleted before its turn."""
        self._documents += 1

    def result(self, after: Collection, *, cancelled: bool) -> Reembedded:
        """What was done; ``after`` is the collection as it is now."""
        return Reembedded(
            before=self.before,
            after=after,
            documents=self._documents,
            chunks_embedded=self._embedded,
            seconds=time.monotonic() - self._started,
            cancelled=cancelled,
        )

    def _tell(self) -> None:
        elapsed = time.monotonic() - self._started
        left = self.before.documents - self._documents
        done = self._documents - self._prepared_before
        self._progress.update(
            Status(
                stage=self._stage,
                files_total=self.before.documents,
                files_done=self._documents,
                chunks=self._chunks,
                rate=self._chunks / elapsed if elapsed else 0.0,
                eta_s=left * elapsed / done if done else None,
            )
        )


def _shown(collection: Collection) -> dict[str, Any]:
    names = ("embedding_model", "fingerprint", "dimension", "chunker")
    return {name: getattr(collection, name) for name in names}


def shown_model(collection: Collection) -> str:
    """What made the collection's chunks, for a person."""
    return f"{collection.fingerprint[:40]} (chunker {collection.chunker})"
