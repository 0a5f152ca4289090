"""What an ingestion did, and which files it could not take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestFailure:
    """One file that was not ingested; an older version of it keeps serving.

    Attributes:
        path: path below the source's root, printable even when the file's name is not valid text.
        code: stable, one of those in ``docs/ingesting.md``.
        message: what is wrong and what to do, for a person.
    """

    path: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestResult:
    """The outcome of one sync.

    Attributes:
        added, modified, deleted, unchanged, failed: source files by what happened to them.
        documents, chunks: what the collection holds now.
        chunks_embedded: chunks embedded by this run.
        chunks_per_second: ``chunks_embedded`` over ``seconds``; 0 when nothing was embedded.
        stages: seconds per stage; ``parse_wait`` is what embedding waited for parsing. Stages overlap.
        cancelled: the run was stopped early; what it had committed stays.
    """

    collection: str
    added: int
    modified: int
    deleted: int
    unchanged: int
    failed: int
    documents: int
    chunks: int
    chunks_embedded: int
    seconds: float
    chunks_per_second: float
    failures: tuple[IngestFailure, ...]
    stages: Mapping[str, float] = field(default_factory=dict)
    dry_run: bool = False
    cancelled: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the command and the job's ``result`` show it."""
        shown = asdict(self)
        shown["seconds"] = round(self.seconds, 3)
        shown["chunks_per_second"] = round(self.chunks_per_second, 1)
        shown["stages"] = {name: round(seconds, 3) for name, seconds in self.stages.items()}
        return shown
