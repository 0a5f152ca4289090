"""The answer path: retrieve (and rerank), judge, augment, generate, cite, check, answer."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Generator as TypedGenerator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.answering.citing import MarkerFilter
from rag.answering.refusing import Refusal, reason_for
from rag.answering.verdicts import apply_policy, judged_sentences
from rag.cancellation import Cancellation
from rag.domain import (
    Access,
    Answer,
    AnswerStatus,
    Citation,
    Draft,
    Evidence,
    GeneratorItem,
    GroundingPolicy,
    GroundingReport,
    Passage,
    Prompt,
    Question,
    Restart,
    Sentence,
    Turn,
    Verdict,
)
from rag.errors import GenerationFailed
from rag.filters import Filter
from rag.interfaces import (
    AnswerabilityJudge,
    CitationMatcher,
    Generator,
    GroundednessChecker,
    QuestionRewriter,
    Retriever,
)
from rag.prompting.building import build_prompt
from rag.questions import checked_question
from rag.text.language import detect_language

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetrievalEvent:
    """The passages are found."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A piece of the answer's text, without markers; ``restart`` voids the pieces before it."""

    text: str
    restart: bool = False


@dataclass(frozen=True, slots=True)
class CitationEvent:
    """A footnote of the answer."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class GroundingEvent:
    """A checked sentence."""

    sentence: Sentence


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The whole answer; what it says supersedes the pieces."""

    answer: Answer


AnswerEvent = RetrievalEvent | TokenEvent | CitationEvent | GroundingEvent | DoneEvent


@dataclass(slots=True)
class _Clock:
    """Milliseconds by stage."""

    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    _mark: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.timings[stage] = self.timings.get(stage, 0.0) + (now - self._mark) * 1000
        self._mark = now

    def take(self, stages: Mapping[str, float]) -> None:
        """The stages as the retriever timed them; what its total leaves over counts as retrieving."""
        self.lap("retrieve")
        own = {stage: spent for stage, spent in stages.items() if stage not in ("retrieve", "total")}
        self.timings |= {"rerank": 0.0, **own}
        self.timings["retrieve"] -= sum(own.values())

    def total(self) -> dict[str, float]:
        return {**self.timings, "total": (time.perf_counter() - self.started) * 1000}


