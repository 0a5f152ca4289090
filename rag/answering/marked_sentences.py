"""Sentences and their ``[n]`` markers, out of a text that arrives in pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag.text.sentences import split_sentences

_BLANKS = r"[^\S\n\r]*"  # a line break ends a sentence, so no marker spans it
MARKER = re.compile(rf"[ \u00a0]*\[{_BLANKS}(\d{{1,3}}(?:{_BLANKS}[,;]{_BLANKS}\d{{1,3}})*){_BLANKS}\]")
_PARTIAL_MARKER = re.compile(r"[ \u00a0]*(?:\[[\d\s,;]*)?\Z")
_BEGUN = 3
"""Characters of the next sentence that must be there, before the one in front of it counts as complete: up to
then a marker, a closing quotation mark or a small letter may still belong to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkedSentence:
    """A sentence without its markers.

    Attributes:
        numbers: what its markers name, in order, each once.
        gap: what stands between it and the sentence before: a blank, or one or two line breaks.
    """

    text: str
    numbers: tuple[int, ...]
    gap: str


class SentenceReader:
    """Gives each sentence as soon as it is complete; however the text is cut, the sentences are the same."""

    def __init__(self) -> None:
        self._tail = ""
        self._break = ""
        self._is_first = True

    def feed(self, piece: str) -> list[MarkedSentence]:
        """The sentences that ``piece`` completes."""
        self._tail += piece
        spans = split_sentences(self._tail)
        complete = [span for span in spans if _has_begun(self._tail[span[1] :])]
        return self._take(complete)

    def finish(self) -> list[MarkedSentence]:
        """The sentences that are left at the end."""
        return self._take(split_sentences(self._tail))

    def _take(self, spans: list[tuple[int, int]]) -> list[MarkedSentence]:
        found: list[MarkedSentence] = []
        place = 0
        for start, end in spans:
            marked = self._tail[start:end]
            self._break += self._tail[place:start]
            place = end
            text = MARKER.sub("", marked).strip()
            if not text.strip(".!?… "):  # markers on their own belong to the sentence before
                if found:
                    found[-1] = replace(found[-1], numbers=_numbers(marked, found[-1].numbers))
                continue
            found.append(MarkedSentence(text=text, numbers=_numbers(marked), gap=self._gap()))
            self._break, self._is_first = "", False
        self._tail = self._tail[place:]
        return found

    def _gap(self) -> str:
        if self._is_first:
            return ""
        return "\n" * min(2, self._break.count("\n")) or " "


def _has_begun(rest: str) -> bool:
    """Whether ``rest`` surely is another sentence."""
    begun = MARKER.sub("", _PARTIAL_MARKER.sub("", rest)).strip()
    return len(begun) >= _BEGUN and any(character.isalnum() for character in begun)


def _numbers(marked: str, before: tuple[int, ...] = ()) -> tuple[int, ...]:
    numbers = [int(number) for group in MARKER.findall(marked) for number in re.findall(r"\d+", group)]
    return tuple(dict.fromkeys((*before, *numbers)))


class MarkerFilter:
    """Removes markers from a text that arrives in pieces, as it is streamed to the asker."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown after ``piece``; an unfinished marker is held back."""
        text = self._held + piece
        partial = _PARTIAL_MARKER.search(text)
        cut = partial.start() if partial else len(text)
        self._held = text[cut:]
        return MARKER.sub("", text[:cut])

    def finish(self) -> str:
        """What is left at the end."""
        held, self._held = self._held, ""
        return held.rstrip()
