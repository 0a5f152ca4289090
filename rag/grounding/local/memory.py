"""The evidence of one check as the model remembers it: all of it, or of a lot what concerns a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from rag.domain import Evidence
from rag.grounding.local.pieces import Passage
from rag.grounding.local.reading import ClaimReader, ClaimReading, ReadEvidence
from rag.text.alignment import content_terms, coverage, rarity

_MOST_PIECES = 4000
"""Evidence beyond it is read in part: for each sentence the passages that share most of its terms."""


class EvidenceMemory:
    """Evidence texts, cut and encoded when the first sentence asks for them."""

    def __init__(self, evidence: Sequence[Evidence], reader: ClaimReader) -> None:
        self._texts = [each.text for each in evidence]
        self._reader = reader
        self._passages: list[Passage] | None = None
        self._whole: ReadEvidence | None = None
        self._terms: dict[str, list[frozenset[str]]] = {}

    def judge(self, sentences: Sequence[str], language: str) -> list[ClaimReading | None]:
        """A reading for each sentence; ``None`` where there is no evidence."""
        passages = self._cut()
        if not passages:
            return [None] * len(sentences)
        if sum(len(each.pieces) for each in passages) <= _MOST_PIECES:
            if self._whole is None:
                self._whole = self._reader.read(passages)
            return list(self._reader.judge(self._whole, sentences))
        return [
            self._reader.judge(self._reader.read(self._concerning(sentence, language)), [sentence])[0]
            for sentence in sentences
        ]

    def _cut(self) -> list[Passage]:
        if self._passages is None:
            self._passages = [passage for text in self._texts for passage in self._reader.cut(text)]
        return self._passages

    def _concerning(self, sentence: str, language: str) -> list[Passage]:
        """The passages that share most of the sentence's terms, as many as are read at once."""
        passages = self._cut()
        if language not in self._terms:
            self._terms[language] = [content_terms(each.text, language) for each in passages]
        held = self._terms[language]
        weights = rarity(held)
        wanted = content_terms(sentence, language)
        order = sorted(range(len(held)), key=lambda at: (-coverage(wanted, held[at], weights), at))
        chosen: list[int] = []
        size = 0
        for place in order:
            size += len(passages[place].pieces)
            if size > _MOST_PIECES:
                break
            chosen.append(place)
        return [passages[place] for place in sorted(chosen)]
