"""Planning: the difference between source and catalog, and nothing once it is applied."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.plan import Plan, file_sha256, make_plan
from ingest.result import IngestFailure
from ingest.sources import Scan, SourceFile
from rag.domain import SourceState

EVERYBODY: frozenset[str] = frozenset()


def plan(scan: Scan, states: dict[str, SourceState], *, delete_missing: bool = True) -> Plan:
    return make_plan(scan, states, groups=EVERYBODY, delete_missing=delete_missing, max_file_mb=1)


def state_of(file: SourceFile, sha256: str) -> SourceState:
    return SourceState(
        document_id=file.path,
        path=file.path,
        sha256=sha256,
        size=file.size,
        mtime_ns=file.mtime_ns,
        groups=EVERYBODY,
    )


def source_file(path: Path) -> SourceFile:
    facts = path.stat()
    return SourceFile(path=path.name, local=path, size=facts.st_size, mtime_ns=facts.st_mtime_ns)


def test_unchanged_size_and_time_are_believed_without_reading() -> None:
    file = SourceFile(path="a.md", local=Path("/nowhere/a.md"), size=3, mtime_ns=7)
    assert plan(Scan(files=(file,)), {"a.md": state_of(file, "any")}).unchanged == 1


def test_a_file_that_cannot_be_read_now_is_neither_modified_nor_deleted() -> None:
    file = SourceFile(path="a.md", local=Path("/nowhere/a.md"), size=3, mtime_ns=7)
    before = SourceFile(path="a.md", local=file.local, size=3, mtime_ns=6)
    found = plan(Scan(files=(file,)), {"a.md": state_of(before, "any")})
    assert found.is_empty
    assert [failure.code for failure in found.failures] == ["file_unreadable"]


def test_nothing_below_an_unreadable_folder_is_deleted() -> None:
    states = {
        path: state_of(SourceFile(path=path, local=Path(path), size=1, mtime_ns=1), "any")
        for path in ("closed/a.md", "closed.md", "closed/deep/b.md")
    }
    failure = IngestFailure(path="closed", code="folder_unreadable", message="…")
    found = plan(Scan(files=(), failures=(failure,), unreadable=("closed",)), states)
    assert [state.path for state in found.deleted] == ["closed.md"]


CONTENTS = st.dictionaries(st.sampled_from(["a.md", "b.txt", "c.html", "d.xyz", "e"]), st.binary(max_size=4))


@settings(deadline=None)  # it writes files
@given(before=CONTENTS, after=CONTENTS)
def test_a_plan_after_its_application_is_empty(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        states: dict[str, SourceState] = {}
        for contents in (before, after):
            for old in folder.iterdir():
                old.unlink()
            for path, content in contents.items():
                (folder / path).write_bytes(content)
            scan = Scan(files=tuple(source_file(path) for path in sorted(folder.iterdir())))
            states = applied(plan(scan, states), scan, states)
            again = plan(scan, states)
            assert again.is_empty
            assert again.unchanged == len(states)


def applied(planned: Plan, scan: Scan, states: dict[str, SourceState]) -> dict[str, SourceState]:
    """What the catalog remembers once the plan is carried out."""
    removed = {state.path for state in planned.deleted}
    refused = {failure.path for failure in planned.failures}
    kept = {path: state for path, state in states.items() if path not in removed | refused}
    current = {
        file.path: state_of(file, file_sha256(file)) for file in scan.files if file.path not in refused
    }
    return kept | current
