"""The evidence of one check as the model is given it: for each sentence the passages that concern it."""

from __future__ import annotations

from collections.abc import Sequence

from rag.domain import Evidence
from rag.grounding.json_facts import json_facts
from rag.grounding.local.pieces import Passage
from rag.grounding.local.reading import ClaimReader, ClaimReading
from rag.text.alignment import Rarity, content_terms, coverage, rarity

_FEWEST = 3
"""Passages that a sentence is read against, though the first may already hold all of its terms."""

_MOST = 6
"""Passages that are taken for terms which those before them lack."""

_STRANGE = 0.25
"""Share of its terms held by all of those below which other words, or another language, say the same."""

_MOST_PIECES = 4000
"""What is read at most for a sentence whose terms do not tell where to look."""

_RECORD_PIECES = 1000
"""Of records read whole: their keys share few words with what is said of them."""


class EvidenceMemory:
    """Evidence texts, cut into passages when the first sentence asks for them.

    A sentence is read against the passages that hold its terms: what does not concern it costs time and says
    nothing. Which those are depends on the sentence alone, so that it is judged alike among others and by
    itself.
    """

    def __init__(self, evidence: Sequence[Evidence], reader: ClaimReader) -> None:
        self._texts = [each.text for each in evidence]
        self._reader = reader
        self._passages: list[Passage] | None = None
        self._of_records: list[int] = []
        self._terms: dict[str, tuple[list[frozenset[str]], Rarity]] = {}

    def judge(self, sentences: Sequence[str], language: str) -> list[ClaimReading | None]:
        """A reading for each sentence; ``None`` where there is no evidence."""
        passages = self._cut()
        if not passages:
            return [None] * len(sentences)
        asked = [(sentence, self._concerning(sentence, language)) for sentence in sentences]
        return list(self._reader.judge(asked))

    def _cut(self) -> list[Passage]:
        if self._passages is None:
            self._passages = []
            for text in self._texts:
                cut = self._reader.cut(text)
                if json_facts(text):
                    self._of_records += range(len(self._passages), len(self._passages) + len(cut))
                self._passages += cut
        return self._passages

    def _concerning(self, sentence: str, language: str) -> list[Passage]:
        passages = self._cut()
        if len(passages) <= _FEWEST:
            return passages
        if language not in self._terms:
            terms = [content_terms(each.text, language) for each in passages]
            self._terms[language] = terms, rarity(terms)
        held, weights = self._terms[language]
        wanted = content_terms(sentence, language)
        shares = [coverage(wanted, each, weights) for each in held]
        order = sorted(range(len(held)), key=lambda at: (-shares[at], at))
        records = [at for at in order if at in self._of_records]
        chosen = _covering(wanted, held, weights)
        chosen += [at for at in _within(records, passages, _RECORD_PIECES) if at not in chosen]
        chosen += [at for at in order if at not in chosen][: max(0, _FEWEST - len(chosen))]
        if coverage(wanted, frozenset().union(*(held[at] for at in chosen)), weights) < _STRANGE:
            chosen = _within(order, passages, _MOST_PIECES)
        return [passages[at] for at in sorted(chosen)]


def _covering(wanted: frozenset[str], held: Sequence[frozenset[str]], weights: Rarity) -> list[int]:
    """Places that together hold the most of ``wanted``, each taken for what those before it lack."""
    chosen: list[int] = []
    left = wanted
    while left and len(chosen) < _MOST:
        shares = [coverage(left, each, weights) for each in held]
        best = max(range(len(held)), key=lambda at: (shares[at], -at))
        if shares[best] == 0:
            break
        chosen.append(best)
        left -= held[best]
    return chosen


def _within(order: Sequence[int], passages: Sequence[Passage], most: int) -> list[int]:
    """As many of ``order`` as have no more than ``most`` pieces."""
    chosen: list[int] = []
    size = 0
    for place in order:
        size += len(passages[place].pieces)
        if size > most:
            break
        chosen.append(place)
    return chosen
