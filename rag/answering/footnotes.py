"""The answer as it grows: its text, its sentences with their offsets, and its numbered footnotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.domain import Citation, CitedSpan, Sentence, SentenceVerdict, Verdict

_FAILING = (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedSentence:
    """A sentence with what it rests on.

    Attributes:
        gap: what stands between it and the sentence before.
        verdict: with offsets into the sentence; ``None`` when it could not be checked.
    """

    text: str
    gap: str
    spans: Sequence[CitedSpan]
    verdict: SentenceVerdict | None

    @property
    def fails(self) -> bool:
        """Whether it says what the evidence does not carry."""
        return self.verdict is not None and self.verdict.verdict in _FAILING


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """What a sentence added to an answer: text with the gap before it, new footnotes, itself in its place."""

    text: str
    citations: Sequence[Citation]
    sentence: Sentence


class FootnotedText:
    """Grows by one checked sentence at a time; a span that is cited again keeps its number."""

    def __init__(self) -> None:
        self.text = ""
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []
        self.verdicts: list[SentenceVerdict] = []
        self.is_checked = True
        self._numbers: dict[tuple[str, int, int], int] = {}

    def add(self, checked: CheckedSentence) -> Added:
        """Put the sentence behind the others."""
        added = (checked.gap if self.text else "") + checked.text
        start = len(self.text) + len(added) - len(checked.text)
        self.text += added
        known = len(self.citations)
        numbers = tuple(dict.fromkeys(self._number(span) for span in checked.spans))
        sentence = Sentence(
            text=checked.text,
            start=start,
            end=len(self.text),
            verdict=checked.verdict.verdict if checked.verdict else Verdict.NOT_CHECKABLE,
            score=checked.verdict.score if checked.verdict else 0.0,
            citations=numbers,
        )
        self.sentences.append(sentence)
        if checked.verdict is None:
            self.is_checked = False
        else:
            self.verdicts.append(_moved(checked.verdict, start))
        return Added(text=added, citations=self.citations[known:], sentence=sentence)

    def _number(self, span: CitedSpan) -> int:
        passage = span.passage
        key = (passage.document_id, passage.start + span.start, passage.start + span.end)
        if key not in self._numbers:
            self._numbers[key] = len(self.citations) + 1
            self.citations.append(_citation(self._numbers[key], span))
        return self._numbers[key]


def _citation(n: int, span: CitedSpan) -> Citation:
    passage = span.passage
    return Citation(
        n=n,
        document_id=passage.document_id,
        title=passage.title,
        source_uri=passage.source_uri,
        version=passage.version,
        page=passage.page,
        heading=passage.heading,
        start=passage.start + span.start,
        end=passage.start + span.end,
        quote=passage.text[span.start : span.end],
    )


def _moved(verdict: SentenceVerdict, start: int) -> SentenceVerdict:
    """The verdict with offsets into the answer."""
    return replace(
        verdict,
        start=verdict.start + start,
        end=verdict.end + start,
        unsupported_spans=tuple(
            replace(span, start=span.start + start, end=span.end + start)
            for span in verdict.unsupported_spans
        ),
    )
