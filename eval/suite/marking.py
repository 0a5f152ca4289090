"""Texts with parts that are marked, cut into pieces that a template writes one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.suite.report import Case, PassageBody, SentenceBody

GOLD = "gold"
OBJECTED = "objected"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text and the marks that lie on all of it, sorted."""

    text: str
    marks: tuple[str, ...]


def pieces(text: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[Piece]:
    """``text`` cut at the ends of its spans; the pieces together are the text.

    Args:
        spans: ``(start, end, mark)``, may overlap; what lies outside the text is cut off.
    """
    inside = [(max(start, 0), min(end, len(text)), mark) for start, end, mark in spans]
    inside = [span for span in inside if span[0] < span[1]]
    cuts = sorted({0, len(text), *(place for start, end, _ in inside for place in (start, end))})
    for start, end in pairwise(cuts):
        marks = {mark for from_, to, mark in inside if from_ <= start and end <= to}
        yield Piece(text[start:end], tuple(sorted(marks)))


def passage_pieces(passage: PassageBody) -> list[Piece]:
    """A passage with what citations quote, by their numbers, and what the gold quote says."""
    cited = [(start, end, str(number)) for start, end, number in passage.marks]
    return list(pieces(passage.text, [*cited, *((start, end, GOLD) for start, end in passage.gold)]))


def sentence_pieces(sentence: SentenceBody) -> list[Piece]:
    """A sentence with what the check objects to in it."""
    spans = [(start - sentence.start, end - sentence.start, OBJECTED) for start, end in sentence.unsupported]
    return list(pieces(sentence.text, spans))


def shown_first(case: Case) -> tuple[list[PassageBody], list[PassageBody]]:
    """The passages that matter (cited, or gold), and the others, each in the order of the ranking."""
    passages = case.passages or ()
    first = [each for each in passages if each.marks or each.gold or each.is_gold]
    return first, [each for each in passages if each not in first]
