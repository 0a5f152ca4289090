"""Questions with their answers as the report shows them, the worst ones with their passages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from eval.answered import AnsweredQuestion, names_document
from eval.rag_metrics.gold import in_gold_document
from eval.suite.report import Case, GoldBody, PassageBody, SentenceBody
from rag.domain import Answer, AnswerStatus, Citation, Passage, Sentence, Verdict

_OBJECTED = frozenset({Verdict.UNSUPPORTED, Verdict.CONTRADICTED})
_LONGEST_QUOTE = 400  # words that are looked for in a passage


def case_of(
    answered: AnsweredQuestion, values: Mapping[str, float | None], lower_is_better: frozenset[str]
) -> Case:
    """A question, its answer and how far off it is.

    Args:
        values: the shares, 0 to 1, of this question by metric.
        lower_is_better: names of those of which 0 is best.
    """
    gold, answer = answered.question, answered.answer
    return Case(
        id=gold.id,
        question=gold.text,
        language=gold.language,
        gold=GoldBody(
            answerable=gold.answerable, answers=gold.answers, documents=gold.documents, quotes=gold.quotes
        ),
        status=answer.status.value,
        reason=answer.reason,
        text=answer.text,
        sentences=tuple(_sentences(answer)),
        citations=tuple((each.n, each.source_uri) for each in answer.citations),
        milliseconds=answered.milliseconds,
        shortfall=_shortfall(values, lower_is_better),
        wrong=tuple(_wrong(answered)),
    )


def with_worst_shown(cases: Sequence[Case], answered: Sequence[AnsweredQuestion], count: int) -> list[Case]:
    """The same cases, worst first; the ``count`` worst of them have their passages.

    Plainly wrong ones come before those that only fall short.
    """
    by_id = {each.question.id: each for each in answered}
    ranked = sorted(cases, key=lambda case: (not case.wrong, -(case.shortfall or 0.0), case.id))
    return [
        case.model_copy(update={"passages": tuple(_passages(by_id[case.id]))})
        if position < count and (case.wrong or case.shortfall)
        else case
        for position, case in enumerate(ranked)
    ]


def _shortfall(values: Mapping[str, float | None], lower_is_better: frozenset[str]) -> float | None:
    missing = [
        value if name in lower_is_better else 1 - value for name, value in values.items() if value is not None
    ]
    return sum(missing) / len(missing) if missing else None


def _wrong(answered: AnsweredQuestion) -> Iterator[str]:
    gold, answer = answered.question, answered.answer
    if answered.refused:
        if gold.answerable:
            yield "refused, though the documents hold the answer"
        return
    if gold.answerable is False:
        yield "answered, though the documents do not hold the answer"
    if answer.status is AnswerStatus.UNVERIFIED:
        yield "the groundedness check could not be carried out"
    objected = sum(sentence.verdict in _OBJECTED for sentence in answer.sentences)
    if objected:
        yield f"{objected} of {len(answer.sentences)} sentences not carried by the passages"
    cited = any(names_document(each, citation) for each in gold.documents for citation in answer.citations)
    if gold.documents and not cited:
        yield "the right document is not cited"


def _sentences(answer: Answer) -> Iterator[SentenceBody]:
    objections = (
        []
        if answer.grounding is None
        else [span for verdict in answer.grounding.sentences for span in verdict.unsupported_spans]
    )
    for sentence in answer.sentences:
        yield SentenceBody(
            text=sentence.text,
            start=sentence.start,
            end=sentence.end,
            verdict=sentence.verdict.value,
            score=sentence.score,
            citations=sentence.citations,
            unsupported=tuple(
                (max(span.start, sentence.start), min(span.end, sentence.end))
                for span in objections
                if _overlap(span.start, span.end, sentence)
            ),
        )


def _overlap(start: int, end: int, sentence: Sentence) -> bool:
    return max(start, sentence.start) < min(end, sentence.end)


def _passages(answered: AnsweredQuestion) -> Iterator[PassageBody]:
    gold = answered.question
    for passage in answered.answer.passages:
        yield PassageBody(
            title=passage.title,
            source_uri=passage.source_uri,
            text=passage.text,
            score=passage.score,
            is_gold=bool(gold.documents) and in_gold_document(passage, gold),
            marks=tuple(_marks(passage, answered.answer.citations)),
            gold=tuple(span for quote in gold.quotes for span in _places(quote, passage.text)),
        )


def _marks(passage: Passage, citations: Sequence[Citation]) -> Iterator[tuple[int, int, int]]:
    for each in citations:
        if (each.document_id, each.version) == (passage.document_id, passage.version):
            start, end = max(each.start, passage.start), min(each.end, passage.end)
            if start < end:
                yield start - passage.start, end - passage.start, each.n


def _places(quote: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the words of ``quote`` stand in ``text``, whatever separates them there."""
    words = re.findall(r"\w+", quote)
    if 0 < len(words) <= _LONGEST_QUOTE:
        pattern = r"(?<!\w)" + r"\W+".join(map(re.escape, words)) + r"(?!\w)"
        yield from (match.span() for match in re.finditer(pattern, text, re.IGNORECASE))
