"""What counts as a question."""

from __future__ import annotations

from rag.errors import InvalidQuestion

MAX_CHARACTERS = 4000


def checked_question(text: str) -> str:
    """``text`` without surrounding white space.

    Raises:
        InvalidQuestion: it is empty or longer than 4,000 characters.
    """
    stripped = text.strip()
    if not stripped:
        raise InvalidQuestion("The question is empty; type at least one word.")
    if len(stripped) > MAX_CHARACTERS:
        raise InvalidQuestion(
            f"The question has {len(stripped):,} characters, at most {MAX_CHARACTERS:,} are read; shorten it."
        )
    return stripped
