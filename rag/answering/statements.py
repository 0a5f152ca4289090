"""The statements of a passage: its sentences that could be an answer, with what they stand under."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.domain import CELL_SEPARATOR
from rag.text.sentences import split_sentences
from rag.text.tables import row_headers, with_labels

_LONGEST_HEADING = 4  # words; a longer line without a full stop is a list item or a table row
_LONGEST_CAPTION = 10
_LIST_NUMBER = re.compile(r"^(?:\d+[.)]|\d+(?:\.\d+)+)\s+")
_STATES = re.compile(r"\d|[.!;:…|]")
_ENDS = re.compile(r"[.!;:,…|]\s*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A sentence that could be an answer.

    Attributes:
        start, end: offsets into the passage's text.
        read: what is compared with a question; a table's row has the labels of its columns in it.
        before: the sentence before it, whatever that is; empty at the passage's beginning.
        caption: the line above it that reads like a heading and is in no heading path.
        header: for a table's row, the span of the line with the columns' labels.
    """

    start: int
    end: int
    read: str
    before: str
    caption: str
    header: tuple[int, int] | None


def statements(text: str) -> list[Statement]:
    """The sentences of ``text`` that could be an answer: no questions, no headings, no rows of labels."""
    headers = row_headers(text)
    labels = set(headers.values())
    found = []
    before = caption = ""
    for start, end in split_sentences(text):
        sentence, header = text[start:end], headers.get((start, end))
        if (start, end) not in labels and _is_statement(sentence):
            read = with_labels(sentence, text[slice(*header)]) if header else sentence
            found.append(
                Statement(start=start, end=end, read=read, before=before, caption=caption, header=header)
            )
        if _is_caption(text, start, end):
            caption = sentence
        before = sentence
    return found


def _is_statement(sentence: str) -> bool:
    body = _LIST_NUMBER.sub("", sentence)
    is_heading = len(body.split()) <= _LONGEST_HEADING and not _STATES.search(body)
    return not is_heading and not body.endswith("?")


def _is_caption(text: str, start: int, end: int) -> bool:
    """Whether a sentence is a line of its own above a paragraph, short, and without a stop at its end."""
    sentence = text[start:end]
    is_line = start == 0 or text[start - 1] == "\n"
    is_above = text[end : end + 2] == "\n\n"
    is_short = len(sentence.split()) <= _LONGEST_CAPTION and CELL_SEPARATOR not in sentence
    return is_line and is_above and is_short and not _ENDS.search(sentence)


def block_after(text: str, place: int, *, most: int) -> int:
    """End of the lines that follow one another below ``place``, at most ``most`` of them: a list's items."""
    lines = 0
    end = place
    for line in re.finditer(r"[^\n]+", text[place:]):
        gap = text[end : place + line.start()]
        if lines == most or (lines and gap.count("\n") > 1):
            break
        if line.group().strip():
            end, lines = place + line.end(), lines + 1
    return end
