"""Planning: the difference between source and catalog, and nothing once it is applied."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.newcomers import file_sha256
from ingest.plan import Plan, make_plan
from ingest.result import IngestFailure
from ingest.sources import Scan, SourceFile
from rag.domain import SourceState

EVERYBODY: frozenset[str] = frozenset()


def plan(scan: Scan, states: dict[str, SourceState], *, delete_missing: bool = True) -> Plan:
    return make_plan(
        scan,
        states,
        groups=EVERYBODY,
        delete_missing=delete_missing,
        keep_duplicates=False,
        max_file_mb=1,
    )


def state_of(file: SourceFile, sha256: str) -> SourceState:
    return SourceState(
        path=file.path,
        sha256=sha256,
        size=file.size,
        mtime_ns=file.mtime_ns,
        groups=EVERYBODY,
        title=None,
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
            assert {file.path for file in scan.files} == (
                states.keys()
                | {copy.path for copy in again.duplicates}
                | {failure.path for failure in again.failures}
            )


def applied(planned: Plan, scan: Scan, states: dict[str, SourceState]) -> dict[str, SourceState]:
    """What the catalog remembers once the plan is carried out."""
    removed = {state.path for state in planned.deleted} | {move.state.path for move in planned.moved}
    left_out = {failure.path for failure in planned.failures} | {copy.path for copy in planned.duplicates}
    kept = {path: state for path, state in states.items() if path not in removed | left_out}
    current = {
        file.path: state_of(file, file_sha256(file)) for file in scan.files if file.path not in left_out
    }
    return kept | current


def test_a_file_found_elsewhere_has_moved(tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text("# Leave\n\nTwenty-five days.")
    file = source_file(tmp_path / "new.md")
    old = SourceFile(path="old.md", local=file.local, size=file.size, mtime_ns=3)
    found = plan(Scan(files=(file,)), {"old.md": state_of(old, file_sha256(file))})
    assert [(move.state.path, move.file.path, move.reread) for move in found.moved] == [
        ("old.md", "new.md", False)
    ]
    assert not found.added
    assert not found.deleted


def test_a_moved_file_is_read_again_when_its_name_was_its_title(tmp_path: Path) -> None:
    (tmp_path / "new-name.txt").write_text("Twenty-five days.")
    file = source_file(tmp_path / "new-name.txt")
    old = SourceFile(path="old-name.txt", local=file.local, size=file.size, mtime_ns=3)
    state = replace(state_of(old, file_sha256(file)), title="Old name")
    found = plan(Scan(files=(file,)), {"old-name.txt": state})
    assert found.to_read == (file,)


def test_the_same_bytes_are_taken_once_and_again_when_the_first_file_goes(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("Twenty-five days.")
    first, second = (source_file(tmp_path / name) for name in ("a.md", "b.md"))
    found = plan(Scan(files=(first, second)), {})
    assert [file.path for file in found.added] == ["a.md"]
    assert [(copy.path, copy.of) for copy in found.duplicates] == [("b.md", "a.md")]
    stored = {"a.md": state_of(first, file_sha256(first))}
    assert [move.file.path for move in plan(Scan(files=(second,)), stored).moved] == ["b.md"]
