"""The price table: the first row that matches counts, and what nobody knows is no zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.answered import AnsweredQuestion
from eval.compare.prices import Price, cost_of, read_prices
from rag.errors import InvalidRequest
from tests.eval.compare.answers import answer_of

OWN = """
written = 2026-01-31
currency = "EUR"

[[price]]
model = "openai:gpt-5-mini"
input = 1.0
output = 10.0

[[price]]
model = "openai:*"
input = 5
output = 50
"""


def answered(*tokens: tuple[int, int] | None) -> list[AnsweredQuestion]:
    return [
        answer_of(
            "Text.", usage=None if each is None else {"input_tokens": each[0], "output_tokens": each[1]}
        )
        for each in tokens
    ]


def test_the_first_row_that_matches_counts(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(OWN)
    table = read_prices(file)
    assert (table.currency, table.is_example) == ("EUR", False)
    assert table.price_of("openai:gpt-5-mini") == Price(model="openai:gpt-5-mini", input=1, output=10)
    assert table.price_of("fast", "openai:gpt-9") == Price(model="openai:*", input=5, output=50)
    assert table.price_of("anthropic:claude") is None


def test_the_shipped_table_is_marked_as_an_example_and_local_models_cost_nothing() -> None:
    table = read_prices(None)
    assert table.is_example
    for local in ("extractive", "ollama:llama3.2", "vllm:anything", "huggingface_local:folder"):
        price = table.price_of(local)
        assert price is not None
        assert (price.input, price.output) == (0, 0)


def test_a_thousand_questions_are_priced_from_those_counted() -> None:
    price = Price(model="*", input=1.0, output=10.0)
    cost = cost_of(answered((1000, 100), (3000, 300), None), model="openai:x", price=price)
    assert cost.per_thousand == pytest.approx(1000 * (2000 * 1 + 200 * 10) / 1_000_000)
    assert (cost.input_tokens, cost.output_tokens, cost.counted) == (2000, 200, 2)
    assert cost.reason == "1 questions without token counts are not in it"


def test_what_is_not_known_is_unknown_and_never_zero() -> None:
    no_price = cost_of(answered((1000, 100)), model="openai:x", price=None)
    assert no_price.per_thousand is None
    assert no_price.reason == "no row of the price table matches openai:x"
    no_tokens = cost_of(answered(None), model="openai:x", price=Price(model="*", input=1, output=1))
    assert no_tokens.per_thousand is None
    assert no_tokens.reason == "the provider told no token counts"


def test_extractive_reads_no_tokens() -> None:
    assert cost_of(answered(None), model="extractive", price=None).per_thousand == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (OWN.replace("5\n", "-5\n"), "price.1.input"),
        (OWN.replace("output = 50", "outptu = 50"), "price.1"),
        ("written = ", "is not TOML"),
        (OWN.replace("currency", "# currency"), "currency: Field required"),
        (OWN.replace("= 1.0", "= inf"), "price.0.input"),
    ],
)
def test_a_wrong_table_is_refused_by_the_row(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=r"prices\.toml") as refused:
        read_prices(file)
    assert says in str(refused.value)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_prices(tmp_path / "none.toml")
