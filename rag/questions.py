"""What counts as a question."""

from __future__ import annotations

from rag.errors import InvalidQuestion

MAX_CHARACTERS = 4000


def checked_question(text: str) -> str:
    """``text`` without surrounding white space.

    Raises:
        InvalidQuestion: it is empty, longer than 4,000 characters, or no valid Unicode.
    """
    stripped = text.strip()
    if not stripped:
        raise InvalidQuestion("The question is empty; type at least one word.")
    if len(stripped) > MAX_CHARACTERS:
        raise InvalidQuestion(
            f"The question has {len(stripped):,} characters, at most {MAX_CHARACTERS:,} are read; shorten it."
        )
    if not _is_unicode(stripped):
        raise InvalidQuestion("The question holds characters that are no valid Unicode; send it in UTF-8.")
    return stripped


def _is_unicode(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone, as JSON and a command line can bring in."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
