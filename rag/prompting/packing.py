"""As much of the passages as fits: whole ones best first, then the most useful sentences of the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.domain import Passage, Question
from rag.text.alignment import content_terms
from rag.text.sentences import split_sentences

Span = tuple[int, int]
Render = Callable[[int, Passage, Sequence[Span]], str]
"""Number, passage and the spans of its sentences to show → the block in the prompt."""

GAP = "[…]"
"""Stands where sentences of a passage are left out."""

_BESIDE = 0.5
"""What a sentence is worth for standing beside one that speaks of the question, in words of the question."""


class Packer:
    """Packs passages into a room that is counted in tokens.

    Args:
        count: tokens of a text.
        render: the block of a passage.
    """

    def __init__(self, question: Question, *, count: Callable[[str], int], render: Render) -> None:
        self._terms = content_terms(question.text, question.language)
        self._language = question.language
        self._count = count
        self._render = render

    def pack(self, passages: Sequence[Passage], room: int) -> list[str]:
        """The blocks of the first passages: whole while they fit, the last one in part.

        Of the first passage something is always shown, however small the room is.
        """
        blocks: list[str] = []
        for number, passage in enumerate(passages, start=1):
            spans = split_sentences(passage.text) or [(0, len(passage.text))]
            block = self._render(number, passage, spans)
            cost = self._count(block)
            if cost > room:
                part = self._part(number, passage, spans, room)
                return [*blocks, part] if part else blocks
            blocks.append(block)
            room -= cost
        return blocks

    def _part(self, number: int, passage: Passage, spans: Sequence[Span], room: int) -> str:
        """The block with the sentences that fit, the most useful first; empty where none does."""
        chosen: list[Span] = []
        best = ""
        for place in self._by_use(passage, spans):
            block = self._render(number, passage, sorted([*chosen, spans[place]]))
            if self._count(block) <= room:
                chosen.append(spans[place])
                best = block
        if best or number > 1:
            return best
        return self._beginning(passage, spans[self._by_use(passage, spans)[0]], room)

    def _by_use(self, passage: Passage, spans: Sequence[Span]) -> list[int]:
        """The sentences' places: those that hold most words of the question first, then those beside them."""
        held = [
            len(self._terms & content_terms(passage.text[start:end], self._language)) for start, end in spans
        ]
        beside = [max(held[max(0, place - 1) : place + 2]) > 0 for place in range(len(spans))]
        useful = [place for place in range(len(spans)) if beside[place]] or [*range(len(spans))]
        return sorted(useful, key=lambda place: (-(held[place] or _BESIDE), place))

    def _beginning(self, passage: Passage, span: Span, room: int) -> str:
        """The words of a sentence that is longer than the whole room, as many as fit, but at least one."""
        start, end = span
        ends = [place for place in range(start + 1, end) if passage.text[place].isspace()] or [
            min(end, start + max(1, room))
        ]
        low, high = 0, len(ends) - 1
        while low < high:
            middle = (low + high + 1) // 2
            fits = self._count(self._render(1, passage, [(start, ends[middle])])) <= room
            low, high = (middle, high) if fits else (low, middle - 1)
        return self._render(1, passage, [(start, ends[low])])
