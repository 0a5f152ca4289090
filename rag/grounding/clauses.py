"""Where a sentence falls into claims: clauses, list items behind a colon, cells of a table row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.domain import CELL_SEPARATOR

Span = tuple[int, int]

_SUBJECT_EN = (
    r"(?:the|an?|this|these|those|that|it|he|she|they|we|you|i|there|its|his|her|their|our|your|some|"
    r"all|each|"
    r"no|most|both|if|when|[A-ZÀ-Þ][\w'’-]+)\b"
)
_SUBJECT_FR = (
    r"(?:(?:les?|la|une?|ce|cet|cette|ces|cela|ça|ils?|elles?|on|nous|vous|je|son|sa|ses|leurs?|"
    r"notre|nos|votre|vos|"
    r"aucune?|chaque|tous|toutes|si|quand|[A-ZÀ-Þ][\w'’-]+)\b|[lcj]['’]|il\s+y\s+a\b)"
)
_BOUNDARIES = {
    "en": re.compile(
        rf";\s+|,\s+(?=(?:and|but|so|or|yet|as well as)\s+{_SUBJECT_EN})|,\s+(?=(?:which|who|where|whose|"
        rf"while|whereas|"
        r"although|though|however|but|unless|except)\b)|\s+(?=(?:but|whereas|while|although)\s)|"
        r",?\s+(?=and\s+(?:do|does|did|is|are|was|were|can|could|will|would|has|have|had|may|must|should)"
        r"(?:n['’]t|\s?not)\b)",
        re.IGNORECASE,
    ),
    "fr": re.compile(
        rf";\s+|,\s+(?=(?:et|mais|ou|donc|or)\s+{_SUBJECT_FR})|,\s+(?=(?:qui|dont|où|laquelle|lequel|"
        rf"tandis\s+que?|"
        r"alors\s+que?|bien\s+que?|mais|sauf|cependant|toutefois|ainsi\s+que?)\b)|"
        r"\s+(?=(?:mais|tandis\s+que?|alors\s+que?)\b)|\s+(?=et\s+n(?:e\s|['’]))",
        re.IGNORECASE,
    ),
}
_LISTED = re.compile(r":\s+(?=\S)")
_ITEM_END = re.compile(r"\s*[;,]\s+(?:and\s+|or\s+|et\s+|ou\s+)?|\s+(?:and|or|et|ou)\s+")
_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 3
_LONGEST_ITEM = 8
_TIME = re.compile(r"\d:\s*$")


def claims_of(sentence: str, language: str) -> list[Span]:
    """The spans of the claims of ``sentence``, in order; the whole sentence where it makes but one.

    A claim is a clause of three words and more ("…, but only in Leeds" stays with its main clause), an item
    of a list of at least two behind a colon, or a cell of a table row. In languages other than English and
    French only cells and semicolons set claims apart.
    """
    if CELL_SEPARATOR in sentence:
        return [_trimmed(sentence, *span) for span in _cells(sentence)]
    spans: list[Span] = []
    for start, end in _clauses(sentence, language):
        spans += _items(sentence, start, end) or [_trimmed(sentence, start, end)]
    return spans


def _cells(sentence: str) -> Iterator[Span]:
    start = 0
    for cell in sentence.split(CELL_SEPARATOR):
        if _WORD.search(cell):
            yield start, start + len(cell)
        start += len(cell) + len(CELL_SEPARATOR)


def _clauses(sentence: str, language: str) -> Iterator[Span]:
    boundary = _BOUNDARIES.get(language)
    start = 0
    for match in boundary.finditer(sentence) if boundary else re.finditer(r";\s+", sentence):
        rest = sentence[match.end() :]
        if _words(sentence[start : match.start()]) >= _FEWEST_WORDS and _words(rest) >= _FEWEST_WORDS:
            yield start, match.start()
            start = match.end()
    if _WORD.search(sentence, start):
        yield start, len(sentence)


def _items(sentence: str, start: int, end: int) -> list[Span]:
    """The head of a list, and its items; none where the colon does not open a list."""
    colon = _LISTED.search(sentence, start, end)
    if colon is None or _TIME.search(sentence, start, colon.start() + 1):
        return []
    items: list[Span] = []
    at = colon.end()
    for match in _ITEM_END.finditer(sentence, colon.end(), end):
        items.append((at, match.start()))
        at = match.end()
    items.append((at, end))
    spans = [_trimmed(sentence, *item) for item in items if _WORD.search(sentence[slice(*item)])]
    if len(spans) < 2 or any(_words(sentence[slice(*span)]) > _LONGEST_ITEM for span in spans):
        return []
    return [_trimmed(sentence, start, colon.start()), *spans]


def _trimmed(sentence: str, start: int, end: int) -> Span:
    """``start:end`` without white space and list marks around it."""
    while start < end and sentence[start] in " \t\n\r\u00a0\u202f|":
        start += 1
    while end > start and sentence[end - 1] in " \t\n\r\u00a0\u202f|,;":
        end -= 1
    return start, end


def _words(text: str) -> int:
    return len(_WORD.findall(text))
