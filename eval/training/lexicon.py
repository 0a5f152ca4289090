"""Lexicons of synonyms, opposites and phrases, written for the curriculum, looked up by their first word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from eval.training.drafts import Token, tokenize
from eval.training.inflection import forms

_FOLDER = Path(__file__).with_name("lexicons")
_CLASS = re.compile(r"^([vna]):\s*")
_BEFORE = {  # which words stand before a verb, and before a noun
    ("en", "v"): frozenset(
        "to can could will would shall should may might must cannot not you we they i it he she who which "
        "please also don't doesn't didn't can't won't let's helps".split()
    ),
    ("en", "n"): frozenset(
        "the a an this that these those its their our your his her my any each every no some all of in for "
        "with by from new other same more many two three first last".split()
    ),
    ("fr", "v"): frozenset("qui il elle on ne n' ils elles vous nous se s' y".split()),
    ("fr", "n"): frozenset(
        "le la les l' un une des du de d' ce cet cette ces son sa ses leur leurs vos nos aux".split()
    ),
}
_PARTICLES = frozenset("out up off down away back over forward".split())


@dataclass(frozen=True, slots=True)
class Hit:
    """An expression of a lexicon found in a draft: its characters, and what may stand there instead."""

    start: int
    end: int
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An expression and its alternatives.

    Attributes:
        word_class: ``v``, ``n``, ``a`` or empty.
        is_ambiguous: whether its first word is of several classes, so that the word before must tell which.
    """

    words: tuple[str, ...]
    alternatives: tuple[str, ...]
    word_class: str
    is_ambiguous: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Expressions of one or more words, each with its alternatives."""

    language: str
    _entries: dict[str, list[Entry]] = field(default_factory=dict)

    def hits(self, tokens: tuple[Token, ...]) -> list[Hit]:
        """All expressions found, the longest at each place."""
        found: list[Hit] = []
        covered = 0
        written = tuple(token.lower for token in tokens)
        for index, token in enumerate(tokens):
            if index < covered:
                continue
            for entry in self._entries.get(token.lower, ()):
                last = index + len(entry.words)
                if written[index:last] == entry.words and self._fits(entry, tokens, index, last):
                    found.append(Hit(token.start, tokens[last - 1].end, entry.alternatives))
                    covered = last
                    break
        return found

    def _fits(self, entry: Entry, tokens: tuple[Token, ...], first: int, last: int) -> bool:
        """Whether the words around agree with the class of an expression."""
        if entry.word_class == "v" and last < len(tokens) and tokens[last].lower in _PARTICLES:
            return False
        before = tokens[first - 1].lower if first else ""
        return not entry.is_ambiguous or before in _BEFORE.get((self.language, entry.word_class), ())

    def alternatives(self, word: str) -> tuple[str, ...]:
        """What may stand for ``word`` (one word, lower case)."""
        return next(
            (entry.alternatives for entry in self._entries.get(word, ()) if entry.words == (word,)), ()
        )

    def __contains__(self, word: str) -> bool:
        return bool(self.alternatives(word))


@cache
def read_lexicon(name: str, language: str) -> Lexicon:
    """The lexicon ``lexicons/<name>.<language>.txt``.

    A line names expressions that may replace each other, ``a = b = c``; or of which the first may become
    the second only, ``a > b``; or opposites, ``a ~ b``. ``v:``, ``n:`` or ``a:`` before it stands for all
    forms of these verbs, nouns or adjectives.
    """
    gathered: dict[tuple[str, str], list[str]] = {}
    for line in lines_of(name, language):
        matched = _CLASS.match(line)
        word_class = matched.group(1) if matched else ""
        body = line[matched.end() :] if matched else line
        columns = [forms(part.strip(), language, word_class) for part in re.split("[=~>]", body)]
        for column in columns[:1] if ">" in body else columns:
            for other in columns:
                if _hides_gender(column, word_class) and not _hides_gender(other, word_class):
                    continue
                for place, (expression, alternative) in enumerate(zip(column, other, strict=True)):
                    if (
                        language == "en"
                        and place in (2, 3)
                        and _hides_tense(column)
                        and not _hides_tense(other)
                    ):
                        continue
                    known = gathered.setdefault((expression, word_class), [])
                    if alternative not in (expression, "", *known):
                        known.append(alternative)
    ambiguous = {word for line in lines_of("noun_verbs", language) for word in line.split()}
    lexicon = Lexicon(language)
    gathered.pop(("", "v"), None)
    for (expression, word_class), alternatives in gathered.items():
        words = tuple(token.lower for token in tokenize(expression, language))
        is_ambiguous = bool(word_class) and words[0] in ambiguous
        entry = Entry(words, tuple(alternatives), word_class, is_ambiguous)
        lexicon._entries.setdefault(words[0], []).append(entry)
    for entries in lexicon._entries.values():
        entries.sort(key=lambda entry: -len(entry.words))
    return lexicon


def _hides_gender(column: list[str], word_class: str) -> bool:
    """Whether an adjective is written alike in both genders, so that another's form is not known from it."""
    return word_class == "a" and column[0] == column[1]


def _hides_tense(column: list[str]) -> bool:
    """Whether an English verb's past and participle are one word."""
    return len(column) == 5 and column[2] == column[3]


@cache
def lines_of(name: str, language: str) -> tuple[str, ...]:
    """The lines of ``lexicons/<name>.<language>.txt``, without comments and empty ones."""
    text = (_FOLDER / f"{name}.{language}.txt").read_text("utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
