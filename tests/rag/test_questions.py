"""What counts as a question."""

from __future__ import annotations

import pytest

from rag.errors import InvalidQuestion
from rag.questions import MAX_CHARACTERS, checked_question


@pytest.mark.parametrize("text", ["", "  ", "\n\t", "\u00a0\u3000"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuestion, match="type at least one word"):
        checked_question(text)


def test_a_question_may_have_4000_characters_and_not_one_more() -> None:
    assert MAX_CHARACTERS == 4000
    assert checked_question(" " + "é" * 4000 + "\n") == "é" * 4000
    with pytest.raises(InvalidQuestion, match="4,001 characters, at most 4,000"):
        checked_question("é" * 4001)


@pytest.mark.parametrize("text", ["?", "年假有多少天？", "🏖️", "\0", "SEC-014"])
def test_anything_else_is_a_question(text: str) -> None:
    assert checked_question(text) == text
