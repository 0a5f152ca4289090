"""A claim while it is being written: text whose wrong characters keep their place through every edit."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from eval.training.examples import ClaimLabel, ClaimSpan

_ELISION = r"(?:[ldjmtsnc]|qu|lorsqu|puisqu|jusqu|quelqu)['’](?=\w)"
_WORD = r"\d+(?:[.,:/]\d+)*|[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\w\s]"
_TOKENS = {"en": re.compile(_WORD), "fr": re.compile(_ELISION + "|" + _WORD, re.IGNORECASE)}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark of a draft, where it stands and in lower case."""

    start: int
    end: int
    text: str
    lower: str


@lru_cache(maxsize=20_000)
def tokenize(text: str, language: str) -> tuple[Token, ...]:
    """The words, numbers and marks of ``text``; in French an elided word is a token of its own."""
    found = _TOKENS[language].finditer(text)
    return tuple(Token(m.start(), m.end(), m.group(), m.group().lower().replace("’", "'")) for m in found)


@dataclass(frozen=True, slots=True)
class Draft:
    """Text with the spans that its evidence does not carry."""

    text: str
    spans: tuple[ClaimSpan, ...] = ()

    def is_free(self, start: int, end: int) -> bool:
        """Whether no wrong character lies in ``start:end``."""
        return all(end <= span.start or start >= span.end for span in self.spans)

    def replace(self, start: int, end: int, new: str, label: ClaimLabel | None = None) -> Draft:
        """A copy with ``new`` for ``start:end``, marked with ``label`` where one is given."""
        shift = len(new) - (end - start)
        spans = []
        for span in self.spans:
            moves_start = 0 if span.start <= start and span.end > start else shift
            moved = replace(span, start=span.start + moves_start, end=span.end + shift)
            spans.append(span if span.end <= start else moved)
        if label:
            spans.append(ClaimSpan(start, start + len(new), label))
        text = self.text[:start] + new + self.text[end:]
        return Draft(text, tuple(sorted(spans, key=lambda span: span.start)))

    def marked(self, start: int, end: int, label: ClaimLabel) -> Draft:
        """A copy with ``start:end`` marked as not carried."""
        spans = (*self.spans, ClaimSpan(start, end, label))
        return Draft(self.text, tuple(sorted(spans, key=lambda span: span.start)))

    def followed_by(self, other: Draft, between: str = " ") -> Draft:
        """Both texts one after the other, each with its own spans."""
        shift = len(self.text) + len(between)
        moved = [replace(span, start=span.start + shift, end=span.end + shift) for span in other.spans]
        return Draft(self.text + between + other.text, (*self.spans, *moved))

    def tokens(self, language: str) -> tuple[Token, ...]:
        """The tokens of the text."""
        return tokenize(self.text, language)

    @property
    def label(self) -> ClaimLabel:
        """Of the whole claim: contradicted where a part is, else unsupported where a part is."""
        labels = {span.label for span in self.spans}
        for label in ("contradicted", "unsupported"):
            if label in labels:
                return label
        return "supported"


def with_case_of(new: str, old: str) -> str:
    """``new``, with a capital where ``old`` begins with one."""
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def capitalised(text: str) -> str:
    """``text`` with a capital first letter."""
    return text[:1].upper() + text[1:]
