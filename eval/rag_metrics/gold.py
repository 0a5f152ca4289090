"""Where the gold is: which passages and citations hold what is known to answer a question."""

from __future__ import annotations

import re

from eval.answered import AnsweredQuestion, names_document
from eval.question_set import GoldQuestion
from rag.domain import Citation, Passage

_NOT_LETTERS = re.compile(r"[\W_]+")


def has_gold(question: GoldQuestion) -> bool:
    """Whether it is known where the answer stands."""
    return bool(question.documents or question.quotes)


def is_gold_passage(passage: Passage, question: GoldQuestion) -> bool:
    """Whether it holds a gold quote; where only the document is known, whether it is of that document."""
    return in_gold_document(passage, question) and (
        not question.quotes or any(holds(passage.text, quote) for quote in question.quotes)
    )


def is_gold_citation(citation: Citation, question: GoldQuestion) -> bool:
    """Whether what it quotes overlaps a gold quote; where there is none, whether the document is right."""
    return in_gold_document(citation, question) and (
        not question.quotes or any(overlap(citation.quote, quote) for quote in question.quotes)
    )


def in_gold_document(cited: Citation | Passage, question: GoldQuestion) -> bool:
    """Whether it lies in a gold document; where none is named, every document may be one."""
    return not question.documents or any(names_document(gold, cited) for gold in question.documents)


def gold_passages(answered: AnsweredQuestion) -> list[bool]:
    """Of each passage, in order, whether it is gold."""
    return [is_gold_passage(passage, answered.question) for passage in answered.answer.passages]


def plain(text: str) -> str:
    """Letters and digits only, so that white space and the signs of tables and lists don't count."""
    return _NOT_LETTERS.sub("", text.lower())


def holds(text: str, quote: str) -> bool:
    """Whether ``text`` holds the quote, or as a line of its own more than half of it."""
    wanted = plain(quote)
    return bool(wanted) and (
        wanted in plain(text)
        or any(len(line) > len(wanted) / 2 and line in wanted for line in map(plain, text.splitlines()))
    )


def overlap(cited: str, quote: str) -> bool:
    """Whether a cited text holds the quote, or the quote that text or a line of it."""
    wanted = plain(quote)
    lines = [plain(line) for line in cited.splitlines()]
    return bool(wanted) and (wanted in plain(cited) or any(line and line in wanted for line in lines))
