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
class Change:
    """What a sync would do with one file.

    Attributes:
        change: ``added``, ``modified``, ``moved``, ``duplicate`` or ``deleted``.
        other: where a moved file was, or which file a duplicate repeats.
    """

    path: str
    change: str
    other: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestResult:
    """The outcome of one sync.

    Attributes:
        added, modified, moved, deleted, unchanged, duplicates: source files by what happened to them;
            a duplicate holds the bytes of another file and is left out.
        failed: files, and files inside files, that could not be taken.
        documents, chunks: what the collection holds now.
        chunks_removed: chunks of replaced and deleted documents.
        vectors_removed: those of them that no index holds any more.
        chunks_embedded: chunks embedded by this run; ``chunks_reused`` had their vector already.
        reembedded: documents whose chunks another model or chunker made anew before the sync.
        chunks_per_second: chunks committed over ``seconds``.
        changes: what a dry run would do, file by file; empty otherwise.
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
    moved: int = 0
    duplicates: int = 0
    chunks_reused: int = 0
    reembedded: int = 0
    chunks_removed: int = 0
    vectors_removed: int = 0
    changes: tuple[Change, ...] = ()
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
