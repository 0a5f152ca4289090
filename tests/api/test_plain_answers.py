"""Answers as one text: whole, and streamed in pieces that come to the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.plain_answers import marks, without_footnotes, written_out
from api.streamed_text import StreamedText
from rag.answering.events import AnswerEvent, DoneEvent, GroundingEvent, RetrievalEvent, TokenEvent
from rag.domain import Answer, AnswerStatus, Citation, Sentence, Verdict
from tests.passages import passage

SENTENCES = (
    ("Full-time staff have 27 days of leave, e.g. in Leeds.", (1,), Verdict.SUPPORTED),
    ("Dr. Hall approves “unpaid” leave.", (2, 1), Verdict.SUPPORTED),
    ("It was always so.", (), Verdict.UNSUPPORTED),
)


def citation(n: int, **more: object) -> Citation:
    cited = Citation(
        n=n,
        document_id="d",
        title=f"Leave {n}",
        source_uri=f"handbook/leave-{n}.md",
        version=1,
        page=None,
        heading="",
        start=0,
        end=5,
        quote="Leave",
    )
    return replace(cited, **more)  # type: ignore[arg-type]


def answer(
    sentences: Sequence[tuple[str, tuple[int, ...], Verdict]] = SENTENCES,
    *,
    question: str = "How many days of leave do we have?",
    citations: Sequence[Citation] = (citation(1), citation(2, page=3)),
    gap: str = " ",
    **more: object,
) -> Answer:
    text, placed = "", []
    for said, numbers, verdict in sentences:
        start = len(text) + (len(gap) if text else 0)
        text = text + gap + said if text else said
        placed.append(
            Sentence(text=said, start=start, end=len(text), verdict=verdict, score=0.9, citations=numbers)
        )
    whole = Answer(
        answer_id="a",
        question=question,
        status=AnswerStatus.ANSWERED,
        text=text,
        sentences=tuple(placed),
        citations=tuple(citations),
        passages=(),
        grounding=None,
        llm="scripted",
        timings_ms={},
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def refused(**more: object) -> Answer:
    reason = "The documents do not seem to answer this; the nearest passages are listed."
    return answer((), citations=(), status=AnswerStatus.REFUSED, reason=reason, text=reason, **more)


def streamed(events: Sequence[AnswerEvent], *, markers: bool = True, live: bool = True) -> list[str]:
    text = StreamedText(markers=markers, live=live)
    return [text.piece(event) for event in events]


def pieces_of(text: str, size: int) -> list[AnswerEvent]:
    return [TokenEvent(text[start : start + size]) for start in range(0, len(text), size)]


def as_written(given: Answer, *, size: int, delay: int) -> list[AnswerEvent]:
    """The events of an answer whose sentences are checked ``delay`` pieces after they are complete."""
    events: list[AnswerEvent] = [RetrievalEvent(())]
    due = [*given.sentences]
    for number in range(0, len(given.text), size):
        events.append(TokenEvent(given.text[number : number + size]))
        while due and due[0].end + 3 + delay * size <= number + size:
            events.append(GroundingEvent(due.pop(0)))
    return [*events, *map(GroundingEvent, due), DoneEvent(given)]


def test_numbers_stand_behind_the_sentences_and_sources_below() -> None:
    assert written_out(answer()) == (
        "Full-time staff have 27 days of leave, e.g. in Leeds. [1] Dr. Hall approves “unpaid” leave. [2] [1] "
        "It was always so. [?]\n\n"
        "Sources:\n- [1] Leave 1 (handbook/leave-1.md)\n- [2] Leave 2 (handbook/leave-2.md, page 3)\n\n"
        "[?]: not supported by the passages."
    )


def test_a_source_is_listed_once_with_all_its_numbers() -> None:
    given = answer(citations=[citation(1), citation(2, page=3), replace(citation(1), n=3)])

    text = written_out(given)
    assert "Sources:\n- [1] [3] Leave 1 (handbook/leave-1.md)\n- [2] Leave 2" in text
    assert without_footnotes(text) == given.text


def test_a_refusal_lists_the_nearest_passages_once_each() -> None:
    near = [passage("Leave. …", chunk_id=number, title=f"Leave {number // 2}") for number in range(8)]

    lines = written_out(refused(passages=tuple(near))).splitlines()
    assert lines[0].startswith("The documents do not seem")
    assert lines[2] == "Nearest passages:"
    assert [line.split(" (")[0] for line in lines[3:]] == ["- Leave 0", "- Leave 1", "- Leave 2"]


def test_what_an_asker_must_know_is_said_in_the_questions_language() -> None:
    reason = "La vérification a échoué ; lisez les passages cités avant de vous y fier."
    given = answer(
        question="Combien de jours de congé avons-nous ?", status=AnswerStatus.UNVERIFIED, reason=reason
    )

    text = written_out(given)
    assert "Sources :\n- [1]" in text
    assert "[?] : non étayé par les passages." in text
    assert text.endswith(reason)


@pytest.mark.parametrize(
    "title",
    [
        "[click](http://evil.example/?q=secret)",
        "![x](https://evil.example/a.png)",
        "<img src=https://evil.example/a.png>",
        "<https://evil.example>",
        "www.evil.example",
        "Leave\n\n[1]: https://evil.example",
        "javascript://evil.example",
        "l\u202eea\u200bve\U000e0041",
    ],
)
def test_a_documents_name_becomes_no_link(title: str) -> None:
    named = answer(citations=[citation(1, title=title, source_uri=f"handbook/{title}.md")])

    notes = written_out(named).partition("Sources:\n")[2]
    assert not re.search(r"://|www\.|(?<!\\)[\[<](?!\d\])", notes.partition("\n\n[?]")[0])
    assert notes.count("\n- ") == 0
    assert not re.search("[\u200b-\u200f\u202a-\u202e\U000e0000-\U000e007f]", notes)


def test_an_address_of_its_own_stays() -> None:
    cited = citation(1, source_uri="https://wiki.example/leave")

    assert "(https://wiki.example/leave)" in written_out(answer(citations=[cited]))


@pytest.mark.parametrize(
    "given",
    [
        answer(),
        answer(gap="\n"),
        answer(SENTENCES[:1], citations=[citation(1)]),
        answer(question="Combien de jours de congé avons-nous ?"),
        refused(passages=(passage("Leave."),)),
    ],
)
def test_footnotes_come_off_again(given: Answer) -> None:
    assert without_footnotes(written_out(given)) == given.text


def test_other_texts_lose_only_their_markers() -> None:
    assert without_footnotes("Two [1] [12] things [see below].") == "Two things [see below]."


@given(size=st.integers(1, 60), delay=st.integers(0, 8), gap=st.sampled_from([" ", "\n", "\n\n"]))
def test_streamed_pieces_come_to_the_whole_text(size: int, delay: int, gap: str) -> None:
    given = answer(gap=gap)
    events = as_written(given, size=size, delay=delay)

    assert "".join(streamed(events)) == written_out(given)
    assert "".join(streamed(events, markers=False)) == given.text
    assert "".join(streamed(events, live=False)) == written_out(given)


def test_words_go_out_at_once_and_numbers_as_soon_as_they_are_known() -> None:
    given = answer(SENTENCES[:2])
    first, second = given.sentences
    sent = streamed(
        [
            TokenEvent("Full-time staff"),
            TokenEvent(" have 27 days of leave, e.g. in Leeds. Dr."),
            GroundingEvent(first),
            TokenEvent(" Hall"),
            TokenEvent(" approves “unpaid” leave."),
            GroundingEvent(second),
        ]
    )

    assert sent == [
        "Full-time staff",
        " have 27 days of leave, e.g. in Leeds.",
        " [1] Dr.",
        " Hall",
        " approves “unpaid” leave.",
        marks(second),
    ]


def test_a_verdict_that_comes_before_its_words_waits_for_them() -> None:
    given = answer()
    events: list[AnswerEvent] = [
        *map(GroundingEvent, given.sentences),
        *pieces_of(given.text, 9),
        DoneEvent(given),
    ]

    assert "".join(streamed(events)) == written_out(given)


def test_a_new_beginning_stands_under_what_was_sent() -> None:
    given = answer(SENTENCES[:1], citations=[citation(1)])
    events = [
        *pieces_of("Staff have thirty", 5),
        TokenEvent("", restart=True),
        *as_written(given, size=7, delay=0),
    ]

    assert "".join(streamed(events)) == "Staff have thirty\n\n" + written_out(given)
    assert "".join(streamed(events, live=False)) == written_out(given)


def test_a_new_beginning_before_the_first_word_is_not_seen() -> None:
    given = answer(SENTENCES[:1], citations=[citation(1)])
    events = [TokenEvent("", restart=True), *as_written(given, size=7, delay=0)]

    assert "".join(streamed(events)) == written_out(given)


def test_a_late_refusal_stands_under_what_was_sent() -> None:
    given = refused()

    assert "".join(streamed([DoneEvent(given)])) == written_out(given)
    assert "".join(streamed([*pieces_of("I believe", 4), DoneEvent(given)])) == "I believe\n\n" + written_out(
        given
    )


def test_an_answer_whose_check_failed_keeps_its_numbers() -> None:
    given = answer(SENTENCES[:2], status=AnswerStatus.UNVERIFIED, reason="The check failed.")
    events = [*pieces_of(given.text, 9), DoneEvent(given)]

    assert "".join(streamed(events)) == written_out(given)
