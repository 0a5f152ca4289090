"""Every contestant asked every question, in turns: a slow minute of the machine hits all of them alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from eval.answered import AnsweredQuestion, ask_each
from eval.compare.variants import Variant
from eval.question_set import GoldQuestion
from eval.readers import LineFailure
from eval.report import Progress, silent
from rag.domain import Access
from rag.errors import ModelUnavailable
from rag.factory import Footnote
from rag.llm.named import EXTRACTIVE

_WARM_UP = "What do these documents say?"


@dataclass(kw_only=True, slots=True)
class Asked:
    """What became of one contestant.

    Attributes:
        answered: by the question's id; questions that failed are absent.
        unavailable: why it could not be asked at all; ``None`` when it could.
    """

    variant: Variant
    answered: dict[str, AnsweredQuestion] = field(default_factory=dict)
    failures: list[LineFailure] = field(default_factory=list)
    unavailable: str | None = None

    @property
    def is_dead(self) -> bool:
        """Whether it failed wherever it was needed: a question refused at once needs no language model."""
        failed = self.unavailable is not None or bool(self.failures)
        return failed and all(each.refused for each in self.answered.values())


def ask_in_turns(
    variants: Sequence[Variant],
    questions: Sequence[GoldQuestion],
    *,
    collection: str,
    footnote: Footnote,
    progress: Progress = silent,
) -> list[Asked]:
    """Ask all of them; on each next question another contestant begins.

    Caches and models are warmed up before the first question. A model that cannot be set up is kept as such,
    a question that fails as that contestant's failure; neither ends the run.

    Raises:
        CollectionNotFound: nothing can be asked at all.
    """
    asked = [Asked(variant=variant) for variant in variants]
    with ExitStack() as opened:
        footnotes = _open_all(variants, opened, footnote)
        for each in footnotes.values():
            each.answerer(EXTRACTIVE).answer(_WARM_UP, collection=collection, access=Access.everything())
        turns = [
            ask_each(footnotes[_key(each)], questions, collection=collection, llm=each.llm)
            for each in variants
        ]
        total = len(variants) * len(questions)
        for number, question in enumerate(questions):
            for turn in range(len(variants)):
                place = (number + turn) % len(variants)
                _take(asked[place], turns[place], question)
                progress(number * len(variants) + turn + 1, total)
    return asked


def _take(asked: Asked, answers: Iterator[AnsweredQuestion | LineFailure], question: GoldQuestion) -> None:
    """The contestant's next answer; one that could not be set up has none."""
    if asked.unavailable is not None:
        return
    try:
        found = next(answers)
    except ModelUnavailable as exc:
        asked.unavailable = str(exc)
        return
    if isinstance(found, AnsweredQuestion):
        asked.answered[question.id] = found
    else:
        asked.failures.append(found)


def _open_all(variants: Sequence[Variant], opened: ExitStack, footnote: Footnote) -> Mapping[str, Footnote]:
    """One Footnote for each combination of settings; models share it.

    The setting ``llm`` stays as it is: the address and the key of the settings belong to its provider alone.
    Searches are not kept, or the second model would be given the time that the first one spent.
    """
    footnotes: dict[str, Footnote] = {}
    for variant in variants:
        if _key(variant) not in footnotes:
            changed = footnote.with_settings(**variant.values, cached_searches=0)
            footnotes[_key(variant)] = opened.enter_context(changed)
    return footnotes


def _key(variant: Variant) -> str:
    return repr(sorted(variant.changes.items()))
