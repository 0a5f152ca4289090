"""Reading the best candidates closely: how much of a question each holds, and whether its document is named.

An index answers in words that are the same once they are stemmed. Here a text is read by its letters too:
*privés* in a question is close to *privée*, and to ``donnéesprivées``, where a blank was lost. What a word
counts is its rarity in the whole collection, so a reading does not depend on the other candidates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from rag.domain import StoredChunk, document_card, embedded_text
from rag.index.analysis import content_words, folded
from rag.interfaces import KeywordIndex
from rag.retrieval.fusion import Reading

_GRAM = 4
_SOFT_SHARE = 0.5
_RUN = re.compile(r"[^\W\d_]+|\d+")


class CloseReader:
    """Reads chunks for one question.

    Attributes:
        names: words of the question by which documents are called.
    """

    def __init__(self, query: str, *, language: str, keyword: KeywordIndex) -> None:
        self._keyword = keyword
        words = content_words(query, language)
        counts = keyword.chunk_counts(words)
        self._weights = {
            word: _rarity(keyword.count, count) for word, count in zip(words, counts, strict=True)
        }
        self._known = {word: self._weights[word] for word, count in zip(words, counts, strict=True) if count}
        self._letters = [
            (letters, self._weights[word], _grams(letters)) for word in words for letters in [folded(word)]
        ]
        self.names = keyword.naming(_possible_names(words))
        self._folded_names = {folded(name) for name in self.names}

    def read(self, chunks: Sequence[StoredChunk]) -> dict[int, Reading]:
        """The reading of each chunk, by its id."""
        exact = self._exact_coverages([chunk.id for chunk in chunks])
        return {
            chunk.id: Reading(
                coverage=(1 - _SOFT_SHARE) * exact.get(chunk.id, 0.0)
                + _SOFT_SHARE * self._soft_coverage(chunk),
                named=self._named(chunk),
            )
            for chunk in chunks
        }

    def _exact_coverages(self, chunk_ids: Sequence[int]) -> Mapping[int, float]:
        """Share of the question's known words, by rarity, that stand in each chunk in any form."""
        whole = sum(self._known.values())
        held = self._keyword.held_weights(self._known, chunk_ids)
        return {chunk_id: weight / whole for chunk_id, weight in held.items()}

    def _soft_coverage(self, chunk: StoredChunk) -> float:
        """Share of the question's words, by rarity; of a word, the squared share of its letter groups."""
        whole = sum(self._weights.values())
        if not whole:
            return 0.0
        text = folded(embedded_text(chunk.context, chunk.text))
        held = sum(
            weight if word in text else weight * _share_held(text, grams) ** 2
            for word, weight, grams in self._letters
        )
        return held / whole

    def _named(self, chunk: StoredChunk) -> float:
        if not self.names:
            return 0.0
        called = set(_RUN.findall(folded(document_card(chunk.title, chunk.source_uri))))
        return len(self._folded_names & called) / len(self._folded_names)


def _rarity(chunks: int, holding: int) -> float:
    """BM25's inverse document frequency."""
    return math.log(1 + max(chunks - holding + 0.5, 0.5) / (holding + 0.5))


def _grams(word: str) -> list[str]:
    return [word[start : start + _GRAM] for start in range(max(1, len(word) - _GRAM + 1))]


def _share_held(text: str, grams: Sequence[str]) -> float:
    return sum(gram in text for gram in grams) / len(grams)


def _possible_names(words: Sequence[str]) -> list[str]:
    """Words with a capital letter, and numbers; every word of a question without any capital letter."""
    if not any(letter.isupper() for word in words for letter in word):
        return list(words)
    return [word for word in words if word.isdigit() or any(letter.isupper() for letter in word)]
