"""What has to be done so that the catalog equals the source: compare, and change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ingest.newcomers import Duplicate, Move, Newcomers, file_sha256
from ingest.parsing.table import file_type, suffix_of
from ingest.result import Change, IngestFailure
from ingest.sources import Scan, SourceFile, unreadable
from rag.domain import SourceState

_MB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Touch:
    """A stored source file whose facts changed but not its bytes; groups need no parsing."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The difference between source and catalog.

    Attributes:
        touched: to record anew, with the sync's groups.
        regrouped: source files among ``touched`` that only change their groups; they count as modified.
        moved: found at another path; their documents keep their ids.
        duplicates: left out while the file they repeat is stored.
        deleted: stored files that are gone.
        failures: files that are refused before they are opened.
    """

    added: tuple[SourceFile, ...]
    modified: tuple[SourceFile, ...]
    moved: tuple[Move, ...]
    touched: tuple[Touch, ...]
    regrouped: int
    unchanged: int
    duplicates: tuple[Duplicate, ...]
    deleted: tuple[SourceState, ...]
    failures: tuple[IngestFailure, ...]

    @property
    def to_read(self) -> tuple[SourceFile, ...]:
        """Files to parse, by path."""
        reread = (move.file for move in self.moved if move.reread)
        return tuple(sorted((*self.added, *self.modified, *reread), key=lambda file: file.path))

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be done."""
        return not (self.added or self.modified or self.moved or self.touched or self.deleted)

    def changes(self) -> tuple[Change, ...]:
        """What applying the plan would do, by path; new groups and times are left out."""
        found = [
            *(Change(path=file.path, change="added") for file in self.added),
            *(Change(path=file.path, change="modified") for file in self.modified),
            *(Change(path=move.file.path, change="moved", other=move.state.path) for move in self.moved),
            *(Change(path=copy.path, change="duplicate", other=copy.of) for copy in self.duplicates),
            *(Change(path=state.path, change="deleted") for state in self.deleted),
        ]
        return tuple(sorted(found, key=lambda change: change.path))


def make_plan(
    scan: Scan,
    states: Mapping[str, SourceState],
    *,
    groups: frozenset[str],
    delete_missing: bool,
    keep_duplicates: bool,
    max_file_mb: int,
) -> Plan:
    """Compare a scan with what the catalog remembers of the same root.

    A file of the same size and time is taken as unchanged unread; otherwise its hash decides. A new file is
    hashed where another one of its size makes a move or a duplicate possible. A file that cannot be taken now
    keeps its old version.
    """
    planner = _Planner(states, groups=groups, max_file_mb=max_file_mb)
    for file in scan.files:
        planner.compare(file)
    planner.failures += scan.failures
    listed = {file.path for file in scan.files}
    missing = [state for path, state in sorted(states.items()) if path not in listed]
    kept: list[SourceState] = []
    gone: list[SourceState] = []
    for state in missing:
        stays = not delete_missing or _is_below(state.path, scan.unreadable)
        (kept if stays else gone).append(state)
    planner.regroup(kept if delete_missing else [])
    # A copy of a file that only others may read is no duplicate; a whole sync gives all the same groups.
    planner.stored += [state for state in kept if delete_missing or state.groups == groups]
    newcomers = Newcomers(
        gone=gone,
        stored=planner.stored,
        keep_duplicates=keep_duplicates,
    )
    newcomers.take(planner.new)
    planner.regroup(
        [replace(move.state, path=move.file.path, mtime_ns=move.file.mtime_ns) for move in newcomers.moved]
    )
    return Plan(
        added=tuple(newcomers.added),
        modified=tuple(planner.modified),
        moved=tuple(newcomers.moved),
        touched=tuple(planner.touched),
        regrouped=planner.regrouped,
        unchanged=planner.unchanged,
        duplicates=tuple(newcomers.duplicates),
        deleted=tuple(newcomers.deleted),
        failures=tuple(sorted(planner.failures, key=lambda failure: failure.path)),
    )


class _Planner:
    """Compares file by file; ``stored`` are the states whose bytes the source still holds."""

    def __init__(
        self, states: Mapping[str, SourceState], *, groups: frozenset[str], max_file_mb: int
    ) -> None:
        self._states = states
        self._groups = groups
        self._max_file_mb = max_file_mb
        self.new: list[SourceFile] = []
        self.stored: list[SourceState] = []
        self.modified: list[SourceFile] = []
        self.touched: list[Touch] = []
        self.failures: list[IngestFailure] = []
        self.regrouped = 0
        self.unchanged = 0

    def compare(self, file: SourceFile) -> None:
        state = self._states.get(file.path)
        refusal = _refusal(file, self._max_file_mb)
        if refusal is not None:
            self._fail(file, *refusal)
            self.regroup([state] if state else [])
        elif state is None:
            self.new.append(file)
        elif (state.size, state.mtime_ns) == (file.size, file.mtime_ns):
            self._same(state, file)
        else:
            self._reread(state, file)

    def regroup(self, states: list[SourceState]) -> None:
        """Record the groups of documents kept as they are: rights do not wait for a file to be readable."""
        self.touched += [
            Touch(path=state.path, size=state.size, mtime_ns=state.mtime_ns)
            for state in states
            if state.groups != self._groups
        ]

    def _reread(self, state: SourceState, file: SourceFile) -> None:
        try:
            digest = file_sha256(file)
        except OSError as exc:
            self._fail(file, "file_unreadable", unreadable("The file", exc))
            self.regroup([state])
            return
        if digest == state.sha256:
            self._same(state, file)
        else:
            self.regroup([state])  # should the new version fail to parse, the old one has the new rights
            self.modified.append(file)

    def _same(self, state: SourceState, file: SourceFile) -> None:
        """The bytes are the stored ones; size, time or groups may differ."""
        self.stored.append(state)
        if state.groups != self._groups:
            self.regrouped += 1
        else:
            self.unchanged += 1
        if (state.size, state.mtime_ns, state.groups) != (file.size, file.mtime_ns, self._groups):
            self.touched.append(Touch(path=state.path, size=file.size, mtime_ns=file.mtime_ns))

    def _fail(self, file: SourceFile, code: str, message: str) -> None:
        self.failures.append(IngestFailure(path=file.path, code=code, message=message))


def _refusal(file: SourceFile, max_file_mb: int) -> tuple[str, str] | None:
    """``(code, message)`` for a file that need not be opened to be refused."""
    if file_type(file.path) is None:
        return (
            "unsupported_type",
            f"Files of type {suffix_of(file.path)!r} are not supported; convert it, for instance to PDF.",
        )
    if file.size == 0:
        return "empty_file", "The file is empty."
    if file.size > max_file_mb * _MB:
        return (
            "too_large",
            f"The file has {file.size / _MB:.0f} MiB, more than max_file_mb = {max_file_mb}; split it.",
        )
    return None


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
