"""Background work, and what became of each file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Life of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMMITTED = "committed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_JOB_STATES = frozenset({JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED})
"""A job in one of these never changes again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A unit of background work as the catalog stores it.

    Attributes:
        request: what to do, as the worker reads it again after a restart.
        counts: progress so far, by name (``files_total``, ``files_done``, ``failed``, ``chunks`` …).
        result: the ingest result once the job is final.
        error_code, error_message: why it failed, for a client to act on.
        owner: the worker that runs it, or ran it last.
        lease_until: of a running job: when its worker counts as dead; of a queued one: not before then.
        attempts: how many workers have begun it and neither ended it nor gave it back.
    """

    id: str
    kind: str
    collection: str
    state: JobState
    stage: str
    request: Mapping[str, Any]
    counts: Mapping[str, float]
    result: Mapping[str, Any] | None
    error_code: str | None
    error_message: str | None
    idempotency_key: str | None
    created_at: datetime
    updated_at: datetime
    heartbeat_at: datetime | None
    owner: str | None = None
    lease_until: datetime | None = None
    attempts: int = 0


class JobFileState(StrEnum):
    """What became of a file; files that wait, or did not change, are only counted."""

    COMMITTED = "committed"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFile:
    """What became of one file of a job.

    Attributes:
        code, message: why it failed; a duplicate's message names the file it repeats.
        number: its place in the order in which the job's files were recorded; 0 before that.
    """

    path: str
    state: JobFileState
    code: str | None = None
    message: str | None = None
    number: int = 0
