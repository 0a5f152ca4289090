"""What a file says of itself, as facts that can be compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.facts import MAX_FACTS, MAX_TEXT, facts_of, period_of


def as_rows(metadata: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    return [(fact.name, fact.text, fact.number) for fact in facts_of(metadata)]


def test_nested_values_have_dotted_names_and_items_share_their_lists() -> None:
    metadata = {"author": {"name": "Zoé", "teams": ["HR", "Payroll"]}, "year": 2024}
    assert as_rows(metadata) == [
        ("author.name", "Zoé", None),
        ("author.teams", "HR", None),
        ("author.teams", "Payroll", None),
        ("year", "2024", 2024.0),
    ]


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (True, "true", None),
        (2.50, "2.5", 2.5),
        ("2.50", "2.50", 2.5),
        ("-07", "-07", -7.0),
        ("1e3", "1e3", None),
        ("٣", "٣", None),
        (10**400, "1" + "0" * 400, None),
        (float("nan"), "nan", None),
        (float("-inf"), "-inf", None),
        pytest.param(16**9000, "", None, id="thousands of digits"),
        ("a\0b", "a�b", None),
        ("\ud800", "?", None),
    ],
)
def test_scalars_have_a_text_and_where_they_can_a_number(value: Any, text: str, number: float | None) -> None:
    assert as_rows({"x": value}) == [("x", text, number)]


def test_nothing_is_no_fact() -> None:
    assert as_rows({"x": None, "y": [], "z": {}, "n" * 101: 1, "nul\0": 1}) == []


def test_of_a_long_text_the_beginning_is_known() -> None:
    [fact] = facts_of({"x": "a" * 10_000})
    assert fact.text == "a" * (MAX_TEXT + 1)


def test_a_file_made_to_hurt_has_a_limited_number_of_facts() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert facts_of({"deep": deep}) == []
    assert len(facts_of({str(n): [n] * 10 for n in range(100_000)})) == MAX_FACTS


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-05-01", datetime(2026, 5, 1), datetime(2026, 5, 2)),
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10), datetime(2026, 5, 1, 10, 0, 0, 1)),
        ("2026-05-01 10:00", datetime(2026, 5, 1, 10), datetime(2026, 5, 1, 10, 0, 0, 1)),
        ("2026-05-01T01:00:00+02:00", datetime(2026, 4, 30, 23), datetime(2026, 4, 30, 23, 0, 0, 1)),
    ],
)
def test_a_day_lasts_until_the_next_and_a_moment_one_tick(text: str, start: datetime, end: datetime) -> None:
    period = period_of(text)
    assert period is not None
    assert (period.start, period.end) == (start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-05", "2026-02-30", "01/05/2026", "2026-05-01T25:00", "0001-01-01T00:00+14:00"]
)
def test_other_texts_are_no_date(text: str) -> None:
    assert period_of(text) is None


@given(st.text())
def test_any_text_is_a_date_or_is_not(text: str) -> None:
    period = period_of(text)
    assert period is None or period.start < period.end
