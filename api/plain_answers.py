"""An answer as text alone: ``[n]`` behind its sentences, and what the numbers stand for below.

For chat clients and tools that show nothing else. They read Markdown, so what a document is called is written
without anything that Markdown makes a link or a picture of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.domain import Answer, AnswerStatus, Citation, Passage, Sentence, Verdict
from rag.text.language import detect_language

_NEAREST = 3
_FAILING = (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    sources: str
    nearest: str
    page: str
    unsupported: str


_WORDS: Mapping[str, _Words] = {
    "en": _Words(
        sources="Sources:",
        nearest="Nearest passages:",
        page="page",
        unsupported="[?]: not supported by the passages.",
    ),
    "fr": _Words(
        sources="Sources :",
        nearest="Passages les plus proches :",
        page="page",
        unsupported="[?] : non étayé par les passages.",
    ),
}
_SOURCES = "|".join(re.escape(words.sources) for words in _WORDS.values())
_NEARBY = "|".join(re.escape(words.nearest) for words in _WORDS.values())
_NOTES = re.compile(rf"\n\n(?:(?:{_SOURCES})\n- \[1\] |(?:{_NEARBY})\n- ).*", re.DOTALL)
_MARKERS = re.compile(r"(?: \[(?:\d{1,3}|\?)\])+")
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_BRACKETS = re.compile(r"([\\\[\]<>])")
_ADDRESS = re.compile(r"\b(?:[a-z][a-z0-9+.-]*://|www\.)", re.IGNORECASE)


def written_out(answer: Answer) -> str:
    """The whole answer as text, with markers and notes."""
    pieces: list[str] = []
    place = 0
    for sentence in answer.sentences:
        pieces += (answer.text[place : sentence.end], marks(sentence))
        place = sentence.end
    return "".join((*pieces, answer.text[place:], notes(answer)))


def marks(sentence: Sentence) -> str:
    """What stands behind a sentence: `` [1] [3]``, and `` [?]`` where its evidence does not carry it."""
    found = [str(number) for number in sentence.citations]
    if sentence.verdict in _FAILING:
        found.append("?")
    return "".join(f" [{mark}]" for mark in found)


def notes(answer: Answer) -> str:
    """What stands below the text: the numbered sources, or a refusal's nearest passages; and cautions."""
    words = _WORDS.get(detect_language(answer.question), _WORDS["en"])
    blocks: list[str] = []
    if answer.citations:
        blocks.append(_listed(words.sources, _numbered(answer.citations, words)))
    if answer.status is AnswerStatus.REFUSED and answer.passages:
        nearest = dict.fromkeys(_place(passage, words) for passage in answer.passages)
        blocks.append(_listed(words.nearest, [*nearest][:_NEAREST]))
    if any(sentence.verdict in _FAILING for sentence in answer.sentences):
        blocks.append(words.unsupported)
    if answer.reason and answer.status is not AnswerStatus.REFUSED:
        blocks.append(answer.reason)
    return "".join(f"\n\n{block}" for block in blocks)


def without_footnotes(text: str) -> str:
    """The bare answer of a text that :func:`written_out` made; any other text without its ``[n]``."""
    return _MARKERS.sub("", _NOTES.sub("", text))


def _listed(head: str, rows: Iterable[str]) -> str:
    return "\n- ".join((head, *rows))


def _numbered(citations: Sequence[Citation], words: _Words) -> list[str]:
    """A row for each place, behind its numbers."""
    numbers: dict[str, str] = {}
    for citation in citations:
        place = _place(citation, words)
        numbers[place] = f"{numbers.get(place, '')}[{citation.n}] "
    return [f"{found}{place}" for place, found in numbers.items()]


def _place(found: Citation | Passage, words: _Words) -> str:
    page = f", {words.page} {found.page}" if found.page is not None else ""
    own = _ADDRESS.match(found.source_uri)  # the only address here that is not a document's own doing
    scheme = own.group() if own else ""
    return f"{_plain(found.title)} ({scheme}{_plain(found.source_uri.removeprefix(scheme))}{page})"


def _plain(name: str) -> str:
    """A name on one line that Markdown shows as it is, and makes nothing of."""
    shown = _INVISIBLE.sub("", _UNPRINTED.sub(" ", name)).strip()
    return _BRACKETS.sub(r"\\\1", _ADDRESS.sub("", shown))
