"""Evidence cut into what states one thing each: sentences of prose, facts of records and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rag.grounding.clauses import claims_of
from rag.grounding.facts import NONE, PATH_SEPARATOR, UNKNOWN, CellFact, Fact
from rag.grounding.names import NamePart, names_of
from rag.grounding.negation import denial_terms, denies
from rag.grounding.quantities import held_values
from rag.grounding.structured import facts_of
from rag.grounding.values import Value
from rag.text.alignment import Term, content_terms, located_terms
from rag.text.sentences import split_sentences

_SAYS_NO = frozenset({"no", "non", "false", "aucun", "aucune", NONE})
_SAYS_YES = frozenset({"yes", "oui", "true"})
_KEPT = 5000
"""Sentences whose terms and values are remembered: the next answer often rests on the same passages."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause of the evidence: its place, its terms, and whether it denies; ``None``: it is not known."""

    start: int
    end: int
    terms: frozenset[str]
    denies: bool | None


class EvidenceUnit:
    """A sentence or a fact of the evidence.

    Attributes:
        start, end: its place in the evidence; a fact's is that of its value.
        text: as it is read; a fact's has its path before the value.
        row: the name of the table row that a fact is of.
    """

    def __init__(
        self, start: int, end: int, text: str, language: str, *, is_fact: bool, row: str = ""
    ) -> None:
        self.start = start
        self.end = end
        self.text = text
        self.is_fact = is_fact
        self.row = row
        self._language = language

    @cached_property
    def located(self) -> tuple[Term, ...]:
        """Its terms with their places in the text."""
        return _located(self.text, self._language)

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """The values that it could back; places in the text."""
        return _held(self.text, self._language)

    @cached_property
    def terms(self) -> frozenset[str]:
        """Its terms but those of its values."""
        return plain_terms(self.located, self.values, self._language)

    @cached_property
    def names(self) -> list[NamePart]:
        """The words of the names in it."""
        return names_of(self.text, self._language)

    @cached_property
    def statements(self) -> list[Statement]:
        """What it says in each clause; a fact that is yes or no says so of its key."""
        if self.is_fact:
            return self._of_a_fact()
        return [
            Statement(
                self.start + start, self.start + end, self._terms_of(start, end), denies(self.text[start:end])
            )
            for start, end in claims_of(self.text, self._language)
        ]

    def place_of(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` stands in the evidence; all of a fact where its value does."""
        return (self.start, self.end) if self.is_fact else (self.start + start, self.start + end)

    def _terms_of(self, start: int, end: int) -> frozenset[str]:
        located = [term for term in self.located if start <= term.start < end]
        return plain_terms(located, self.values, self._language)

    def _of_a_fact(self) -> list[Statement]:
        path, _, value = self.text.rpartition(": ")
        plain = value.lower()
        if plain not in _SAYS_NO | _SAYS_YES | {UNKNOWN}:
            return []
        *parents, key = path.split(PATH_SEPARATOR)
        terms = content_terms(f"{self.row} {key}", self._language)
        if len(terms) == 1 and parents:
            terms |= content_terms(parents[-1], self._language)
        answer = None if plain == UNKNOWN else plain in _SAYS_NO
        return [Statement(self.start, self.end, terms, answer)]


@lru_cache(maxsize=_KEPT)
def _located(text: str, language: str) -> tuple[Term, ...]:
    return tuple(located_terms(text, language))


@lru_cache(maxsize=_KEPT)
def _held(text: str, language: str) -> tuple[Value, ...]:
    return tuple(held_values(text, language))


def plain_terms(terms: Sequence[Term], values: Sequence[Value], language: str) -> frozenset[str]:
    """The terms that stand in none of the values, and do not only deny."""
    stated = frozenset(
        term.text
        for term in terms
        if not any(value.start < term.end and term.start < value.end for value in values)
    )
    return stated - denial_terms(language)


def units_of(evidence: str, language: str) -> list[EvidenceUnit]:
    """The units of ``evidence``, in order of their places; what is a fact is no sentence besides."""
    facts = facts_of(evidence)
    sentences = [span for span in split_sentences(evidence) if not _touches(span, facts)]
    units = [
        EvidenceUnit(start, end, evidence[start:end], language, is_fact=False) for start, end in sentences
    ]
    for fact in facts:
        row = fact.row if isinstance(fact, CellFact) else ""
        units.append(EvidenceUnit(fact.start, fact.end, fact.text, language, is_fact=True, row=row))
    return sorted(units, key=lambda unit: (unit.start, unit.end))


def _touches(span: tuple[int, int], facts: Sequence[Fact]) -> bool:
    if not facts or span[1] <= facts[0].start or span[0] >= facts[-1].end:
        return False
    return any(fact.start < span[1] and span[0] < fact.end for fact in facts)
