"""From a sentence and its markers to the exact spans of the passages that carry it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.domain import CitedSpan, Passage
from rag.interfaces import Embedder
from rag.text.alignment import best_match
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

_CARRIES = 0.5
"""A passage carries a sentence when it holds half of its terms. A sentence without a marker, or whose marked
passages hold less, is looked for in all passages; a marker is kept where none of them does better."""

_ADDS_NOTHING = 0.2
"""A marked passage that holds less than this share is left out where another one carries the sentence."""


class SpanCitationMatcher:
    """Narrows each citation to the sentences of the passage that carry the answer's sentence.

    Args:
        embedder: finds the nearest sentence where words don't, as between languages.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def find(
        self, sentence: str, numbers: Sequence[int], passages: Sequence[Passage], *, before: str = ""
    ) -> list[CitedSpan]:
        """What ``sentence`` rests on, the marked passages in the order of their markers.

        Args:
            numbers: of its markers; passage ``n`` is ``passages[n - 1]``, unknown numbers are dropped.
            before: the text that the sentence follows, which tells its language better than it does alone.
        """
        language = detect_language(f"{before} {sentence}")
        marked = [passages[number - 1] for number in numbers if 1 <= number <= len(passages)]
        found = [span for passage in marked if (span := _span(sentence, passage, language))]
        if any(span.coverage >= _CARRIES for span in found):
            return [span for span in found if span.coverage >= _ADDS_NOTHING]
        known = [span for passage in passages if (span := _span(sentence, passage, language))]
        best = max(known, key=lambda span: span.coverage, default=None)
        if best is not None and best.coverage >= _CARRIES:
            return [best]
        return [self._nearest(sentence, passage) for passage in marked if passage.text.strip()]

    def _nearest(self, sentence: str, passage: Passage) -> CitedSpan:
        """The sentence of a marked passage that means most nearly the same."""
        spans = split_sentences(passage.text)
        texts = [sentence, *(passage.text[start:end] for start, end in spans)]
        vectors = self._embedder.embed_documents(texts)
        start, end = spans[int(np.argmax(vectors[1:] @ vectors[0]))]
        return CitedSpan(passage=passage, start=start, end=end, coverage=0.0)


def _span(sentence: str, passage: Passage, language: str) -> CitedSpan | None:
    match = best_match(sentence, passage.text, language)
    if match is None:
        return None
    return CitedSpan(passage=passage, start=match.start, end=match.end, coverage=match.coverage)
