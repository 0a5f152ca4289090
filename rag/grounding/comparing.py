"""What a claim states otherwise than its evidence: figures, dates, units, names and denials, without a model.

A value that the evidence does not hold in any notation is a difference. So is one that it holds only where
it speaks of something else, while what the claim speaks of has another value there. Nothing is computed but
conversions of one unit into another: a sum, an average or a count of what is listed is a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rag.grounding.about_documents import speaks_of_the_documents
from rag.grounding.clauses import claims_of
from rag.grounding.evidence_units import EvidenceUnit, Statement, plain_terms, units_of
from rag.grounding.facts import key_words
from rag.grounding.names import HeldNames, NamePart, names_of
from rag.grounding.negation import denies, opposite
from rag.grounding.quantities import squashed, stated_values
from rag.grounding.values import Value, only_unit_differs, rivals, same
from rag.text.alignment import Term, content_terms, coverage, located_terms, rarity

DifferenceKind = Literal["number", "date", "unit", "name", "negation"]

_SAME_SUBJECT = 0.5
"""Share of a clause's other terms that a sentence must hold to speak of the same."""
_ELSEWHERE = 0.2
"""How much less of them the sentence that holds the value must share, to speak of something else."""
_SAME_BUT_THE_NAME = 0.7
"""Share that a sentence must hold to have another name in the place of the clause's."""
_SAME_STATEMENT = 0.85
"""Share of a clause's terms that a statement of the evidence must hold to be about the same."""
_MOSTLY_SHARED = 0.6
"""Share of the statement's own terms that the clause must hold besides."""
_FEWEST_TERMS = 2
_FEWEST_TO_PLACE = 3
"""Terms of a clause that are needed to tell that a value is said of something else."""
_AROUND = (-2, -1, 1)
"""Neighbouring sentences that may say what a value is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something that a claim states and its evidence does not.

    Attributes:
        start, end: where the claim states it.
        rival: where the evidence states otherwise, as offsets; ``None`` where it states nothing of it.
    """

    kind: DifferenceKind
    start: int
    end: int
    rival: tuple[int, int] | None = None

    @property
    def contradicted(self) -> bool:
        """Whether the evidence says otherwise, rather than nothing."""
        return self.rival is not None


def differences(claim: str, evidence: str, language: str) -> tuple[Difference, ...]:
    """What ``claim`` states otherwise than ``evidence``, by place.

    Args:
        claim: a sentence, or a part of one.
        evidence: everything it may rest on; several passages joined by line breaks.
        language: ISO 639-1 code; words are read in English and French, names compared in these only.
    """
    reading = read_evidence(evidence, language)
    return reading.differences(reading.read(claim))


