"""A question that could be asked, with the place that answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LANGUAGES = ("en", "fr")
"""Those whose grammar the rules know; documents in others give no questions."""


class Kind(StrEnum):
    """What a question was made from; the ``group`` of its line in the question set."""

    FAQ = "faq"
    QUESTION_HEADING = "question_heading"
    DEFINITION = "definition"
    FACT = "fact"
    WHO = "who"
    CONDITION = "condition"
    DUTY = "duty"
    TABLE = "table"
    FIGURE = "figure"
    HEADING = "heading"
    MODEL = "model"
    UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A question with its answer.

    Attributes:
        document: as citations name it; ``None`` where nothing answers.
        quote: an exact part of the document's text.
    """

    kind: Kind
    language: str
    question: str
    document: str | None
    quote: str | None
    answer: str | None

    @property
    def key(self) -> str:
        """Equal for questions that differ in case, accents of spacing and punctuation only."""
        return " ".join(re.findall(r"\w+", self.question.lower()))
