"""Answered questions for tests that ask nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.answered import AnsweredQuestion
from eval.question_set import GoldQuestion
from rag.domain import (
    Answer,
    AnswerStatus,
    Citation,
    Evidence,
    GroundingReport,
    Passage,
    Sentence,
    SentenceVerdict,
    Verdict,
)
from rag.text.sentences import split_sentences
from tests.passages import passage

SUPPORTED, UNSUPPORTED, NOT_CHECKABLE = Verdict.SUPPORTED, Verdict.UNSUPPORTED, Verdict.NOT_CHECKABLE


def gold(question: str = "How many days of leave are there?", **facts: Any) -> GoldQuestion:
    fields: dict[str, Any] = {
        "id": "q1",
        "file": "questions.jsonl",
        "line": 1,
        "text": question,
        "language": "en",
        "answerable": True,
    }
    return GoldQuestion(**(fields | facts))


def citation(n: int, quote: str, *, number: int | None = None) -> Citation:
    """A footnote on ``quote``, in the document of the passage with that number."""
    number = n if number is None else number
    return Citation(
        n=n,
        document_id=f"document-{number}",
        title=f"Title {number}",
        source_uri=f"file:///srv/{number}.md",
        version=1,
        page=None,
        heading="",
        start=0,
        end=len(quote),
        quote=quote,
    )


def answered(
    question: GoldQuestion,
    text: str | None,
    *,
    verdicts: Sequence[Verdict] = (),
    cited: Sequence[Sequence[int]] = (),
    citations: Sequence[Citation] = (),
    passages: Sequence[Passage] = (),
    milliseconds: float = 10.0,
    usage: dict[str, int] | None = None,
    answer_id: str = "",
) -> AnsweredQuestion:
    """The question with ``text`` as its answer, a refusal if that is ``None``; a verdict a sentence."""
    spans = split_sentences(text or "")
    given = [*verdicts, *[SUPPORTED] * (len(spans) - len(verdicts))]
    numbers = [*cited, *[()] * (len(spans) - len(cited))]
    sentences = tuple(
        Sentence(
            text=(text or "")[start:end],
            start=start,
            end=end,
            verdict=verdict,
            score=1.0,
            citations=tuple(numbers_here),
        )
        for (start, end), verdict, numbers_here in zip(spans, given, numbers, strict=True)
    )
    answer = Answer(
        answer_id=answer_id or f"{question.id} {text}",
        question=question.text,
        status=AnswerStatus.REFUSED if text is None else AnswerStatus.ANSWERED,
        text="The documents do not say." if text is None else text,
        sentences=sentences,
        citations=tuple(citations),
        passages=tuple(passages),
        grounding=None,
        llm="fake",
        timings_ms={"total": milliseconds},
        usage=usage,
    )
    return AnsweredQuestion(question=question, answer=answer, milliseconds=milliseconds)


def found(*texts: str) -> list[Passage]:
    """Passages 1, 2, … with these texts, each of a document of its own."""
    return [passage(text, number=number) for number, text in enumerate(texts, start=1)]


class WordChecker:
    """Supports a sentence when every word of it stands in the evidence; counts what it was asked."""

    name = "words"

    def __init__(self) -> None:
        self.asked = 0

    def begin(self, evidence: Sequence[Evidence], *, question: str | None = None) -> WordSession:
        return WordSession(self, " ".join(each.text for each in evidence))

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        session = self.begin(evidence)
        return session.report([session.judge(answer)])


class WordSession:
    def __init__(self, checker: WordChecker, evidence: str) -> None:
        self._checker = checker
        self._words = set(_words(evidence))

    def judge(self, sentence: str, *, before: str = "") -> SentenceVerdict:
        self._checker.asked += 1
        holds = set(_words(sentence)) <= self._words
        return SentenceVerdict(
            text=sentence,
            start=0,
            end=len(sentence),
            verdict=SUPPORTED if holds else UNSUPPORTED,
            score=float(holds),
        )

    def report(self, verdicts: Sequence[SentenceVerdict]) -> GroundingReport:
        score = min((each.score for each in verdicts), default=1.0)
        return GroundingReport(score=score, sentences=tuple(verdicts), checker="words", threshold=0.5)


def _words(text: str) -> list[str]:
    return text.lower().replace(".", " ").replace(",", " ").split()
