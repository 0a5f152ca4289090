"""From ``[n]`` markers to footnotes with exact spans in the stored documents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.domain import Citation, CitedDraft, CitedSentence, Draft, Passage
from rag.text.alignment import Match, best_match
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

MARKER = re.compile(r"[ \u00a0]*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_PARTIAL_MARKER = re.compile(r"[ \u00a0]*(?:\[[\d\s,;]*)?\Z")
_MIN_COVERAGE = 0.5
"""A passage carries a sentence when it holds half of its terms. A sentence without a marker, or whose marked
passages hold less, is looked for in all passages; a marker is kept where none of them does better."""


class SpanCitationMatcher:
    """Narrows each citation to the sentences of the passage that carry the answer's sentence."""

    def cite(self, draft: Draft, passages: Sequence[Passage]) -> CitedDraft:
        """Replace the markers of ``draft`` by citations; passage ``n`` is ``passages[n - 1]``.

        Unknown numbers are dropped. A sentence without a marker is searched for in all passages.
        """
        text, sentences = strip_markers(draft.text)
        language = detect_language(text)
        citations: dict[tuple[str, int, int], Citation] = {}
        cited = []
        for start, end, numbers in sentences:
            found = _find(text[start:end], numbers, passages, language)
            for passage, match in found:
                key = (passage.document_id, passage.start + match.start, passage.start + match.end)
                citations.setdefault(key, _citation(len(citations) + 1, passage, match))
            cited.append(
                CitedSentence(
                    text=text[start:end],
                    start=start,
                    end=end,
                    citations=tuple(
                        citations[
                            passage.document_id, passage.start + match.start, passage.start + match.end
                        ].n
                        for passage, match in found
                    ),
                )
            )
        return CitedDraft(text=text, sentences=tuple(cited), citations=tuple(citations.values()))


def strip_markers(marked: str) -> tuple[str, list[tuple[int, int, tuple[int, ...]]]]:
    """Text without markers, and ``(start, end, marker numbers)`` of each of its sentences."""
    text = ""
    sentences: list[tuple[int, int, tuple[int, ...]]] = []
    previous_end = 0
    for start, end in split_sentences(marked):
        sentence = MARKER.sub("", marked[start:end]).strip()
        numbers = [
            int(number) for group in MARKER.findall(marked[start:end]) for number in re.findall(r"\d+", group)
        ]
        if not sentence.strip(".!?… "):  # markers on their own belong to the sentence before
            if sentences:
                first, last, earlier = sentences[-1]
                sentences[-1] = (first, last, tuple(dict.fromkeys((*earlier, *numbers))))
            previous_end = end
            continue
        if sentences:
            text += "\n" if "\n" in marked[previous_end:start] else " "
        sentences.append((len(text), len(text) + len(sentence), tuple(dict.fromkeys(numbers))))
        text += sentence
        previous_end = end
    return text, sentences


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


def _find(
    sentence: str, numbers: Sequence[int], passages: Sequence[Passage], language: str
) -> list[tuple[Passage, Match]]:
    marked = [passages[number - 1] for number in numbers if 1 <= number <= len(passages)]
    found = [
        (passage, best_match(sentence, passage.text, language) or Match(0, len(passage.text), 0.0))
        for passage in marked
    ]
    if max((match.coverage for _, match in found), default=0.0) >= _MIN_COVERAGE:
        return found
    matches = [(passage, best_match(sentence, passage.text, language)) for passage in passages]
    known = [(passage, match) for passage, match in matches if match is not None]
    best = max(known, key=lambda pair: pair[1].coverage, default=None)
    return [best] if best is not None and best[1].coverage >= _MIN_COVERAGE else found


def _citation(n: int, passage: Passage, match: Match) -> Citation:
    return Citation(
        n=n,
        document_id=passage.document_id,
        title=passage.title,
        source_uri=passage.source_uri,
        version=passage.version,
        page=passage.page,
        heading=passage.heading,
        start=passage.start + match.start,
        end=passage.start + match.end,
        quote=passage.text[match.start : match.end],
    )
