"""How far evidence goes along with a claim, clause by clause, without a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.grounding.about_documents import speaks_of_the_documents
from rag.grounding.comparing import Clause, Difference, EvidenceReading, ReadClaim
from rag.grounding.evidence_units import EvidenceUnit
from rag.grounding.facts import key_words
from rag.grounding.negation import denial_terms, denies
from rag.grounding.values import same
from rag.text.alignment import content_terms, coverage

_FEWEST_TERMS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What evidence and a claim have in common.

    Attributes:
        share: of the clause that the evidence carries least, the weighted share of terms and values that one
            sentence or fact holds, 0 to 1; 1 where no clause can be compared.
        denied_alone: of a clause that denies, how much more of it stands where the evidence denies nothing
            than where it does, 0 to 1: "the alarm is not tested" where it is only said to be tested.
        held: places of figures and dates in the claim that the evidence holds and says nothing against.
    """

    share: float
    denied_alone: float
    held: tuple[tuple[int, int], ...]


def agreement(claim: ReadClaim, reading: EvidenceReading, differing: Sequence[Difference]) -> Agreement:
    """Compare ``claim`` with evidence.

    Args:
        reading: the evidence.
        differing: what the claim states otherwise than it.
    """
    against = {(each.start, each.end) for each in differing}
    compared = list(_compared(claim, reading))
    return Agreement(
        share=min((share for share, _ in compared), default=1.0),
        denied_alone=max((alone for _, alone in compared), default=0.0),
        held=tuple(
            (value.start, value.end)
            for value in claim.values
            if (value.start, value.end) not in against and reading.holds(value)
        ),
    )


def _compared(claim: ReadClaim, reading: EvidenceReading) -> Iterator[tuple[float, float]]:
    """Share and denial of each clause that says something about the matter."""
    for clause in claim.clauses:
        text = claim.text[clause.start : clause.end]
        terms = _terms(text, clause, reading)
        if speaks_of_the_documents(text) or (len(terms) < _FEWEST_TERMS and not clause.values):
            continue
        units = reading.near(terms)
        share = max((_share(terms, clause, unit, reading) for unit in units), default=0.0)
        yield share, _denied_alone(clause, units, reading) if denies(text) else 0.0


def _terms(text: str, clause: Clause, reading: EvidenceReading) -> frozenset[str]:
    """The clause's terms, and those of "WiFi" as a record's key has them, where the evidence knows them."""
    as_key = content_terms(key_words(text), reading.language) - denial_terms(reading.language)
    return clause.terms | {term for term in as_key if term in reading.weights}


def _share(terms: frozenset[str], clause: Clause, unit: EvidenceUnit, reading: EvidenceReading) -> float:
    held = sum(any(same(value, other) for other in unit.values) for value in clause.values)
    by_terms = coverage(terms, unit.terms, reading.weights) * len(terms)
    return (by_terms + held) / (len(terms) + len(clause.values))


def _denied_alone(clause: Clause, units: Sequence[EvidenceUnit], reading: EvidenceReading) -> float:
    if len(clause.terms) < _FEWEST_TERMS:
        return 0.0
    shares = {True: 0.0, False: 0.0}
    for unit in units:
        for statement in unit.statements:
            if statement.denies is not None:
                share = coverage(clause.terms, statement.terms, reading.weights)
                shares[statement.denies] = max(shares[statement.denies], share)
    return max(0.0, shares[False] - shares[True])
