"""Files at paths the catalog does not know: new, moved from elsewhere, or copies of a file that is stored."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.clean import readable_stem
from ingest.parsing.table import file_type
from ingest.sources import SourceFile
from rag.domain import SourceState


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A stored source file that is found at another path, byte for byte.

    Attributes:
        reread: its title came from its old name, or another parser reads its new one.
    """

    state: SourceState
    file: SourceFile
    reread: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """A file that holds the very bytes of another one of the same source, which is the one that is stored."""

    path: str
    of: str


class Newcomers:
    """Sorts new files by what they are; only files of a size that occurs twice are read for it.

    Args:
        gone: states whose file is not there any more.
        stored: states whose bytes the source still holds.
        keep_duplicates: take copies as files of their own.
    """

    def __init__(
        self, *, gone: Iterable[SourceState], stored: Iterable[SourceState], keep_duplicates: bool
    ) -> None:
        self.added: list[SourceFile] = []
        self.moved: list[Move] = []
        self.duplicates: list[Duplicate] = []
        self._gone: dict[str, list[SourceState]] = {}
        for state in gone:
            self._gone.setdefault(state.sha256, []).append(state)
        self._stored = {} if keep_duplicates else {state.sha256: state.path for state in stored}
        self._keep_duplicates = keep_duplicates
        known = stored if not keep_duplicates else ()
        self._sizes = {state.size for states in self._gone.values() for state in states}
        self._sizes |= {state.size for state in known}

    @property
    def deleted(self) -> list[SourceState]:
        """What is gone and was not found elsewhere, by path."""
        left = (state for states in self._gone.values() for state in states)
        return sorted(left, key=lambda state: state.path)

    def take(self, files: Sequence[SourceFile]) -> None:
        """Sort the files in; one that cannot be read is taken as new and fails when it is parsed."""
        sizes = set(self._sizes)
        if not self._keep_duplicates:
            sizes |= {size for size, count in Counter(file.size for file in files).items() if count > 1}
        for file in files:
            digest = _digest(file) if file.size in sizes else None
            if digest is None:
                self.added.append(file)
            elif self._gone.get(digest):
                self._move(self._gone[digest].pop(0), file)
            elif digest in self._stored:
                self.duplicates.append(Duplicate(path=file.path, of=self._stored[digest]))
                continue
            else:
                self.added.append(file)
            if digest is not None and not self._keep_duplicates:
                self._stored[digest] = file.path

    def _move(self, state: SourceState, file: SourceFile) -> None:
        old_title, new_title = readable_stem(state.path), readable_stem(file.path)
        reread = file_type(state.path) is not file_type(file.path) or (
            state.title == old_title and old_title != new_title
        )
        self.moved.append(Move(state=state, file=file, reread=reread))


def file_sha256(file: SourceFile) -> str:
    """Hash of the file's bytes, hex. Raises: OSError."""
    if file.download is None:
        return _sha256(file.local)
    with TemporaryDirectory(prefix="footnote-plan-") as folder:
        copy = Path(folder) / "copy"
        file.download(copy)
        return _sha256(copy)


def _sha256(local: Path) -> str:
    with local.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(file: SourceFile) -> str | None:
    try:
        return file_sha256(file)
    except OSError:
        return None
