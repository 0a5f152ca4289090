"""What has to be done so that the catalog equals the source: compare, and change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.parsing.table import file_type, suffix_of
from ingest.result import IngestFailure
from ingest.sources import Scan, SourceFile, unreadable
from rag.domain import SourceState

_READ_BYTES = 1 << 20
_MB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Touch:
    """A stored source whose facts changed but not its bytes; groups take effect without parsing again."""

    document_id: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The difference between source and catalog.

    Attributes:
        touched: to record anew, with the sync's groups.
        regrouped: documents among ``touched`` that only change their groups; they count as modified.
        deleted: documents whose file is gone.
        failures: files that are refused before they are opened.
    """

    added: tuple[SourceFile, ...]
    modified: tuple[SourceFile, ...]
    touched: tuple[Touch, ...]
    regrouped: int
    unchanged: int
    deleted: tuple[SourceState, ...]
    failures: tuple[IngestFailure, ...]

    @property
    def to_read(self) -> tuple[SourceFile, ...]:
        """Files to parse, by path."""
        return tuple(sorted((*self.added, *self.modified), key=lambda file: file.path))

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be done."""
        return not (self.added or self.modified or self.touched or self.deleted)


def make_plan(
    scan: Scan,
    states: Mapping[str, SourceState],
    *,
    groups: frozenset[str],
    delete_missing: bool,
    max_file_mb: int,
) -> Plan:
    """Compare a scan with what the catalog remembers of the same root.

    A file of the same size and time is taken as unchanged unread; otherwise its hash decides. A file that
    cannot be taken now keeps its old version.
    """
    planner = _Planner(states, groups=groups, max_file_mb=max_file_mb)
    for file in scan.files:
        planner.compare(file)
    planner.failures += scan.failures
    listed = {file.path for file in scan.files}
    missing = [state for path, state in sorted(states.items()) if path not in listed]
    kept = [state for state in missing if not delete_missing or _is_below(state.path, scan.unreadable)]
    planner.regroup(kept if delete_missing else [])
    return Plan(
        added=tuple(planner.added),
        modified=tuple(planner.modified),
        touched=tuple(planner.touched),
        regrouped=planner.regrouped,
        unchanged=planner.unchanged,
        deleted=tuple(state for state in missing if state not in kept),
        failures=tuple(sorted(planner.failures, key=lambda failure: failure.path)),
    )


class _Planner:
    def __init__(
        self, states: Mapping[str, SourceState], *, groups: frozenset[str], max_file_mb: int
    ) -> None:
        self._states = states
        self._groups = groups
        self._max_file_mb = max_file_mb
        self.added: list[SourceFile] = []
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
            self.added.append(file)
        elif (state.size, state.mtime_ns) == (file.size, file.mtime_ns):
            self._same(state, file)
        else:
            self._reread(state, file)

    def regroup(self, states: list[SourceState]) -> None:
        """Record the groups of documents kept as they are: rights do not wait for a file to be readable."""
        self.touched += [
            Touch(document_id=state.document_id, size=state.size, mtime_ns=state.mtime_ns)
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
        if state.groups != self._groups:
            self.regrouped += 1
        else:
            self.unchanged += 1
        if (state.size, state.mtime_ns, state.groups) != (file.size, file.mtime_ns, self._groups):
            self.touched.append(Touch(document_id=state.document_id, size=file.size, mtime_ns=file.mtime_ns))

    def _fail(self, file: SourceFile, code: str, message: str) -> None:
        self.failures.append(IngestFailure(path=file.path, code=code, message=message))


def file_sha256(file: SourceFile) -> str:
    """Hash of the file's bytes, hex. Raises: OSError."""
    digest = hashlib.sha256()
    with file.local.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


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