class Answerer:
    """Answers questions with cited, checked sentences, or refuses.

    Args:
        k: passages put before the generator unless the caller says otherwise.
        budget_tokens: room for passages in the prompt.
    """

    def __init__(
        self,
        *,
        retriever: Retriever,
        judge: AnswerabilityJudge,
        generator: Generator,
        citer: CitationMatcher,
        checker: GroundednessChecker,
        rewriter: QuestionRewriter,
        k: int,
        budget_tokens: int,
        policy: GroundingPolicy,
    ) -> None:
        self._retriever = retriever
        self._judge = judge
        self._generator = generator
        self._citer = citer
        self._checker = checker
        self._rewriter = rewriter
        self._k = k
        self._budget_tokens = budget_tokens
        self._policy = policy

    def answer(
        self,
        question: str,
        *,
        collection: str,
        access: Access,
        k: int | None = None,
        policy: GroundingPolicy | None = None,
        filters: Filter | None = None,
        history: Sequence[Turn] = (),
        cancellation: Cancellation | None = None,
    ) -> Answer:
        """The checked answer, from documents that pass ``filters``.

        Args:
            history: the conversation before the question, oldest first; a question that leans on it is
                searched for in a form that stands alone.
            cancellation: gives the answer up from another thread.

        Raises:
            InvalidQuestion, InvalidRequest, CollectionNotFound: the request is wrong.
            GenerationFailed: the language model did not answer.
        """
        events = self.events(
            question,
            collection=collection,
            access=access,
            k=k,
            policy=policy,
            filters=filters,
            history=history,
            cancellation=cancellation,
        )
        return _last(events)

    def answer_from_passages(self, question: str, passages: Sequence[Passage]) -> Answer:
        """The answer path without retrieval: refuse, or answer from the given passages."""
        asked = _question(question, collection="", k=max(1, len(passages)))
        return _last(self._answer(asked, passages, _Clock(), self._policy))

    def events(
        self,
        question: str,
        *,
        collection: str,
        access: Access,
        k: int | None = None,
        policy: GroundingPolicy | None = None,
        filters: Filter | None = None,
        history: Sequence[Turn] = (),
        cancellation: Cancellation | None = None,
    ) -> Iterator[AnswerEvent]:
        """The answer as it comes about; the last event is :class:`DoneEvent`. Raises as :meth:`answer`."""
        clock = _Clock()
        typed = checked_question(question)
        standalone = self._rewriter.rewrite(typed, history) if history else typed
        asked = _question(standalone, collection=collection, k=self._k if k is None else k)
        clock.lap("rewrite")
        found = self._retriever.retrieve(
            asked.text, collection=collection, k=asked.k, access=access, filters=filters
        )
        clock.take(found.timings_ms)
        yield from self._answer(asked, found.passages, clock, policy or self._policy)

    def _answer(
        self, question: Question, passages: Sequence[Passage], clock: _Clock, policy: GroundingPolicy
    ) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(tuple(passages))
        answerability = self._judge.probability(question, passages)
        clock.lap("judge")
        base = _blank_answer(question, passages, self._generator.name, answerability)
        if answerability < self._judge.threshold:
            why = Refusal.NO_PASSAGES if not passages else Refusal.NOT_ANSWERED
            yield DoneEvent(_refused(base, why, clock))
            return
        prompt = build_prompt(question, passages, budget_tokens=self._budget_tokens)
        draft = yield from self._generate(prompt)
        clock.lap("generate")
        if draft.refused:
            yield DoneEvent(_refused(base, Refusal.GENERATOR_DECLINED, clock))
            return
        answer = self._settle(self._check(base, draft, prompt, clock), prompt, policy, clock)
        yield from (CitationEvent(citation) for citation in answer.citations)
        yield from (GroundingEvent(sentence) for sentence in answer.sentences)
        yield DoneEvent(replace(answer, timings_ms=clock.total()))

    def _generate(self, prompt: Prompt) -> TypedGenerator[AnswerEvent, None, Draft]:
        """Token events as the generator streams; returns the draft."""
        shown = MarkerFilter()
        for item in self._generator.stream(prompt):
            if isinstance(item, Draft):
                rest = shown.finish()
                if rest:
                    yield TokenEvent(rest)
                return item
            if isinstance(item, Restart):
                shown = MarkerFilter()
                yield TokenEvent("", restart=True)
                continue
            piece = shown.feed(item)
            if piece:
                yield TokenEvent(piece)
        raise GenerationFailed(f"The generator {self._generator.name} ended without a draft.")

    def _settle(self, answer: Answer, prompt: Prompt, policy: GroundingPolicy, clock: _Clock) -> Answer:
        """What the policy makes of a checked answer, with one more try where it asks for one."""
        if policy is GroundingPolicy.REGENERATE and _has_unsupported(answer):
            draft = _drain(self._generator.stream(prompt))
            clock.lap("generate")
            spent = _sum_usage(answer.usage, draft.usage)
            if not draft.refused:
                answer = self._check(answer, draft, prompt, clock)
            answer = replace(answer, usage=spent)
        settled = apply_policy(answer, policy)
        if settled.status is AnswerStatus.REFUSED:
            return _refused(settled, Refusal.UNSUPPORTED, clock)
        if settled.dropped_sentences:  # the report must speak of the text that is left
            settled = replace(settled, grounding=self._grounding(settled.text, prompt))
            clock.lap("ground")
        return settled

    def _check(self, base: Answer, draft: Draft, prompt: Prompt, clock: _Clock) -> Answer:
        cited = self._citer.cite(draft, prompt.passages)
        clock.lap("cite")
        report = self._grounding(cited.text, prompt)
        clock.lap("ground")
        return replace(
            base,
            status=AnswerStatus.ANSWERED if report else AnswerStatus.UNVERIFIED,
            reason=None if report else reason_for(Refusal.UNVERIFIED, prompt.question.language),
            text=cited.text,
            sentences=judged_sentences(cited, report),
            citations=cited.citations,
            grounding=report,
            llm=draft.llm,
            usage=draft.usage,
        )

    def _grounding(self, text: str, prompt: Prompt) -> GroundingReport | None:
        evidence = [
            Evidence(id=str(passage.chunk_id), text=f"{passage.title} > {passage.heading}\n{passage.text}")
            for passage in prompt.passages
        ]
        try:
            return self._checker.check(text, evidence, question=prompt.question.text)
        except Exception:  # a crashed checker must neither lose the answer nor pass it
            logger.exception("The groundedness check failed; the answer is marked unverified.")
            return None


def _question(text: str, *, collection: str, k: int) -> Question:
    checked = checked_question(text)
    return Question(text=checked, collection=collection, k=k, language=detect_language(checked))


def _blank_answer(question: Question, passages: Sequence[Passage], llm: str, answerability: float) -> Answer:
    return Answer(
        answer_id=uuid.uuid4().hex,
        question=question.text,
        status=AnswerStatus.REFUSED,
        text="",
        sentences=(),
        citations=(),
        passages=tuple(passages),
        grounding=None,
        llm=llm,
        timings_ms={},
        answerability=answerability,
    )


def _refused(answer: Answer, why: Refusal, clock: _Clock) -> Answer:
    reason = reason_for(why, detect_language(answer.question))
    return replace(
        answer,
        status=AnswerStatus.REFUSED,
        text=reason,
        reason=reason,
        sentences=(),
        citations=(),
        timings_ms=clock.total(),
    )


def _has_unsupported(answer: Answer) -> bool:
    bad = (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)
    return any(sentence.verdict in bad for sentence in answer.sentences)


def _sum_usage(first: Mapping[str, int] | None, second: Mapping[str, int] | None) -> Mapping[str, int] | None:
    if first is None or second is None:
        return first or second
    return {name: first.get(name, 0) + second.get(name, 0) for name in first.keys() | second.keys()}


def _drain(stream: Iterator[GeneratorItem]) -> Draft:
    draft = None
    for item in stream:
        if isinstance(item, Draft):
            draft = item
    if draft is None:
        raise GenerationFailed("The generator ended without a draft.")
    return draft


def _last(events: Iterator[AnswerEvent]) -> Answer:
    answer: Answer | None = None
    for event in events:
        if isinstance(event, DoneEvent):
            answer = event.answer
    assert answer is not None, "the answer path ends with a DoneEvent"
    return answer
