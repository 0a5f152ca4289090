"""Changes below a folder are noticed when it is quiet, and nothing is lost on the way."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.watch import changed_folders
from tests.patience import LONG_S


class Watcher:
    """Collects notices in a thread."""

    def __init__(self, *folders: Path) -> None:
        self.stop = threading.Event()
        self._notices: queue.Queue[list[Path]] = queue.Queue()
        self._thread = threading.Thread(target=self._run, args=(folders,))
        self._thread.start()

    def _run(self, folders: tuple[Path, ...]) -> None:
        for changed in changed_folders(folders, stop=self.stop):
            self._notices.put(changed)

    def next(self) -> list[Path]:
        return self._notices.get(timeout=LONG_S)

    def wait_for(self, *changed: Path) -> None:
        """Until the notice of these; on a busy machine one change may be noticed in two parts before."""
        while self.next() != [*changed]:
            pass

    def is_silent(self, *, seconds: float) -> bool:
        try:
            self._notices.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def end(self) -> None:
        self.stop.set()
        self._thread.join(timeout=LONG_S)
        assert not self._thread.is_alive()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("handbook", "minutes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "first.txt").write_text("First.")
    return tmp_path / "handbook", tmp_path / "minutes"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause of less than two seconds between changes is none."""
    monkeypatch.setattr("ingest.watch._QUIET_MS", 2000)
    monkeypatch.setattr("ingest.watch._LONGEST_WAIT_MS", 60_000)


@pytest.fixture
def watcher(folders: tuple[Path, Path]) -> Iterator[Watcher]:
    watching = Watcher(*folders)
    yield watching
    watching.end()


def test_all_folders_come_first_and_then_what_changes(folders: tuple[Path, Path], watcher: Watcher) -> None:
    handbook, minutes = folders
    assert watcher.next() == [handbook, minutes]
    (minutes / "may.txt").write_text("The board met in May.")
    assert watcher.next() == [minutes]
    (handbook / "deep" / "er").mkdir(parents=True)
    watcher.wait_for(handbook)
    (handbook / "deep" / "er" / "leave.txt").write_text("Leave.")
    watcher.wait_for(handbook)


def test_many_changes_are_one_notice(folders: tuple[Path, Path], patient: None, watcher: Watcher) -> None:
    watcher.next()
    for number in range(50):
        (folders[0] / f"{number}.txt").write_text("x")
    assert watcher.next() == [folders[0]]
    assert watcher.is_silent(seconds=2.5)


def test_hidden_and_temporary_files_are_no_news(folders: tuple[Path, Path], watcher: Watcher) -> None:
    watcher.next()
    (folders[0] / ".leave.txt.swp").write_text("x")
    (folders[0] / "~$leave.docx").write_text("x")
    assert watcher.is_silent(seconds=1.5)


def test_a_folder_that_vanishes_is_waited_for(folders: tuple[Path, Path], watcher: Watcher) -> None:
    handbook, minutes = folders
    watcher.next()
    shutil.rmtree(handbook)
    watcher.wait_for(minutes)  # watched anew, without the other one
    handbook.mkdir()
    assert watcher.is_silent(seconds=1.5)  # empty: perhaps only the place where a drive belongs
    (handbook / "leave.txt").write_text("Leave.")
    assert handbook in watcher.next()
    (minutes / "june.txt").write_text("June.")
    while minutes not in watcher.next():
        pass


def test_it_waits_while_no_folder_is_there(tmp_path: Path) -> None:
    watching = Watcher(tmp_path / "later")
    assert watching.is_silent(seconds=0.7)
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.txt").write_text("A")
    assert watching.next() == [tmp_path / "later"]
    watching.end()
