"""The answer path: retrieve (and rerank), judge, augment, generate, cite, check, answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator as TypedGenerator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.answering.drafting import Drafting, Piece
from rag.answering.events import (
    AnswerEvent,
    CitationEvent,
    DoneEvent,
    GroundingEvent,
    RetrievalEvent,
    TokenEvent,
    final_answer,
)
from rag.answering.footnotes import Added, CheckedSentence, FootnotedText
from rag.answering.refusing import Refusal, degraded_reason, reason_for
from rag.answering.verdicts import MANNERS, Manner, says_something
from rag.cancellation import Cancellation
from rag.domain import (
    Access,
    Answer,
    AnswerStatus,
    Draft,
    GroundingPolicy,
    Passage,
    Prompt,
    Question,
    Restart,
    Sentence,
    Turn,
    Verdict,
)
from rag.filters import Filter
from rag.interfaces import (
    AnswerabilityJudge,
    CitationMatcher,
    Generator,
    GroundednessChecker,
    QuestionRewriter,
    Retriever,
)
from rag.prompting.building import PromptBuilder
from rag.questions import checked_question
from rag.text.language import detect_language


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
        prompts: builds what the generator reads.
        starts_early: the generator reads them while it is still judged whether they hold the answer; a
            refusal gives its draft up.
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
        prompts: PromptBuilder,
        policy: GroundingPolicy,
        starts_early: bool = False,
    ) -> None:
        self._retriever = retriever
        self._judge = judge
        self._generator = generator
        self._citer = citer
        self._checker = checker
        self._rewriter = rewriter
        self._k = k
        self._prompts = prompts
        self._policy = policy
        self._starts_early = starts_early

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
        return final_answer(events)

    def answer_from_passages(self, question: str, passages: Sequence[Passage]) -> Answer:
        """The answer path without retrieval: refuse, or answer from the given passages."""
        asked = _question(question, collection="", k=max(1, len(passages)))
        base = _blank_answer(asked.text, self._generator.name)
        return final_answer(self._answer(asked, passages, _Clock(), policy=self._policy, base=base))

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
        base = _blank_answer(typed, self._generator.name)
        if asked.text != typed:
            base = replace(base, standalone_question=asked.text)
            asked = replace(asked, typed=typed)
        clock.lap("rewrite")
        found = self._retriever.retrieve(
            asked.text, collection=collection, k=asked.k, access=access, filters=filters
        )
        clock.take(found.timings_ms)
        yield from self._answer(
            asked,
            found.passages,
            clock,
            policy=policy or self._policy,
            base=base,
            history=history,
            cancellation=cancellation,
        )

    def _answer(
        self,
        question: Question,
        passages: Sequence[Passage],
        clock: _Clock,
        *,
        policy: GroundingPolicy,
        base: Answer,
        history: Sequence[Turn] = (),
        cancellation: Cancellation | None = None,
    ) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(tuple(passages))
        base = replace(base, passages=tuple(passages), answerability=0.0)
        if not passages:
            yield DoneEvent(_refused(base, Refusal.NO_PASSAGES, clock))
            return
        prompt = self._prompts.build(question, passages, history)
        with self._drafting(prompt, cancellation) as drafting:
            if self._starts_early:
                drafting.begin()
            answerability = self._judge.probability(question, passages)
            base = replace(base, answerability=answerability)
            clock.lap("judge")
            if answerability < self._judge.threshold:
                yield DoneEvent(_refused(base, Refusal.NOT_ANSWERED, clock))
                return
            attempt = yield from self._attempt(drafting, MANNERS[policy], clock)
        if policy is GroundingPolicy.REGENERATE and attempt.failing:
            yield TokenEvent("", restart=True)
            with self._drafting(prompt, cancellation) as again:
                second = yield from self._attempt(again, MANNERS[GroundingPolicy.DROP], clock)
            attempt = _better(attempt, second)
        answer = self._settled(base, attempt, policy, clock)
        if policy is GroundingPolicy.REFUSE:
            yield from _whole(answer)
        yield DoneEvent(replace(answer, timings_ms=clock.total()))

    def _drafting(self, prompt: Prompt, cancellation: Cancellation | None) -> Drafting:
        return Drafting(
            self._generator, prompt, citer=self._citer, checker=self._checker, cancellation=cancellation
        )

    def _attempt(
        self, drafting: Drafting, manner: Manner, clock: _Clock
    ) -> TypedGenerator[AnswerEvent, None, _Attempt]:
        """One draft, checked; its events as ``manner`` lets them be seen."""
        attempt = _Attempt(drops=manner.drops)
        for item in drafting.items():
            match item:
                case Piece():
                    clock.lap("generate")
                    if manner.shows_draft:
                        yield TokenEvent(item.text)
                case Restart():
                    attempt = _Attempt(drops=manner.drops)
                    yield TokenEvent("", restart=True)
                case CheckedSentence():
                    added = attempt.add(item)
                    if added is not None and manner.shows_sentences:
                        yield from _told(added, with_text=not manner.shows_draft)
                case Draft():
                    attempt.draft = item
        clock.lap("ground")
        return attempt

    def _settled(self, base: Answer, attempt: _Attempt, policy: GroundingPolicy, clock: _Clock) -> Answer:
        """The answer that an attempt comes to, or the refusal."""
        draft, text = attempt.draft, attempt.text
        assert draft is not None, "a draft ends every attempt"
        language = detect_language(base.question)
        base = replace(base, llm=draft.llm, usage=draft.usage, failed_llms=draft.failed)
        if draft.refused or not attempt.checked:
            return _refused(base, Refusal.GENERATOR_DECLINED, clock)
        base = replace(base, dropped_sentences=attempt.dropped)
        is_withheld = policy is GroundingPolicy.REFUSE and (attempt.failing or not text.is_checked)
        if is_withheld or (attempt.dropped and not says_something(attempt.kept)):
            return _refused(base, Refusal.UNSUPPORTED, clock)
        report = self._checker.begin([]).report(text.verdicts) if text.is_checked else None
        status = AnswerStatus.ANSWERED if report else AnswerStatus.UNVERIFIED
        reason = degraded_reason(draft, language) if draft.failed else None
        return replace(
            base,
            status=status,
            reason=reason if report else reason_for(Refusal.UNVERIFIED, language),
            text=text.text,
            sentences=tuple(text.sentences if report else map(_unchecked, text.sentences)),
            citations=tuple(text.citations),
            grounding=report,
        )


@dataclass(slots=True)
class _Attempt:
    """One draft and its sentences.

    Attributes:
        drops: sentences that fail are left out.
    """

    drops: bool
    draft: Draft | None = None
    text: FootnotedText = field(default_factory=FootnotedText)
    checked: list[CheckedSentence] = field(default_factory=list)

    def add(self, sentence: CheckedSentence) -> Added | None:
        """The sentence in its place; ``None`` if it is left out."""
        self.checked.append(sentence)
        return None if self.drops and sentence.fails else self.text.add(sentence)

    @property
    def failing(self) -> bool:
        return any(sentence.fails for sentence in self.checked)

    @property
    def kept(self) -> list[CheckedSentence]:
        return [sentence for sentence in self.checked if not (self.drops and sentence.fails)]

    @property
    def dropped(self) -> int:
        return len(self.checked) - len(self.kept)


def _better(first: _Attempt, second: _Attempt) -> _Attempt:
    """The second try; where it declined, what holds of the first. The spending of both."""
    assert first.draft is not None
    assert second.draft is not None
    usage = _sum_usage(first.draft.usage, second.draft.usage)
    chosen = second
    if second.draft.refused:
        chosen = _Attempt(drops=True, draft=first.draft)
        for sentence in first.checked:
            chosen.add(sentence)
    assert chosen.draft is not None
    chosen.draft = replace(chosen.draft, usage=usage)
    return chosen


def _told(added: Added, *, with_text: bool) -> Iterator[AnswerEvent]:
    if with_text:
        yield TokenEvent(added.text)
    yield from map(CitationEvent, added.citations)
    yield GroundingEvent(added.sentence)


def _whole(answer: Answer) -> Iterator[AnswerEvent]:
    """An answer that was held back until all of it was checked."""
    if answer.status is not AnswerStatus.REFUSED:
        yield TokenEvent(answer.text)
        yield from map(CitationEvent, answer.citations)
        yield from map(GroundingEvent, answer.sentences)


def _unchecked(sentence: Sentence) -> Sentence:
    return replace(sentence, verdict=Verdict.NOT_CHECKABLE, score=0.0)


def _question(text: str, *, collection: str, k: int) -> Question:
    checked = checked_question(text)
    return Question(text=checked, collection=collection, k=k, language=detect_language(checked))


def _blank_answer(question: str, llm: str) -> Answer:
    return Answer(
        answer_id=uuid.uuid4().hex,
        question=question,
        status=AnswerStatus.REFUSED,
        text="",
        sentences=(),
        citations=(),
        passages=(),
        grounding=None,
        llm=llm,
        timings_ms={},
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


def _sum_usage(first: Mapping[str, int] | None, second: Mapping[str, int] | None) -> Mapping[str, int] | None:
    if first is None or second is None:
        return first or second
    return {name: first.get(name, 0) + second.get(name, 0) for name in first.keys() | second.keys()}
