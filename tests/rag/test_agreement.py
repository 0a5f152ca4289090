"""How far evidence goes along with a claim."""

from __future__ import annotations

import pytest

from rag.grounding.agreement import Agreement, agreement
from rag.grounding.comparing import read_evidence

ALARM = "The alarm of the laboratory is tested every Wednesday. Visitors do not open the windows."
SHOP = '{"name": "Pizza Mizza", "hours": {"Monday": "16:0-21:0"}, "WiFi": "free"}'


def compared(claim: str, evidence: str, language: str = "en") -> Agreement:
    reading = read_evidence(evidence, language)
    read = reading.read(claim)
    return agreement(read, reading, reading.differences(read))


@pytest.mark.parametrize(
    ("claim", "evidence", "language"),
    [
        ("The alarm is not tested regularly.", ALARM, "en"),
        ("The laboratory's alarm is never tested.", ALARM, "en"),
        ("L'alarme n'est jamais testée.", "L'alarme du laboratoire est testée chaque mercredi.", "fr"),
    ],
)
def test_what_only_the_claim_denies_is_noticed(claim: str, evidence: str, language: str) -> None:
    assert compared(claim, evidence, language).denied_alone > 0.4


@pytest.mark.parametrize(
    "claim",
    [
        "Visitors do not open the windows.",
        "The windows are not opened by visitors.",
        "The alarm is tested every Wednesday.",
        "The passages do not mention the alarm.",
    ],
)
def test_what_the_evidence_denies_too_or_nobody_denies_is_not(claim: str) -> None:
    assert compared(claim, ALARM).denied_alone == 0


def test_the_clause_that_is_carried_least_decides() -> None:
    both = compared("The alarm is tested every Wednesday, and the director plays the violin.", ALARM)
    assert both.share == compared("The director plays the violin.", ALARM).share
    assert compared("The alarm is tested every Wednesday.", ALARM).share > 0.9 > both.share


def test_a_time_in_another_notation_is_held_and_another_time_is_not() -> None:
    held = compared("It is open from 4 PM to 11 PM.", SHOP).held
    assert ["It is open from 4 PM to 11 PM."[start:end] for start, end in held] == ["4 PM"]


def test_the_key_of_a_record_counts_in_its_parts() -> None:
    assert compared("Free Wi-Fi is offered.", SHOP).share > compared("Free parking is offered.", SHOP).share


def test_where_nothing_can_be_compared_nothing_is_held_against_the_claim() -> None:
    assert compared("Yes.", ALARM) == Agreement(share=1.0, denied_alone=0.0, held=())
