"""Claims compared with their evidence without a model: a wrong figure is found, a right one never is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.grounding.comparing import Difference, differences

LEAVE = (
    "Employees in Leeds have 25 days of annual leave a year. "
    "Up to 5 days may be carried over until 31 March 2025. "
    "Part-time staff have a proportional share. Requests go to the line manager two weeks ahead."
)
CONGES = (
    "Les salariés à plein temps ont 25 jours de congés payés par an. "
    "Cinq jours au plus peuvent être reportés jusqu’au 31 mars. "
    "La prime est de 1 200 €, soit 10 % du salaire. Le bureau de Lyon ouvre à 8 h 30."
)
COMPANY = (
    "Acme was founded by Jane Doe in Leeds in 1998. Its revenue was $1.25 billion in 2023, up 12%. "
    "It employs 2,487 people on three sites. The depot is 5 km from the station and opens at 9:30 am. "
    "Laptops weigh at most 1.4 kg. The car park is unavailable at weekends."
)


def told(claim: str, evidence: str, language: str = "en") -> list[tuple[str, str, str | None]]:
    """Kind, the words of the claim, and what the evidence says instead."""
    return [
        (
            found.kind,
            claim[found.start : found.end],
            None if found.rival is None else evidence[slice(*found.rival)],
        )
        for found in differences(claim, evidence, language)
    ]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("Up to 8 days may be carried over until 31 March.", ("number", "8 days", "5 days")),
        ("Employees in Leeds have 28 days of annual leave a year.", ("number", "28 days", "25 days")),
        ("Up to 5 days may be carried over until 30 April.", ("date", "30 April", "31 March 2025")),
        ("Up to 5 days may be carried over until 31 March 2026.", ("date", "31 March 2026", "31 March 2025")),
        ("Requests go to the line manager three weeks ahead.", ("number", "three weeks", "two weeks")),
        ("Requests go to the line manager two months ahead.", ("unit", "two months", "two weeks")),
        ("Employees in Lyon have 25 days of annual leave a year.", ("name", "Lyon", "Leeds")),
        ("There are 40 parking spaces.", ("number", "40", None)),
        ("Carried-over leave was discussed with Barbara.", ("name", "Barbara", None)),
    ],
)
def test_what_is_stated_otherwise_is_found(claim: str, expected: tuple[str, str, str | None]) -> None:
    assert told(claim, LEAVE) == [expected]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (
            "Les salariés à plein temps ont 35 jours de congés payés par an.",
            ("number", "35 jours", "25 jours"),
        ),
        ("Cinq jours au plus peuvent être reportés jusqu’au 30 avril.", ("date", "30 avril", "31 mars")),
        ("Six jours au plus peuvent être reportés jusqu’au 31 mars.", ("number", "Six jours", "Cinq jours")),
        ("La prime est de 1 500 €.", ("number", "1 500 €", "1 200 €")),
        ("La prime est de 12 % du salaire.", ("number", "12 %", "10 %")),
        ("Le bureau de Lyon ouvre à 9 h 30.", ("date", "9 h 30", "8 h 30")),
        ("Le bureau de Nantes ouvre à 8 h 30.", ("name", "Nantes", "Lyon")),
    ],
)
def test_so_it_is_in_french(claim: str, expected: tuple[str, str, str | None]) -> None:
    assert told(claim, CONGES, "fr") == [expected]


def test_a_figure_that_stands_elsewhere_is_found_by_what_it_is_said_of() -> None:
    assert told("5 days of annual leave a year.", LEAVE) == [("number", "5 days", "25 days")]
    assert told("Up to 25 days may be carried over.", LEAVE) == [("number", "25 days", "5 days")]
    rules = (
        "Rule 1 sets 3 euros for item 7. Rule 2 sets 6 euros for item 14. Rule 3 sets 9 euros for item 21."
    )
    assert told("Rule 1 sets 6 euros for item 7.", rules) == [("number", "6 euros", "3 euros")]


@pytest.mark.parametrize(
    "claim",
    [
        "Employees have twenty-five days of annual leave, of which 5 may be carried over until March 31.",
        "Until March 31, 2025 you can carry over up to five days.",
        "Leave is carried over until 2025-03-31, at most 5 days.",
        "The deadline for the 5 days is 31/03/2025.",
        "Requests reach the manager 14 days ahead.",
        "1. Employees in Leeds have 25 days of leave [1].",
        "According to passage 2, 25 days of annual leave are granted.",
        "Leave of 25 days: that is what LEEDS’ employees get each year.",
    ],
)
def test_other_notations_of_the_same_are_no_difference(claim: str) -> None:
    assert told(claim, LEAVE) == []


@pytest.mark.parametrize(
    "claim",
    [
        "Acme made $1,250 million in 2023.",
        "Acme made 1.25bn dollars, 12 percent more.",
        "Almost 2,500 people work at its three sites.",
        "About 2,500 people work there.",
        "The depot, 5,000 metres from the station, opens at 09:30.",
        "The depot opens at half of the sites, the first at 9.30 a.m.",
        "J. Doe founded Acme in the 1990s.",
        "Doe’s company weighs laptops: 1400 g at most.",
        "It is one of the companies that Jane Doe founded.",
    ],
)
def test_units_names_and_roundings_are_understood(claim: str) -> None:
    assert told(claim, COMPANY) == []


@pytest.mark.parametrize(
    ("claim", "kind", "words"),
    [
        ("The depot is 5 miles from the station.", "unit", "5 miles"),
        ("Its revenue was $1.52 billion in 2023.", "number", "$1.52 billion"),
        ("Its revenue was $1.25 million in 2023.", "number", "$1.25 million"),
        ("Its revenue was €1.25 billion in 2023.", "unit", "€1.25 billion"),
        ("About 3,500 people work there.", "number", "3,500"),
        ("The depot opens at 9:30 pm.", "date", "9:30 pm"),
        ("Acme was founded by John Doe.", "name", "John"),
        ("Acme was founded in 1989.", "date", "1989"),
        ("Acme follows ISO-9001 everywhere.", "number", "ISO-9001"),
    ],
)
def test_a_wrong_unit_or_scale_or_first_name_is_found(claim: str, kind: str, words: str) -> None:
    assert [(found[0], found[1]) for found in told(claim, COMPANY)] == [(kind, words)]


@pytest.mark.parametrize(
    ("claim", "evidence", "language", "denied"),
    [
        ("The VPN does not need a hardware key.", "The VPN needs a hardware key.", "en", True),
        ("The VPN needs a hardware key.", "The VPN doesn't need a hardware key.", "en", True),
        ("The car park is available at weekends.", COMPANY, "en", True),
        ("The car park is not available at weekends.", COMPANY, "en", False),
        ("Leave cannot be cancelled.", "Leave can be cancelled. It cannot be sold.", "en", True),
        ("The badge is not only for staff.", "The badge is for staff.", "en", False),
        ("Le badge n’est pas obligatoire au siège.", "Le badge est obligatoire au siège.", "fr", True),
        ("Le badge est obligatoire au siège.", "Le badge n’est pas obligatoire au siège.", "fr", True),
        ("Le badge n’est obligatoire qu’au siège.", "Le badge est obligatoire au siège.", "fr", False),
    ],
)
def test_a_denial_is_found_clause_by_clause(claim: str, evidence: str, language: str, denied: bool) -> None:
    assert [found[0] for found in told(claim, evidence, language)] == ["negation"] * denied


def test_yes_and_no_of_a_record_deny_too() -> None:
    record = '{"OutdoorSeating": false, "WiFi": "free", "BusinessParking": {"lot": true}, "LiveMusic": null}'
    assert told("It has outdoor seating and free Wi-Fi.", record)[0][0] == "negation"
    assert told("There is no outdoor seating, but a parking lot of the business.", record) == []
    (unknown,) = differences("The bar has live music.", record, "en")
    assert unknown.kind == "negation"
    assert not unknown.contradicted


def test_none_in_a_table_is_said_of_its_row_only() -> None:
    table = "Account | Length | Second factor\nStaff | 12 | hardware key\nBench computers | 10 | None"
    assert told("As second factor only a hardware key counts.", table) == []
    assert told("Bench computers have a second factor.", table)[0][0] == "negation"


def test_nothing_is_computed() -> None:
    assert told("Both sites have 12 rooms.", "One site has five rooms, the other seven rooms.") != []


def test_what_holds_nothing_holds_nothing() -> None:
    assert told("It costs 5 €.", "") == [("number", "5 €", None)]
    assert told("", LEAVE) == []
    assert Difference(kind="number", start=0, end=1, rival=(0, 1)).contradicted


_SENTENCES = [
    "Rule {a} sets {b} euros for item {c}.",
    "En {a}, {b} salariés ont eu {c} % de plus.",
    "{a} of {b} in room {c}.",
]


@settings(max_examples=30, deadline=None)
@given(
    template=st.sampled_from(_SENTENCES),
    figures=st.lists(st.integers(13, 99_999), min_size=6, max_size=6, unique=True),
)
def test_a_verbatim_sentence_never_differs_and_a_new_figure_always_does(
    template: str, figures: list[int]
) -> None:
    a, b, c, d, e, f = figures
    evidence = f"{template.format(a=a, b=b, c=c)}\n{template.format(a=d, b=e, c=f)}"
    language = "fr" if template.startswith("En") else "en"
    assert differences(template.format(a=a, b=b, c=c), evidence, language) == ()
    changed = 100_003
    assert [
        found.kind for found in differences(template.format(a=a, b=changed, c=c), evidence, language)
    ] == ["number"]


@settings(max_examples=60, deadline=None)
@given(
    claim=st.text(alphabet="aàNo 15.,%€/-:’\n«h[]", max_size=60),
    evidence=st.text(alphabet='aàNo 15.,%€/-:"{}|\n', max_size=80),
    language=st.sampled_from(["en", "fr", "de", "und"]),
)
def test_any_texts_can_be_compared(claim: str, evidence: str, language: str) -> None:
    for found in differences(claim, evidence, language):
        assert 0 <= found.start < found.end <= len(claim)
        assert found.rival is None or 0 <= found.rival[0] < found.rival[1] <= len(evidence)
