"""The documents of the mixed load: what a file holds at a revision, and what may be stored of it.

A revision is a number that is used once, so a text tells which file's which state it is; every chunk has a
keyword of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.domain import NewVersion
from tests.fakes import HashedEmbedder
from tests.sources import ROOT, new_version

COLLECTION = "handbook"
EMBEDDER = HashedEmbedder(dimension=32, max_tokens=60)
COMMON = "evergreen"
"""A word of every chunk."""

_KEYWORD = re.compile(r"\b9(\d{7})(\d)(\d{2})\b")
_UNINDEXED_EVERY = 11

Identities = Mapping[str, tuple[str, int]]
"""Document id and version by part."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One step of the load.

    Attributes:
        kind: ``put``, ``delete``, ``move``, ``sync``, ``refresh``, ``query`` or ``create``.
        changes: the files' revisions afterwards; ``None`` for one that is gone.
        is_atomic: whether either all or none of the changes are to be found after a crash.
    """

    kind: str
    changes: Mapping[str, int | None] = field(default_factory=dict)
    is_atomic: bool = True


def parts_of(path: str, revision: int) -> list[str]:
    """The documents in a file: folder files hold one, the others up to three."""
    if path.startswith("file"):
        return [""]
    return ["", "a.txt", "b/c.txt"][: 1 + revision % 3]


def keywords_of(path: str, revision: int, part: str) -> list[str]:
    """The keywords in the part's text, in order: numbers, each one term without a near spelling."""
    place = parts_of(path, revision).index(part)
    length = 1 + (revision * 7 + place * 3) % (18 if path.startswith("file") else 6)
    return [f"9{revision:07d}{place}{n:02d}" for n in range(length)]


def is_indexed(path: str, revision: int) -> bool:
    """Some documents have no chunks."""
    return path.startswith("file") or revision % _UNINDEXED_EVERY != 0


def text_of(path: str, revision: int, part: str) -> str:
    """A paragraph per keyword."""
    keywords = keywords_of(path, revision, part)
    return "\n\n".join(
        f"The {COMMON} rule {keyword} of the handbook says what is to be done." for keyword in keywords
    )


def keywords_in(text: str) -> list[str]:
    """The keywords in any text."""
    return [match[0] for match in _KEYWORD.finditer(text)]


def revision_of(keyword: str) -> int:
    """The revision that a keyword belongs to."""
    match = _KEYWORD.fullmatch(keyword)
    assert match is not None, keyword
    return int(match[1])


def versions_of(path: str, revision: int) -> list[NewVersion]:
    """The file's documents, ready to store."""
    made = []
    for part in parts_of(path, revision):
        facts = {} if is_indexed(path, revision) else {"chunks": ()}
        made.append(
            new_version(path, text_of(path, revision, part), embedder=EMBEDDER, root=ROOT, part=part, **facts)
        )
    return made


@dataclass(slots=True)
class Ledger:
    """What was acknowledged, and what was under way when the process died.

    Attributes:
        files: revision by path.
        identities: what the catalog answered when the file was stored; absent where it is not known.
        in_flight: the operation that was begun and not acknowledged.
        next_revision: one that no file has had.
        is_created, is_indexed: whether the collection, and an index of it, were acknowledged.
        gone: some revisions that were replaced or deleted.
    """

    files: dict[str, int] = field(default_factory=dict)
    identities: dict[str, Identities] = field(default_factory=dict)
    in_flight: Operation | None = None
    next_revision: int = 1
    is_created: bool = False
    is_indexed: bool = False
    gone: list[int] = field(default_factory=list)
    acknowledged: int = 0

    def begin(self, operation: Operation) -> None:
        """An operation starts."""
        self.in_flight = operation
        taken = [revision for revision in operation.changes.values() if revision is not None]
        self.next_revision = max(self.next_revision, *(revision + 1 for revision in taken), 1)

    def done(self, identities: Mapping[str, Identities]) -> None:
        """It was acknowledged."""
        assert self.in_flight is not None, "an acknowledgement without an operation"
        self.is_created = True
        self.is_indexed |= self.in_flight.kind in ("refresh", "query", "sync")
        self._apply(self.in_flight.changes, identities)
        self.in_flight = None
        self.acknowledged += 1

    def allowed(self, path: str) -> set[int | None]:
        """The revisions of ``path`` that may be found now; ``None``: that it is not stored."""
        allowed: set[int | None] = {self.files.get(path)}
        if self.in_flight is not None and path in self.in_flight.changes:
            allowed.add(self.in_flight.changes[path])
        return allowed

    def settle(self, found: Mapping[str, int], identities: Mapping[str, Identities]) -> None:
        """What was in flight is known now."""
        paths = self.files.keys() | found.keys()
        self._apply({path: found.get(path) for path in paths}, identities)
        self.in_flight = None

    def _apply(self, changes: Mapping[str, int | None], identities: Mapping[str, Identities]) -> None:
        for path, revision in changes.items():
            old = self.files.pop(path, None)
            if revision is not None:
                self.files[path] = revision
            if old is not None and old not in self.files.values() and old not in changes.values():
                self.gone.append(old)
            if path not in identities and old != revision:
                self.identities.pop(path, None)
        self.identities.update(identities)
        self.gone = self.gone[-40:]
