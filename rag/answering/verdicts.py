"""From a groundedness report to the sentences of an answer, and what the policy does with them."""

from __future__ import annotations

from dataclasses import replace

from rag.domain import (
    Answer,
    AnswerStatus,
    CitedDraft,
    CitedSentence,
    GroundingPolicy,
    GroundingReport,
    Sentence,
    Verdict,
)

_WORST_FIRST = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED, Verdict.SUPPORTED, Verdict.NOT_CHECKABLE)
_FAILING = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED)


def judged_sentences(cited: CitedDraft, report: GroundingReport | None) -> tuple[Sentence, ...]:
    """The cited sentences with their verdicts; without a report none could be checked."""
    return tuple(_judged(sentence, report) for sentence in cited.sentences)


def _judged(sentence: CitedSentence, report: GroundingReport | None) -> Sentence:
    overlapping = [
        found
        for found in (report.sentences if report else ())
        if found.start < sentence.end and sentence.start < found.end
    ]
    worst = min(overlapping, key=lambda found: (_WORST_FIRST.index(found.verdict), found.score), default=None)
    return Sentence(
        text=sentence.text,
        start=sentence.start,
        end=sentence.end,
        verdict=worst.verdict if worst else Verdict.NOT_CHECKABLE,
        score=worst.score if worst else 0.0,
        citations=sentence.citations,
    )


def apply_policy(answer: Answer, policy: GroundingPolicy) -> Answer:
    """What ``policy`` makes of an answer with unsupported sentences; ``annotate`` changes nothing.

    An answer of which nothing may stay comes back with ``status`` refused.
    """
    if policy is GroundingPolicy.REFUSE and answer.status is AnswerStatus.UNVERIFIED:
        return replace(answer, status=AnswerStatus.REFUSED)
    failing = [sentence for sentence in answer.sentences if sentence.verdict in _FAILING]
    if not failing or policy is GroundingPolicy.ANNOTATE:
        return answer
    kept = [sentence for sentence in answer.sentences if sentence.verdict not in _FAILING]
    states_something = any(sentence.verdict is Verdict.SUPPORTED for sentence in kept)
    if policy is GroundingPolicy.REFUSE or not states_something:
        return replace(answer, status=AnswerStatus.REFUSED, dropped_sentences=len(failing))
    return _without_failing(answer, kept, dropped=len(failing))


def _without_failing(answer: Answer, kept: list[Sentence], *, dropped: int) -> Answer:
    """The answer rebuilt from ``kept``: text, offsets, and the citations that are still used."""
    used = {number for sentence in kept for number in sentence.citations}
    citations = [citation for citation in answer.citations if citation.n in used]
    renumbered = {citation.n: place for place, citation in enumerate(citations, start=1)}
    text = ""
    sentences = []
    previous_end = 0
    for sentence in kept:
        line_break = "\n" in answer.text[previous_end : sentence.start]
        text += ("\n" if line_break else " ") if text else ""
        previous_end = sentence.end
        sentences.append(
            replace(
                sentence,
                start=len(text),
                end=len(text) + len(sentence.text),
                citations=tuple(renumbered[number] for number in sentence.citations),
            )
        )
        text += sentence.text
    return replace(
        answer,
        text=text,
        sentences=tuple(sentences),
        citations=tuple(replace(citation, n=renumbered[citation.n]) for citation in citations),
        dropped_sentences=dropped,
    )
