"""Records and tables read as facts: every value in words, each with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.grounding.structured import facts_of

RECORD = json.dumps(
    {
        "name": "Café Lumière",
        "hours": {"Monday": "11:0-21:0"},
        "attributes": {"RestaurantsTakeOut": True, "BusinessParking": {"lot": False}, "Music": None},
        "wifi": "None",
        "stars": 3.5,
        "categories": ["Coffee", "Tea"],
        "awards": [],
        "reviews": [{"stars": 5, "text": 'Great tea.\nWe waited "long" – 12 min.'}, {"stars": 2}],
    },
    indent=2,
    ensure_ascii=False,
)


def told(text: str) -> list[str]:
    return [fact.text for fact in facts_of(text)]


def test_a_record_is_told_value_by_value() -> None:
    assert told(RECORD) == [
        "name: Café Lumière",
        "hours > Monday: 11:0-21:0",
        "attributes > Restaurants Take Out: yes",
        "attributes > Business Parking > lot: no",
        "attributes > Music: unknown",
        "wifi: unknown",
        "stars: 3.5",
        "categories: Coffee, Tea",
        "awards: none",
        "reviews 1 > stars: 5",
        "reviews 1 > text: Great tea.",
        'reviews 1 > text: We waited "long" – 12 min.',
        "reviews 2 > stars: 2",
    ]


def test_each_fact_knows_where_its_value_stands() -> None:
    places = {fact.text: RECORD[fact.start : fact.end] for fact in facts_of(RECORD)}
    assert places["attributes > Music: unknown"] == "null"
    assert places["name: Café Lumière"] == "Café Lumière"
    assert places["reviews 1 > text: Great tea."] == "Great tea."
    assert places['reviews 1 > text: We waited "long" – 12 min.'] == r"We waited \"long\" – 12 min."
    assert places["categories: Coffee, Tea"].split() == ["[", '"Coffee",', '"Tea"', "]"]


def test_escaped_characters_take_their_room() -> None:
    text = '{"text": "\\u00c9t\\u00e9 \\ud83d\\ude00 ici. Deuxi\\u00e8me phrase."}'
    first, second = facts_of(text)
    assert (first.text, second.text) == ("text: Été 😀 ici.", "text: Deuxième phrase.")
    assert text[second.start : second.end] == "Deuxi\\u00e8me phrase."


def test_records_line_by_line_and_between_paragraphs() -> None:
    text = 'Two records follow.\n{"id": 1, "name": "Tea"}\n{"id": 2, "name": "Coffee"}\nThat is all.'
    assert told(text) == ["id: 1", "name: Tea", "id: 2", "name: Coffee"]
    assert told('[{"id": 1}, {"id": 2}]') == ["1 > id: 1", "2 > id: 2"]


MARKDOWN = """Our plans:

| Plan | Price | Seats |
|:-----|------:|-------|
| Basic | 10 € | 5 |
| Team | 25 € |  |

Prices are per month."""


def test_a_markdown_table_is_told_cell_by_cell() -> None:
    assert told(MARKDOWN) == [
        "Plan: Basic",
        "Basic > Price: 10 €",
        "Basic > Seats: 5",
        "Plan: Team",
        "Team > Price: 25 €",
    ]
    assert [MARKDOWN[fact.start : fact.end] for fact in facts_of(MARKDOWN)] == [
        "Basic",
        "10 €",
        "5",
        "Team",
        "25 €",
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("plan,price\nBasic,10\nTeam,25", "Team > price: 25"),
        ('plan;prix\nBase;"10,50 €"\nÉquipe;"25,00 €"', "Équipe > prix: 25,00 €"),
        ("Site | Allowance\nLeeds | 25\nLyon | None\nNice | 3", "Lyon > Allowance: None"),
        ("Region\t2019\tTotal\nNorth\t12\t20\nSouth\t14\t21", "South > 2019: 14"),
        ('name,note,n\nTea,"hot, ""green""",3', 'Tea > note: hot, "green"'),
        ("Site | Leave days\nLeeds | 25\nLyon | 27", "Lyon > Leave days: 27"),
    ],
)
def test_other_tables_are_told_too(table: str, expected: str) -> None:
    assert expected in told(table)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Employees in Leeds have 25 days of leave. Up to 5 may be carried over [1].",
        "[1]",
        "[1, 2]\nSee the notes.",
        "{name} has {count} days.",
        '{"name": "cut off in the mid',
        '[\n  {"name": "cut off"},\n  {"name": "in the middle"}\n',
        '{"ratio": NaN}',
        '{"a": 1} is how a record begins.',
        "Tea, coffee and milk\nBread, butter and 3 eggs",
        "Dear all, 12\nBest, 14",
        "He left at 5, she at 6.\nThey met at 7, he said.",
        "Il fait 1,5\nIl y a 2,5",
        "Paris,France\nLyon,France",
        "a | b",
        "Either | or | both: nobody knows.",
        "| Plan | Price |\n| Basic | cheap |",
        "Heading\n-------\nText under it.",
    ],
)
def test_what_is_no_data_gives_no_facts(text: str) -> None:
    assert facts_of(text) == []


def test_hostile_data_is_left_alone() -> None:
    for text in ("[" * 100_000, "[\n" * 50_000, '{"a":' * 50_000, '{"a":\n' * 50_000 + "1", "|" * 100_000):
        assert facts_of(text) == []
    nested = '{"a": ' * 60 + "1" + "}" * 60
    assert facts_of(nested) == []


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(record=st.dictionaries(st.text(), _VALUES, min_size=1, max_size=4), ascii_only=st.booleans())
def test_any_record_is_read_with_places_in_order(record: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(record, ensure_ascii=ascii_only, indent=1)
    facts = facts_of(text)
    assert facts
    assert all(0 <= fact.start < fact.end <= len(text) for fact in facts)
    assert [fact.start for fact in facts] == sorted(fact.start for fact in facts)


@settings(max_examples=80, deadline=None)
@given(text=st.text(alphabet='ab1{}[]":,|-;\t\n \\', max_size=80))
def test_any_text_gives_sound_facts(text: str) -> None:
    for fact in facts_of(text):
        assert 0 <= fact.start < fact.end <= len(text)
        assert fact.text
