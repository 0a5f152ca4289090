"""What the groundedness policies make of an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.answering.verdicts import apply_policy, judged_sentences
from rag.domain import (
    Answer,
    AnswerStatus,
    Citation,
    CitedDraft,
    CitedSentence,
    GroundingPolicy,
    GroundingReport,
    SentenceVerdict,
    Verdict,
)

SUPPORTED, UNSUPPORTED = Verdict.SUPPORTED, Verdict.UNSUPPORTED
CONTRADICTED, NOT_CHECKABLE = Verdict.CONTRADICTED, Verdict.NOT_CHECKABLE
DROPPING = [GroundingPolicy.DROP, GroundingPolicy.REGENERATE]


def cited(*texts: str, joint: str = " ") -> CitedDraft:
    """Sentence ``n`` rests on citation ``n``."""
    sentences = []
    text = ""
    for number, sentence in enumerate(texts, start=1):
        text += joint if text else ""
        sentences.append(
            CitedSentence(text=sentence, start=len(text), end=len(text) + len(sentence), citations=(number,))
        )
        text += sentence
    return CitedDraft(
        text=text, sentences=tuple(sentences), citations=tuple(citation(n) for n in range(1, len(texts) + 1))
    )


def citation(n: int) -> Citation:
    return Citation(
        n=n,
        document_id=f"document-{n}",
        title="",
        source_uri="",
        version=1,
        page=None,
        heading="",
        start=n,
        end=n + 5,
        quote="quote",
    )


def report(*judged: tuple[int, int, Verdict, float]) -> GroundingReport:
    sentences = [
        SentenceVerdict(text="", start=start, end=end, verdict=verdict, score=score)
        for start, end, verdict, score in judged
    ]
    return GroundingReport(score=0.5, sentences=tuple(sentences), checker="test", threshold=0.5)


def answer(verdicts: Sequence[Verdict], *, joint: str = " ") -> Answer:
    draft = cited(*(f"Sentence {n}." for n in range(1, len(verdicts) + 1)), joint=joint)
    judged = report(
        *(
            (sentence.start, sentence.end, verdict, 0.5)
            for sentence, verdict in zip(draft.sentences, verdicts, strict=True)
        )
    )
    return Answer(
        answer_id="1",
        question="?",
        status=AnswerStatus.ANSWERED,
        text=draft.text,
        sentences=judged_sentences(draft, judged),
        citations=draft.citations,
        passages=(),
        grounding=judged,
        llm="scripted",
        timings_ms={},
    )


def assert_sound(result: Answer) -> None:
    for sentence in result.sentences:
        assert result.text[sentence.start : sentence.end] == sentence.text
        assert set(sentence.citations) <= {found.n for found in result.citations}
    assert [found.n for found in result.citations] == list(range(1, len(result.citations) + 1))


# --------------------------------------------------------------------------------------- verdicts


def test_a_sentence_takes_the_worst_verdict_of_what_overlaps_it() -> None:
    draft = cited("One day and two.", "Three days.")
    judged = judged_sentences(
        draft,
        report((0, 8, SUPPORTED, 0.9), (8, 16, CONTRADICTED, 0.2), (17, 28, SUPPORTED, 0.8)),
    )
    assert [(sentence.verdict, sentence.score) for sentence in judged] == [
        (CONTRADICTED, 0.2),
        (SUPPORTED, 0.8),
    ]
    assert [sentence.citations for sentence in judged] == [(1,), (2,)]


def test_without_a_report_nothing_is_called_supported() -> None:
    judged = judged_sentences(cited("One day."), None)
    assert [(sentence.verdict, sentence.score) for sentence in judged] == [(NOT_CHECKABLE, 0.0)]


# --------------------------------------------------------------------------------------- policies


@pytest.mark.parametrize("policy", list(GroundingPolicy))
def test_an_answer_without_fault_is_left_alone(policy: GroundingPolicy) -> None:
    sound = answer([SUPPORTED, NOT_CHECKABLE])
    assert apply_policy(sound, policy) == sound


def test_annotate_leaves_everything_in_place() -> None:
    faulty = answer([SUPPORTED, UNSUPPORTED, CONTRADICTED])
    assert apply_policy(faulty, GroundingPolicy.ANNOTATE) == faulty


@pytest.mark.parametrize("policy", DROPPING)
def test_unsupported_sentences_are_dropped_and_counted(policy: GroundingPolicy) -> None:
    result = apply_policy(answer([UNSUPPORTED, SUPPORTED, CONTRADICTED, SUPPORTED]), policy)
    assert_sound(result)
    assert (result.text, result.dropped_sentences) == ("Sentence 2. Sentence 4.", 2)
    assert result.status is AnswerStatus.ANSWERED
    assert [found.document_id for found in result.citations] == ["document-2", "document-4"]
    assert [sentence.citations for sentence in result.sentences] == [(1,), (2,)]


@pytest.mark.parametrize("policy", DROPPING)
def test_lists_keep_their_lines_when_one_is_dropped(policy: GroundingPolicy) -> None:
    result = apply_policy(answer([SUPPORTED, UNSUPPORTED, SUPPORTED], joint="\n"), policy)
    assert_sound(result)
    assert result.text == "Sentence 1.\nSentence 3."


@pytest.mark.parametrize("policy", DROPPING)
@pytest.mark.parametrize(
    "verdicts", [[UNSUPPORTED], [UNSUPPORTED, CONTRADICTED], [NOT_CHECKABLE, UNSUPPORTED]]
)
def test_an_answer_of_which_nothing_is_supported_is_refused(
    policy: GroundingPolicy, verdicts: list[Verdict]
) -> None:
    assert apply_policy(answer(verdicts), policy).status is AnswerStatus.REFUSED


def test_refuse_takes_no_unsupported_sentence_at_all() -> None:
    result = apply_policy(answer([SUPPORTED, SUPPORTED, UNSUPPORTED]), GroundingPolicy.REFUSE)
    assert (result.status, result.dropped_sentences) == (AnswerStatus.REFUSED, 1)