@lru_cache(maxsize=8)
def read_evidence(evidence: str, language: str) -> EvidenceReading:
    """``evidence``, read once for many claims; the last ones are kept."""
    return EvidenceReading(evidence, language)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a claim: its place, its terms but those of values, and its values.

    Attributes:
        is_short: it has too few terms of its own to be compared, so its sentence's terms stand in.
    """

    start: int
    end: int
    terms: frozenset[str]
    values: tuple[Value, ...]
    is_short: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadClaim:
    """A claim cut into what is compared; offsets into its text."""

    text: str
    terms: tuple[Term, ...]
    values: tuple[Value, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class _Rival:
    """Another value of the evidence, its place there, and how much of the clause is near it."""

    value: Value
    place: tuple[int, int]
    share: float


class EvidenceReading:
    """Evidence read once, to be compared with many claims.

    Attributes:
        language: ISO 639-1 code of claims and evidence.
        weights: how rare a term is among the sentences and facts of the evidence.
    """

    def __init__(self, evidence: str, language: str) -> None:
        self.language = language
        self._units = units_of(evidence, language)
        self.weights = rarity(unit.terms for unit in self._units)
        self._squashed = squashed(evidence)
        self._names = HeldNames(evidence)
        self._by_term: dict[str, list[int]] = {}
        for place, unit in enumerate(self._units):
            for term in unit.terms:
                self._by_term.setdefault(term, []).append(place)

    def read(self, claim: str) -> ReadClaim:
        """``claim`` cut into what is compared."""
        terms = located_terms(claim, self.language)
        values = stated_values(claim, self.language)
        clauses = self._clauses(claim, terms, values)
        return ReadClaim(text=claim, terms=tuple(terms), values=tuple(values), clauses=tuple(clauses))

    def differences(self, claim: ReadClaim) -> tuple[Difference, ...]:
        """What ``claim`` states otherwise, by place."""
        found: list[Difference] = []
        for clause in claim.clauses:
            found += self._wrong_values(clause, claim.values)
            found += self._wrong_denial(claim.text, clause)
            found += self._wrong_names(claim.text, clause, claim.terms)
        return tuple(sorted(found, key=lambda each: (each.start, each.end, each.kind)))

    def _clauses(self, claim: str, terms: Sequence[Term], values: Sequence[Value]) -> Iterator[Clause]:
        everything = plain_terms(terms, values, self.language)
        for start, end in claims_of(claim, self.language):
            located = [term for term in terms if start <= term.start < end]
            words = plain_terms(located, values, self.language)
            own = tuple(value for value in values if start <= value.start < end)
            is_short = len(words) < _FEWEST_TERMS
            yield Clause(start, end, everything if is_short else words, own, is_short)

    # ------------------------------------------------------------------------------------ figures and dates

    def _wrong_values(self, clause: Clause, stated: Sequence[Value]) -> Iterator[Difference]:
        for value in clause.values:
            rival = self._rival(value, clause, stated)
            if not self.holds(value):
                if rival is not None or not value.weak:
                    yield _difference(value, rival)
            elif rival is not None and self._speaks_of_other(value, clause, rival.share):
                yield _difference(value, rival)

    def holds(self, value: Value) -> bool:
        """Whether the evidence states the value anywhere; a year may stand apart from its day."""
        if value.kind == "identifier":
            return value.text in self._squashed
        backing = [held for unit in self._units for held in unit.values if same(value, held)]
        return any(self._years_held(value, held) for held in backing)

    def _years_held(self, value: Value, held: Value) -> bool:
        years = {number for moment in value.moments for part, number in moment if part == "year"}
        known = {part for moment in held.moments for part, _ in moment}
        if not years or not held.moments or "year" in known:
            return True
        return any(years & set(map(int, other.amounts)) for unit in self._units for other in unit.values)

    def _rival(self, value: Value, clause: Clause, stated: Sequence[Value]) -> _Rival | None:
        """What the evidence says instead, where it speaks of what the clause speaks of."""
        best: _Rival | None = None
        for unit in self.near(clause.terms):
            if any(same(value, held) for held in unit.values):
                continue
            others = [held for held in unit.values if rivals(value, held) or only_unit_differs(value, held)]
            others = [held for held in others if not any(same(each, held) for each in stated)]
            share = self._share(clause, value, unit.terms, unit.values) if others else 0.0
            if share >= _SAME_SUBJECT and (best is None or share > best.share):
                best = _Rival(others[0], unit.place_of(others[0].start, others[0].end), share)
        return best

    def _speaks_of_other(self, value: Value, clause: Clause, share: float) -> bool:
        """Whether the evidence holds the value only where it is clearly less about the clause."""
        enough = len(clause.terms) >= _FEWEST_TO_PLACE
        return enough and self._nearest_share(value, clause) <= share - _ELSEWHERE

    def _nearest_share(self, value: Value, clause: Clause) -> float:
        """How much of the clause is near the value, wherever the evidence holds it."""
        shares = [0.0]
        for place, unit in enumerate(self._units):
            if not any(same(value, held) for held in unit.values):
                continue
            terms, values = unit.terms, list(unit.values)
            for step in _AROUND:
                if 0 <= place + step < len(self._units):
                    beside = self._units[place + step]
                    if not any(rivals(value, held) for held in beside.values):
                        terms |= beside.terms
                        values += beside.values
            shares.append(self._share(clause, value, terms, values))
        return max(shares)

    def _share(self, clause: Clause, value: Value, terms: frozenset[str], values: Sequence[Value]) -> float:
        """Weighted share of the clause's terms and other values among ``terms`` and ``values``."""
        others = [other for other in clause.values if other is not value]
        if not clause.terms and not others:
            return 0.0
        held = sum(any(same(other, each) for each in values) for other in others)
        by_terms = coverage(clause.terms, terms, self.weights)
        return (by_terms * len(clause.terms) + held) / (len(clause.terms) + len(others))

    def near(self, terms: Iterable[str]) -> list[EvidenceUnit]:
        """The units that share one of ``terms``."""
        places = {place for term in terms for place in self._by_term.get(term, ())}
        return [self._units[place] for place in sorted(places)]

    # ---------------------------------------------------------------------------------------------- denials

    def _wrong_denial(self, claim: str, clause: Clause) -> Iterator[Difference]:
        text = claim[clause.start : clause.end]
        if clause.is_short or speaks_of_the_documents(text):
            return
        words = content_terms(key_words(text), self.language) | clause.terms
        denied = denies(text)
        against: Statement | None = None
        for unit in self.near(words):
            for statement in unit.statements:
                turned = self._same_statement(clause.terms, words, statement, is_fact=unit.is_fact)
                if turned is None:
                    continue
                if statement.denies is not None and (denied != turned) == statement.denies:
                    return
                against = statement
        if against is not None:
            unknown = against.denies is None
            rival = None if unknown else (against.start, against.end)
            yield Difference(kind="negation", start=clause.start, end=clause.end, rival=rival)

    def _same_statement(
        self, wanted: frozenset[str], terms: frozenset[str], statement: Statement, *, is_fact: bool
    ) -> bool | None:
        """Whether a word is turned into its opposite; ``None``: the two are not about the same."""
        if len(statement.terms) < _FEWEST_TERMS or len(wanted) < _FEWEST_TERMS:
            return None
        if is_fact:
            return False if statement.terms <= terms else None
        if 2 * len(wanted & statement.terms) < len(wanted):
            return None
        opposites = {
            one: other
            for one in wanted - statement.terms
            for other in statement.terms - wanted
            if opposite(one, other)
        }
        held = statement.terms | opposites.keys()
        if coverage(wanted, held, self.weights) < _SAME_STATEMENT:
            return None
        if coverage(statement.terms, wanted | set(opposites.values()), self.weights) < _MOSTLY_SHARED:
            return None
        return bool(opposites)

    # ------------------------------------------------------------------------------------------------ names

    def _wrong_names(self, claim: str, clause: Clause, terms: Sequence[Term]) -> Iterator[Difference]:
        taken = [(value.start, value.end) for value in clause.values]
        parts = [
            part
            for part in names_of(claim, self.language)
            if clause.start <= part.start < clause.end
            and not any(start < part.end and part.start < end for start, end in taken)
        ]
        runs: dict[int, list[NamePart]] = {}
        for part in parts:
            runs.setdefault(part.run, []).append(part)
        for name in runs.values():
            missing = [part for part in name if not self._names.hold(part, name)]
            if missing:
                rival = self._rival_name(claim, clause, terms, missing)
                yield Difference(kind="name", start=missing[0].start, end=missing[-1].end, rival=rival)

    def _rival_name(
        self, claim: str, clause: Clause, terms: Sequence[Term], missing: Sequence[NamePart]
    ) -> tuple[int, int] | None:
        """Where the evidence names another one in a sentence that shares the rest of the clause."""
        named = {term.text for term in terms for part in missing if part.start <= term.start < part.end}
        wanted = clause.terms - named
        if len(wanted) < _FEWEST_TERMS:
            return None
        stated = HeldNames(claim)
        for unit in self.near(wanted):
            if coverage(wanted, unit.terms, self.weights) >= _SAME_BUT_THE_NAME:
                for part in unit.names:
                    if not stated.hold(part, [part]):
                        return unit.place_of(part.start, part.end)
        return None


def _difference(value: Value, rival: _Rival | None) -> Difference:
    kind: DifferenceKind = "date" if value.kind == "date" else "number"
    if rival is not None and only_unit_differs(value, rival.value):
        kind = "unit"
    return Difference(
        kind=kind, start=value.start, end=value.end, rival=None if rival is None else rival.place
    )
