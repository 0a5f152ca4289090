"""One run of an ingestion: what it counted so far, how far it is, whether it should stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ingest.plan import Plan
from ingest.progress import Progress, Status
from ingest.result import IngestFailure, IngestResult
from ingest.stages import FailedFile, VectorizedFile
from ingest.stopwatch import Stopwatch
from rag.domain import Collection, JobFile, JobFileState

_CHUNKS_PER_INDEX = 2000
_SECONDS_PER_INDEX = 30.0


class Run:
    """Counters of one sync; all but :meth:`should_stop` belong to the committing thread."""

    def __init__(self, *, collection: Collection, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.collection = collection
        self.watch = Stopwatch()
        self._progress = progress
        self._cancelled = cancelled
        self._stop = threading.Event()
        self._stage = "plan"
        self._bytes_total = 0
        self._bytes_done = 0
        self._files_total = 0
        self._change_of: dict[str, str] = {}
        self._done = {"added": 0, "modified": 0, "moved": 0, "deleted": 0}
        self._reread = 0
        self._failed_files = 0
        self._chunks = 0
        self._chunks_embedded = 0
        self._chunks_indexed = 0
        self._is_index_stale = False
        self._indexed_at = time.monotonic()
        self._failures: list[IngestFailure] = []
        self._planned_failures = 0
        self._unchanged = 0
        self._duplicates = 0
        self._untold: list[JobFile] = []

    # -- events

    def enter(self, stage: str) -> None:
        """A stage begins."""
        self._stage = stage
        self._tell()

    def begin(self, plan: Plan) -> None:
        """The plan is known; its files follow."""
        self._files_total = len(plan.to_read)
        self._bytes_total = sum(file.size for file in plan.to_read)
        self._change_of = {file.path: "added" for file in plan.added}
        self._change_of |= {file.path: "modified" for file in plan.modified}
        self._planned_failures, self._unchanged = len(plan.failures), plan.unchanged
        self._duplicates = len(plan.duplicates)
        self._note_failures(plan.failures)
        self._untold += (
            JobFile(path=copy.path, state=JobFileState.DUPLICATE, message=f"It repeats {copy.of!r}.")
            for copy in plan.duplicates
        )
        self.enter("embed")

    def moved(self, path: str) -> None:
        """The catalog knows a moved file's new place, ``path``."""
        self._done["moved"] += 1
        self._note(path, JobFileState.MOVED)
        self._tell()

    def committed(self, vectorized: VectorizedFile) -> None:
        """All documents of a file are in the catalog."""
        chunked = vectorized.chunked
        change = self._change_of.get(chunked.file.path)
        if change is None:  # moved, and counted as that
            self._reread += 1
        else:
            self._done[change] += 1
        self._failures += chunked.failures
        self._note_failures(chunked.failures)
        self._note(chunked.file.path, JobFileState.COMMITTED if change else JobFileState.MOVED)
        self._is_index_stale = True
        self._chunks += chunked.chunks
        self._chunks_embedded += vectorized.embedded
        self._bytes_done += chunked.file.size
        self._tell()

    def failed(self, item: FailedFile) -> None:
        """A file could not be taken."""
        self._failures.append(item.failure)
        self._note_failures([item.failure])
        self._failed_files += 1
        self._bytes_done += item.file.size
        self._tell()

    def removed(self, path: str) -> None:
        """The documents of a file that is gone are removed."""
        self._done["deleted"] += 1
        self._is_index_stale = True
        self._note(path, JobFileState.DELETED)
        self._tell()

    def indexed(self) -> None:
        """The indexes hold all that is committed."""
        self._is_index_stale = False
        self._chunks_indexed = self._chunks
        self._indexed_at = time.monotonic()
        self.enter("embed")

    def stop(self) -> None:
        """End early: no new files."""
        self._stop.set()

    # -- questions

    def should_stop(self) -> bool:
        """Whether the run was cancelled; asked by every stage's thread."""
        if not self._stop.is_set() and self._cancelled():
            self._stop.set()
        return self._stop.is_set()

    @property
    def is_index_stale(self) -> bool:
        """Whether anything was committed that the indexes do not know."""
        return self._is_index_stale

    @property
    def index_is_due(self) -> bool:
        """Whether a long run should become searchable up to here."""
        new = self._chunks - self._chunks_indexed
        return new >= _CHUNKS_PER_INDEX or (
            new > 0 and time.monotonic() - self._indexed_at > _SECONDS_PER_INDEX
        )

    # -- results

    def foreseen(self, plan: Plan) -> IngestResult:
        """What the plan would do."""
        done = {name: len(getattr(plan, name)) for name in self._done}
        return replace(
            self._result(plan, self.collection, done, removed=0), dry_run=True, changes=plan.changes()
        )

    def result(self, plan: Plan, collection: Collection) -> IngestResult:
        """What was done; ``collection`` as it is afterwards, indexed."""
        self.enter("done")
        removed = self.collection.chunks + self._chunks - collection.chunks
        return self._result(plan, collection, self._done, removed=removed)

    def _result(
        self, plan: Plan, collection: Collection, done: Mapping[str, int], *, removed: int
    ) -> IngestResult:
        seconds = self.watch.elapsed
        failures = sorted([*plan.failures, *self._failures], key=lambda failure: failure.path)
        return IngestResult(
            collection=collection.name,
            added=done["added"],
            modified=done["modified"] + plan.regrouped,
            moved=done["moved"],
            deleted=done["deleted"],
            unchanged=plan.unchanged,
            duplicates=len(plan.duplicates),
            failed=len(failures),
            documents=collection.documents,
            chunks=collection.chunks,
            chunks_embedded=self._chunks_embedded,
            chunks_reused=self._chunks - self._chunks_embedded,
            chunks_removed=removed,
            vectors_removed=removed,
            seconds=seconds,
            chunks_per_second=self._chunks / seconds,
            failures=tuple(failures),
            stages=self.watch.by_stage(),
            cancelled=self._stop.is_set(),
        )

    def _note(self, path: str, state: JobFileState) -> None:
        self._untold.append(JobFile(path=path, state=state))

    def _note_failures(self, failures: Sequence[IngestFailure]) -> None:
        self._untold += (
            JobFile(path=one.path, state=JobFileState.FAILED, code=one.code, message=one.message)
            for one in failures
        )

    def _tell(self) -> None:
        files, self._untold = tuple(self._untold), []
        elapsed = self.watch.elapsed
        left = self._bytes_total - self._bytes_done
        self._progress.update(
            Status(
                stage=self._stage,
                files_total=self._files_total,
                files_done=self._done["added"] + self._done["modified"] + self._reread + self._failed_files,
                failed=self._planned_failures + len(self._failures),
                **self._done,
                unchanged=self._unchanged,
                duplicates=self._duplicates,
                chunks=self._chunks,
                rate=self._chunks / elapsed,
                eta_s=left * elapsed / self._bytes_done if self._bytes_done else None,
                files=files,
            )
        )
