"""What a generator writes, made harmless before anybody sees it, by rules and not by a model."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.defusing.addresses import Addresses, KnownAddresses
from rag.answering.defusing.characters import Characters
from rag.answering.defusing.datamarks import Datamarks
from rag.answering.defusing.glyphs import Glyph
from rag.answering.defusing.markup import Markup
from rag.answering.defusing.seams import Seams
from rag.domain import Passage

NOTICES = {"en": "(link removed)", "fr": "(lien retiré)"}
"""Stands where nothing else would, by the language of the best passage."""


class OutputFilter:
    """Removes every link, image, tag and reference that is not of the answer's own documents, as text comes.

    Labels stay, targets go. ``[n]`` markers pass, and so does the address of a passage's document as plain
    text, and a mail address or a host's name that the passages say. Words pass at once; only what may become
    a form is held back, a few hundred characters at most. Text gives the same whether it is fed whole or in
    pieces.

    Args:
        datamark: the marker put into the passages, which the generator may repeat; it is removed.
    """

    def __init__(self, passages: Sequence[Passage], *, datamark: str = "") -> None:
        known = KnownAddresses(
            own=frozenset(
                passage.source_uri
                for passage in passages
                if passage.source_uri.startswith(("http://", "https://"))
            ),
            text="\n".join(passage.text for passage in passages).casefold(),
        )
        language = passages[0].language if passages else "en"
        notice = NOTICES.get(language, NOTICES["en"])
        self._written: list[str] = []
        self._seams = Seams(self._write)
        self._addresses = Addresses(self._seams.feed, notice=notice, known=known)
        self._markup = Markup(self._addresses.feed, notice=notice, own=known.own)
        self._characters = Characters(self._markup.feed)
        self._datamarks = Datamarks(self._characters.feed, datamark)

    def feed(self, piece: str) -> str:
        """What can be shown after ``piece``."""
        for character in piece:
            self._datamarks.feed(character)
        return self._taken()

    def finish(self) -> str:
        """What was held back, at the end of the text."""
        self._datamarks.finish()
        self._characters.finish()
        self._markup.finish()
        self._addresses.finish()
        self._seams.finish()
        return self._taken()

    def _write(self, part: Glyph) -> None:
        self._written.append(part.shown)

    def _taken(self) -> str:
        text = "".join(self._written)
        self._written.clear()
        return text
