"""Reading filters: what is understood, and what is said of what is not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.filter_option import filter_of
from rag.errors import InvalidFilter
from rag.facts import MAX_TEXT, period_of
from rag.filter_parsing import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES, parse_filter
from rag.filters import FIELDS, And, Condition, Not, Operator, Or

FRENCH = Condition(field="language", operator=Operator.IN, values=("fr",))
ENGLISH = Condition(field="language", operator=Operator.IN, values=("en",))
DAY = "2026-05-01"


def bound(field: str, operator: Operator, value: Any) -> Condition:
    return Condition(field=field, operator=operator, values=(value,))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, And(parts=())),
        ({"language": "fr"}, FRENCH),
        ({"language": {"eq": "fr"}}, FRENCH),
        ({"language": {"ne": "fr"}}, Not(part=FRENCH)),
        ({"not": {"language": "fr"}}, Not(part=FRENCH)),
        ({"or": [{"language": "fr"}, {"language": "en"}]}, Or(parts=(FRENCH, ENGLISH))),
        (
            {"language": {"in": ["fr", "en"]}},
            Condition(field="language", operator=Operator.IN, values=("fr", "en")),
        ),
        (
            {"size": {"gte": 1, "lt": 2.5}, "language": "fr"},
            And(
                parts=(
                    And(
                        parts=(bound("size", Operator.GTE, 1.0), bound("size", Operator.LT, 2.5)),
                    ),
                    FRENCH,
                )
            ),
        ),
        ({"path": {"prefix": "fr/"}}, bound("path", Operator.PREFIX, "fr/")),
        ({"updated_at": {"gte": DAY}}, bound("updated_at", Operator.GTE, period_of(DAY))),
        ({"metadata.date": {"gte": DAY}}, bound("metadata.date", Operator.GTE, period_of(DAY))),
        ({"metadata.date": DAY}, Condition(field="metadata.date", operator=Operator.IN, values=(DAY,))),
        ({"metadata.draft": True}, Condition(field="metadata.draft", operator=Operator.IN, values=("true",))),
        (
            {"metadata.author.name": {"exists": False}},
            Not(part=Condition(field="metadata.author.name", operator=Operator.EXISTS)),
        ),
    ],
)
def test_json_is_read(value: Any, expected: Any) -> None:
    assert parse_filter(value) == expected
    assert hash(parse_filter(value)) == hash(expected)


@pytest.mark.parametrize("field", FIELDS)
def test_an_unknown_field_is_named_with_the_known_ones(field: str) -> None:
    with pytest.raises(InvalidFilter, match=rf"'{field}x'.*{field}.*metadata\.NAME"):
        parse_filter({f"{field}x": 1})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "A filter is an object"),
        ("language=fr", "A filter is an object"),
        (None, "got null"),
        ({"langage": "fr"}, "no field 'langage'.*Did you mean 'language'"),
        ({"metadata": "x"}, "no field 'metadata'"),
        ({"metadata.": "x"}, "no field"),
        ({"metadata." + "n" * 101: "x"}, "no field"),
        ({"metadata.\0": "x"}, "no field"),
        ({"$and": []}, "no field"),
        ({"": 1}, "no field ''"),
        ({"language": 7}, "'language' is compared with a text, got 7"),
        ({"language": True}, "'language' is compared with a text, got True"),
        ({"language": None}, "'language' is compared with a text, got null"),
        ({"language": ["fr"]}, "'language' is compared with a text, got a list"),
        ({"language": {}}, "Nothing is compared with 'language'"),
        ({"language": {"in": "fr"}}, "'in' of 'language' takes a list"),
        ({"language": {"in": []}}, "at least one, got an empty one"),
        ({"language": {"in": ["fr", 1]}}, "a text, got 1"),
        ({"language": {"gt": "fr"}}, "'language' is a text, which has no 'gt'"),
        ({"language": {"exists": "yes"}}, "takes true or false"),
        ({"title": {"regex": "(a+)+$"}}, "'regex' of 'title': patterns are not supported, only prefixes"),
        ({"title": {"like": "%"}}, "patterns are not supported"),
        ({"title": {"equals": "x"}}, "no such comparison; comparisons are eq, ne, in"),
        ({"title": {"prefix": 1}}, "'prefix' compares the beginning of a text"),
        ({"size": {"prefix": "1"}}, "'prefix' compares the beginning of a text: 'size' is a number"),
        ({"size": "big"}, "'size' is compared with a number, got 'big'"),
        ({"size": True}, "'size' is compared with a number, got True"),
        ({"size": float("nan")}, "a number, got nan"),
        ({"size": 10**400}, "a number, got 1000"),
        pytest.param({"size": 10**5000}, "a number, got a number of thousands of digits", id="huge"),
        ({"created_at": {"gte": "yesterday"}}, "ISO 8601 date or time such as .*, got 'yesterday'"),
        ({"created_at": 2026}, "ISO 8601 .*, got 2026"),
        ({"created_at": {"exists": 1}}, "takes true or false, got 1"),
        ({"metadata.x": {"gt": True}}, "not a boolean"),
        ({"metadata.x": {"eq": {"a": 1}}}, "a text, a number, true or false, got an object"),
        ({"title": "a\0b"}, "no document can hold"),
        ({"title": "\ud800"}, "no document can hold"),
        ({"title": "x" * (MAX_TEXT + 1)}, f"has 501 characters, at most {MAX_TEXT}"),
        ({"and": {"language": "fr"}}, "'and' takes a list of filters"),
        ({"or": []}, "'or' takes a list of filters"),
        ({"or": [{}]}, "got an empty one"),
        ({"not": []}, "A filter is an object"),
    ],
)
def test_what_is_wrong_is_said(value: Any, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said) as error:
        parse_filter(value)
    assert len(str(error.value)) < 500


def nested(depth: int) -> Any:
    value: Any = {"language": "fr"}
    for _ in range(depth - 1):
        value = {"not": value}
    return value


def test_depth_and_size_are_limited() -> None:
    parse_filter(nested(MAX_DEPTH))
    with pytest.raises(InvalidFilter, match="more than 8 levels deep"):
        parse_filter(nested(MAX_DEPTH + 1))
    with pytest.raises(InvalidFilter, match="more than 8 levels deep"):
        parse_filter(nested(100_000))
    parse_filter({"or": [{"language": "fr"}] * MAX_CONDITIONS})
    with pytest.raises(InvalidFilter, match="at most 100 conditions"):
        parse_filter({"or": [{"language": "fr"}] * (MAX_CONDITIONS + 1)})
    parse_filter({"title": {"in": ["x"] * MAX_VALUES}})
    with pytest.raises(InvalidFilter, match=r"too large.*1000 values"):
        parse_filter({"title": {"in": ["x"] * (MAX_VALUES + 1)}})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["and", "or", "title", "in"]), inner),
)


@given(ANYTHING)
def test_any_value_is_a_filter_or_an_error_that_says_why(value: Any) -> None:
    with contextlib.suppress(InvalidFilter):
        assert hash(parse_filter(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("language=fr", {"language": "fr"}),
        (" language != fr ", {"language": {"ne": "fr"}}),
        ("path^=fr/", {"path": {"prefix": "fr/"}}),
        ("size>=10", {"size": {"gte": 10}}),
        ("metadata.year>2024", {"metadata.year": {"gt": 2024}}),
        ("metadata.year=2024", {"metadata.year": "2024"}),
        ("metadata.date<2024-05-01", {"metadata.date": {"lt": "2024-05-01"}}),
        ("title=a = b", {"title": "a = b"}),
        ("part=", {"part": ""}),
        ('{"or": [{"language": "fr"}, {"size": 1}]}', {"or": [{"language": "fr"}, {"size": 1}]}),
    ],
)
def test_the_command_line_says_the_same(text: str, expected: Any) -> None:
    assert filter_of([text]) == And(parts=(parse_filter(expected),))
    assert filter_of([text, "language=fr"]) == And(parts=(parse_filter(expected), FRENCH))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "compares nothing: expected FIELD OPERATOR VALUE"),
        ("language", "compares nothing"),
        ("title~x", "compares nothing"),
        ("=fr", "compares nothing"),
        ("langage=fr", "Did you mean 'language'"),
        ("size=big", "a number, got 'big'"),
        ("title>a", "'title' is a text, which has no 'gt'"),
        ('{"language": ', "begins like JSON, but is none"),
        ("{" * 100_000, "begins like JSON, but is none"),
        (json.dumps({"and": [[]]}), "A filter is an object"),
    ],
)
def test_the_command_line_is_read_strictly(text: str, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said):
        filter_of([text])


def test_no_option_is_no_filter() -> None:
    assert filter_of(None) is None
    assert filter_of([]) is None
