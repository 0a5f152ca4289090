"""Passages into a prompt: numbered, marked and fenced as data, packed into the budget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.domain import Passage, Prompt, Question, Turn
from rag.interfaces import TokenCounter
from rag.prompting.datamarking import Datamarking, marked, new_mark
from rag.prompting.packing import GAP, Packer, Span
from rag.prompting.templates import PromptTemplates, default_templates
from rag.prompting.tokens import EstimatedTokens
from rag.text.sentences import split_sentences

REFUSAL_MARK = "NOT_IN_PASSAGES"
"""What the model is told to write when the passages don't hold the answer."""

HISTORY_SHARE = 0.25
"""Of the budget, for the earlier conversation."""

_FENCE = re.compile(r"<(?=\s*/?\s*(?:passage|conversation))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptBuilder:
    """How prompts are built for one language model.

    Attributes:
        budget_tokens: room for the passages and the earlier conversation.
        templates: the wording.
        counter: of the model that reads the prompt.
        datamarking: where the sign stands by which the model tells the passages' text.
    """

    budget_tokens: int
    templates: PromptTemplates = field(default_factory=default_templates)
    counter: TokenCounter = field(default_factory=EstimatedTokens)
    datamarking: Datamarking = Datamarking.SENTENCES

    def build(self, question: Question, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> Prompt:
        """The prompt for ``question``, see :func:`build_prompt`."""
        return build_prompt(
            question,
            passages,
            budget_tokens=self.budget_tokens,
            history=history,
            templates=self.templates,
            counter=self.counter,
            datamarking=self.datamarking,
        )


def build_prompt(
    question: Question,
    passages: Sequence[Passage],
    *,
    budget_tokens: int,
    history: Sequence[Turn] = (),
    templates: PromptTemplates | None = None,
    counter: TokenCounter | None = None,
    datamarking: Datamarking = Datamarking.SENTENCES,
) -> Prompt:
    """The prompt for ``question``: as many passages as fit, best first, and something of the first always.

    Args:
        budget_tokens: room for the passages and the earlier conversation.
        history: the conversation so far, oldest turn first; shown as what was said, not as evidence.
        templates: the wording; unset: Footnote's own.
        counter: of the model that will read the prompt; unset: a careful estimate.
        datamarking: where the sign stands by which the model tells the passages' text.
    """
    templates = templates or default_templates()
    counter = counter or EstimatedTokens()
    language = question.language
    mark = new_mark([passage.text for passage in passages]) if datamarking is not Datamarking.OFF else ""

    def render(number: int, passage: Passage, spans: Sequence[Span]) -> str:
        text = _excerpt(passage.text, spans, mark, datamarking)
        return _passage_block(templates, number, passage, text)

    turns = _history_block(templates, language, history, counter, int(budget_tokens * HISTORY_SHARE))
    room = budget_tokens - (counter.count(turns) if turns else 0)
    blocks = Packer(question, count=counter.count, render=render).pack(passages, room)
    explained = templates.render("datamarking", language, mark=mark) if mark else ""
    return Prompt(
        system=templates.render("system", language, refusal_mark=REFUSAL_MARK, datamarking=explained),
        user=templates.render(
            "question", language, history=turns, passages="\n\n".join(blocks), question=question.text
        ),
        question=question,
        passages=tuple(passages[: len(blocks)]),
        datamark=mark,
    )


def _excerpt(text: str, spans: Sequence[Span], mark: str, datamarking: Datamarking) -> str:
    """The sentences of ``spans``, marked, as they stand in ``text``; a sign for what is left out."""
    pieces = [GAP, " "] if text[: spans[0][0]].strip() else []
    for (start, end), after in pairwise([*spans, (len(text), len(text))]):
        between = text[end : after[0]]
        pieces.append(marked(_unfenced(text[start:end]), mark, datamarking))
        if between.strip():
            blank = "\n" if "\n" in between else " "
            pieces += [blank, GAP, blank]
        else:
            pieces.append(between)
    return "".join(pieces).strip()


def _passage_block(templates: PromptTemplates, number: int, passage: Passage, text: str) -> str:
    page = "" if passage.page is None else str(passage.page)
    date = "" if passage.modified_at is None else passage.modified_at.date().isoformat()
    place = " > ".join(part for part in (passage.title, passage.heading) if part)
    source = ", ".join(part for part in (place, page and f"p. {page}", date) if part)
    return templates.render(
        "passage",
        number=str(number),
        text=text,
        source=_attribute(source),
        title=_attribute(passage.title),
        heading=_attribute(passage.heading),
        page=page,
        date=date,
    )


def _history_block(
    templates: PromptTemplates, language: str, history: Sequence[Turn], counter: TokenCounter, room: int
) -> str:
    """The last turns that fit; of the first that does not, as many sentences of its answer as do."""
    shown: list[str] = []
    for turn in reversed(history):
        answers = [turn.answer[:end] for _, end in reversed(split_sentences(turn.answer))]
        for answer in [turn.answer, *answers, ""]:
            whole = templates.render(
                "turn", language, question=_line(turn.question), answer=_line(answer) or "…"
            )
            block = templates.render("history", language, turns="\n".join([whole, *shown]))
            if counter.count(block) <= room:
                shown.insert(0, whole)
                break
        else:
            break
        if answer != turn.answer:
            break
    return templates.render("history", language, turns="\n".join(shown)) if shown else ""


def _unfenced(text: str) -> str:
    """No fence can be closed or opened from inside: passages are other people's text."""
    return _FENCE.sub("<\u200b", text)


def _line(text: str) -> str:
    return " ".join(_unfenced(text).split())


def _attribute(text: str) -> str:
    return " ".join(text.replace('"', "'").replace("<", "(").replace(">", "/").split())
