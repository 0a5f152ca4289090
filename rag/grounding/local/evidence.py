"""Evidence as the model reads it: sentences of prose, and one line for every fact of a record or table."""

from __future__ import annotations

import re

from rag.grounding.facts import PATH_SEPARATOR
from rag.grounding.structured import facts_of
from rag.text.sentences import split_sentences

_PATH_SHOWN = 2
"""Of a long path the last names are read: the pieces are better spent on values."""

_PROSE_WORDS = 3
"""What stands between two facts and has fewer words is their markup."""

_WORD = re.compile(r"[^\W\d_]{2,}")


def units(text: str) -> list[str]:
    """The sentences and facts of ``text`` in order; none is cut when passages are made of them."""
    facts = facts_of(text)
    if not facts:
        return [text[start:end] for start, end in split_sentences(text)]
    read: list[str] = []
    place = 0
    last_path = ""
    for start, end, line in facts:
        read.extend(_prose(text[place:start]))
        path, colon, value = line.partition(": ")
        shown = PATH_SEPARATOR.join(path.split(PATH_SEPARATOR)[-_PATH_SHOWN:])
        read.append(f"{shown}: {value}" if colon and path != last_path else value or line)
        place, last_path = end, path
    return [*read, *_prose(text[place:])]


def _prose(text: str) -> list[str]:
    sentences = (text[start:end] for start, end in split_sentences(text))
    return [sentence for sentence in sentences if len(_WORD.findall(sentence)) >= _PROSE_WORDS]
