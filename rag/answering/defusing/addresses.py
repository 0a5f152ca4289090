"""Third stage: no address that the answer's documents don't have, however it is written.

Text passes word by word: a word's letters at once, and from the first sign on that can make an address of it
only when the word is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.answering.defusing.address_forms import STARTS, Address, Kind, addresses_in, readings
from rag.answering.defusing.forms import set_apart
from rag.answering.defusing.glyphs import Glyph, Sink, glyph, glyphs, read, shown

MAX_WORD = 400
"""Longest stretch without white space that is held back; what is longer is broken in two."""

_SIGNS = frozenset(":/\\.@%")
_TRAILING = frozenset(".,;:!?)]}'’*_»")


@dataclass(frozen=True, slots=True)
class KnownAddresses:
    """What may be shown.

    Attributes:
        own: the documents' addresses, as links are written.
        text: what the passages say, where a mail address or a host's name may stand.
    """

    own: frozenset[str]
    text: str

    def holds(self, address: str) -> bool:
        """Whether the passages say ``address``, not as a part of a longer one."""
        pattern = (
            rf"(?<![^\W_])(?<![.@/\\:%+-]){re.escape(address.casefold())}(?![^\W_]|[@/\\]|[._-][^\W_]|:[/\\])"
        )
        return re.search(pattern, self.text) is not None


class Addresses:
    """Replaces every foreign address by ``notice``."""

    def __init__(self, sink: Sink, *, notice: str, known: KnownAddresses) -> None:
        self._sink = sink
        self._notice = notice
        self._known = known
        self._before = ""
        self._word: list[Glyph] = []
        self._handed_on = 0
        self._run = ""
        self._holding = False
        self._swallowing = False

    def feed(self, part: Glyph) -> None:
        """The next character."""
        if part.read.isspace():
            self._end_word()
            self._swallowing = False
            self._pass(part)
            return
        if self._swallowing:
            self._swallowing = part.read not in '<>"`|»'
            if self._swallowing:
                return
        if len(self._word) - self._handed_on >= MAX_WORD:
            self._break_word()
            if self._swallowing:
                return
        self._word.append(part)
        self._run = self._run + part.read.lower() if part.read.isascii() and part.read.isalpha() else ""
        self._holding = self._holding or part.read in _SIGNS or self._run in STARTS
        if not self._holding and not self._may_start():
            self._hand_on(len(self._word))
            if len(self._word) > MAX_WORD:  # its beginning is out long since, and says nothing any more
                del self._word[: MAX_WORD // 2]
                self._handed_on = len(self._word)

    def finish(self) -> None:
        """The text ends."""
        self._end_word()

    def _may_start(self) -> bool:
        """Whether the letters that came last may begin an address."""
        return bool(self._run) and any(start.startswith(self._run) for start in STARTS)

    def _end_word(self) -> None:
        if self._holding:
            self._judge()
        self._hand_on(len(self._word))
        self._word, self._handed_on, self._run, self._holding = [], 0, "", False

    def _break_word(self) -> None:
        """What is too long to be held is judged as it is, and set apart from what follows."""
        was_address = self._judge()
        self._end_word()
        self._swallowing = was_address
        if not was_address:
            self._pass(glyph(" "))

    def _judge(self) -> bool:
        """Replace the foreign addresses of the word; whether it ends with one."""
        text = read(self._word)
        spans = self._foreign(text)
        for start, end in reversed(spans):
            begin = max(start, self._handed_on)
            before = self._word[begin - 1].read if begin else self._before
            words = " " if start == end else set_apart(before, self._notice)
            self._word[begin:end] = glyphs(words)
        self._holding = False
        return bool(spans) and spans[-1][1] == len(text)

    def _foreign(self, text: str) -> list[tuple[int, int]]:
        """Where a notice is to stand; an empty span is to be a blank."""
        addresses = [self._trimmed(text, address) for address in addresses_in(text)]
        spans = [
            (address.end if address.kind is Kind.PHONE else address.start, address.end)
            for address in addresses
            if not self._may_stand(address)
        ]
        is_open = not addresses or bool(spans)
        hidden = is_open and any(any(addresses_in(reading)) for reading in readings(text))
        return [(0, len(text))] if hidden else spans

    def _trimmed(self, text: str, address: Address) -> Address:
        """Without the signs after it that belong to the sentence."""
        if address.kind is Kind.PHONE:
            return address
        start, end = address.start, address.end
        while end > start and text[end - 1] in _TRAILING and not text.endswith("::", start, end):
            closes = text[end - 1] == ")"
            if closes and text.count("(", start, end) >= text.count(")", start, end):
                break
            end -= 1
        return address._replace(end=end)

    def _may_stand(self, address: Address) -> bool:
        written = shown(self._word[address.start : address.end])
        return written in self._known.own or (address.kind is Kind.PLAIN and self._known.holds(written))

    def _hand_on(self, end: int) -> None:
        for part in self._word[self._handed_on : end]:
            self._pass(part)
        self._handed_on = max(end, self._handed_on)

    def _pass(self, part: Glyph) -> None:
        self._before = part.read
        self._sink(part)
