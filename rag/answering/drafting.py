"""A draft while it is written: pieces to show at once, and each sentence checked as soon as it is complete.

The generator writes in one thread and the sentences are cited and checked in another, so that neither a slow
model holds up a verdict nor a slow check the words.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rag.answering.footnotes import CheckedSentence
from rag.answering.marked_sentences import MarkedSentence, MarkerFilter, SentenceReader
from rag.answering.output_filter import OutputFilter
from rag.cancellation import Cancellation
from rag.domain import Draft, Evidence, Passage, Prompt, Restart, SentenceVerdict
from rag.errors import GenerationCancelled, GenerationFailed
from rag.interfaces import CitationMatcher, Generator, GroundednessChecker, GroundingSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """Words to show, without markers."""

    text: str


DraftItem = Piece | Restart | CheckedSentence | Draft
"""What a :class:`Drafting` gives; the draft comes last, behind the last of its sentences."""

_END = None


class Reviewer:
    """Cites and checks the sentences of one answer, in order."""

    def __init__(self, prompt: Prompt, *, citer: CitationMatcher, checker: GroundednessChecker) -> None:
        self._passages = prompt.passages
        self._question = prompt.question.text
        self._citer = citer
        self._checker = checker
        self._before = ""
        self._session: GroundingSession | None = None

    def review(self, sentence: MarkedSentence) -> CheckedSentence:
        """The sentence with its evidence and its verdict; without a verdict when the checker crashed."""
        spans = self._citer.find(sentence.text, sentence.numbers, self._passages, before=self._before)
        verdict = self._verdict(sentence.text)
        self._before += sentence.gap + sentence.text
        return CheckedSentence(text=sentence.text, gap=sentence.gap, spans=spans, verdict=verdict)

    def _verdict(self, sentence: str) -> SentenceVerdict | None:
        try:
            if self._session is None:
                self._session = self._checker.begin(evidence_of(self._passages), question=self._question)
            return self._session.judge(sentence, before=self._before)
        except Exception:  # a crashed checker must neither lose the answer nor pass it
            logger.exception("The groundedness check failed; the answer is marked unverified.")
            return None


def evidence_of(passages: Sequence[Passage]) -> list[Evidence]:
    """The passages as a checker reads them, each with its title and headings."""
    return [
        Evidence(id=str(passage.chunk_id), text=f"{passage.title} > {passage.heading}\n{passage.text}")
        for passage in passages
    ]


class _Page:
    """What a generator writes: made harmless, shown without markers, and read sentence by sentence."""

    def __init__(self, prompt: Prompt) -> None:
        self._filter = OutputFilter(prompt.passages, datamark=prompt.datamark)
        self._shown = MarkerFilter()
        self._reader = SentenceReader()

    def feed(self, piece: str) -> tuple[str, list[MarkedSentence]]:
        """The words to show after ``piece``, and the sentences that it completes."""
        return self._read(self._filter.feed(piece))

    def finish(self) -> tuple[str, list[MarkedSentence]]:
        """What is left at the end."""
        words, sentences = self._read(self._filter.finish())
        return words + self._shown.finish(), sentences + self._reader.finish()

    def _read(self, text: str) -> tuple[str, list[MarkedSentence]]:
        return self._shown.feed(text), self._reader.feed(text)


class Drafting:
    """One draft while it comes about: two threads and what they hand each other.

    Used as a context: leaving it gives up what is not finished. Items of an attempt that a restart voided are
    dropped.
    """

    def __init__(
        self,
        generator: Generator,
        prompt: Prompt,
        *,
        citer: CitationMatcher,
        checker: GroundednessChecker,
        cancellation: Cancellation | None = None,
    ) -> None:
        self._generator = generator
        self._prompt = prompt
        self._citer = citer
        self._checker = checker
        self._given_up = Cancellation()
        self._cancelled_with = (cancellation or Cancellation()).calling(self._give_up)
        self._has_begun = False
        self._attempt = 0
        self._out: queue.SimpleQueue[tuple[int, DraftItem | BaseException]] = queue.SimpleQueue()
        self._sentences: queue.SimpleQueue[tuple[int, MarkedSentence | Draft] | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._cancelled_with.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cancelled_with.__exit__(kind, error, trace)
        self._give_up()

    def begin(self) -> None:
        """Have the generator write; further calls do nothing."""
        if not self._has_begun:
            self._has_begun = True
            for work in (self._write, self._review):
                threading.Thread(target=work, name=f"draft{work.__name__}", daemon=True).start()

    def items(self) -> Iterator[DraftItem]:
        """The draft as it comes about; begins it if need be.

        Raises:
            GenerationFailed, GenerationCancelled: there is no draft, or nobody wants it any more.
        """
        self.begin()
        current = 0
        while True:
            attempt, item = self._out.get()
            if isinstance(item, BaseException):
                raise item
            if attempt < current:
                continue
            current = attempt
            yield item
            if isinstance(item, Draft):
                return

    def _give_up(self) -> None:
        self._given_up.cancel()
        gone = GenerationCancelled("Nobody waits for the answer any more, so it was given up.")
        self._out.put((self._attempt, gone))

    def _write(self) -> None:
        page = _Page(self._prompt)
        try:
            for item in self._generator.stream(self._prompt, cancellation=self._given_up):
                if isinstance(item, str):
                    self._pass_on(*page.feed(item))
                elif isinstance(item, Restart):
                    page = _Page(self._prompt)
                    self._attempt += 1
                    self._out.put((self._attempt, item))
                else:
                    if not item.refused:
                        self._pass_on(*page.finish())
                    self._sentences.put((self._attempt, item))
                    return
            raise GenerationFailed(f"The generator {self._generator.name} ended without a draft.")
        except BaseException as exc:  # noqa: BLE001 (whoever reads the items raises it)
            self._out.put((self._attempt, exc))
            self._sentences.put(_END)

    def _pass_on(self, text: str, sentences: Sequence[MarkedSentence]) -> None:
        if text:
            self._out.put((self._attempt, Piece(text)))
        for sentence in sentences:
            self._sentences.put((self._attempt, sentence))

    def _review(self) -> None:
        reviewed, reviewer = 0, self._new_reviewer()
        while not self._given_up.is_cancelled and (handed := self._sentences.get()) is not _END:
            attempt, item = handed
            if attempt != reviewed:
                reviewed, reviewer = attempt, self._new_reviewer()
            try:
                checked = reviewer.review(item) if isinstance(item, MarkedSentence) else item
            except BaseException as exc:  # noqa: BLE001 (likewise)
                self._out.put((attempt, exc))
                return
            self._out.put((attempt, checked))
            if isinstance(checked, Draft):
                return

    def _new_reviewer(self) -> Reviewer:
        return Reviewer(self._prompt, citer=self._citer, checker=self._checker)
