"""What a million tokens of each model cost, from a table that users edit."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.answered import AnsweredQuestion
from rag.errors import InvalidRequest
from rag.llm.named import EXTRACTIVE

EXAMPLE = Path(__file__).with_name("prices.toml")
"""The table that is shipped, for users to copy and correct."""

_PER_MILLION = 1_000_000


class Price(BaseModel):
    """A row of the table.

    Attributes:
        model: pattern of ``provider:model`` or of a name of ``llms``; ``*`` stands for any text.
        input, output: price of a million tokens read, and written.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1)
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)

    def of(self, read: int, written: int) -> float:
        """What so many tokens cost."""
        return (read * self.input + written * self.output) / _PER_MILLION


class PriceTable(BaseModel):
    """Prices of models; the first row that matches counts.

    Attributes:
        written: when they were looked up.
        is_example: the table is the shipped one, whose prices are not the reader's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    written: date
    currency: str = Field(min_length=1)
    is_example: bool = False
    price: tuple[Price, ...]

    def price_of(self, *names: str) -> Price | None:
        """The first row that matches one of the model's names; ``None`` without one."""
        return next((row for row in self.price if any(fnmatchcase(name, row.model) for name in names)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a model's answers cost.

    Attributes:
        per_thousand: of a thousand such questions; ``None`` where no price or no token count is known.
        input_tokens, output_tokens: of a question, on average over those counted; ``None`` without any.
        counted: questions whose tokens the provider told.
        reason: why the cost is unknown, or incomplete; for a person.
    """

    per_thousand: float | None
    input_tokens: float | None
    output_tokens: float | None
    counted: int
    reason: str | None = None


def read_prices(file: Path | None) -> PriceTable:
    """The table in ``file``; without one the example.

    Raises:
        InvalidRequest: it cannot be read, or a row is wrong; the message names it.
    """
    path = file or EXAMPLE
    try:
        with path.open("rb") as stream:
            return PriceTable.model_validate(tomllib.load(stream))
    except OSError as exc:
        raise InvalidRequest(
            f"The price table {path} cannot be read ({exc.strerror}); name a TOML file like the example in "
            "docs/comparing.md."
        ) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InvalidRequest(f"The price table {path} is not TOML: {exc}.") from exc
    except ValidationError as exc:
        problem = exc.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise InvalidRequest(f"The price table {path}: {place}: {problem['msg']}.") from exc


def cost_of(answered: Sequence[AnsweredQuestion], *, model: str, price: Price | None) -> Cost:
    """What a thousand questions like ``answered`` cost.

    A question whose tokens nobody told, most often one refused before the model was done, is left out of the
    average, and the reason says how many those are.

    Args:
        model: ``provider:model``, or ``extractive``, which reads no tokens.
        price: its row; ``None``: unknown.
    """
    if model == EXTRACTIVE:
        return Cost(per_thousand=0.0, input_tokens=0.0, output_tokens=0.0, counted=len(answered))
    counts = [
        (each.input_tokens, each.output_tokens)
        for each in answered
        if each.input_tokens is not None and each.output_tokens is not None
    ]
    if not counts:
        reason = "the provider told no token counts"
        return Cost(per_thousand=None, input_tokens=None, output_tokens=None, counted=0, reason=reason)
    read = sum(each for each, _ in counts) / len(counts)
    written = sum(each for _, each in counts) / len(counts)
    if price is None:
        reason = f"no row of the price table matches {model}"
        return Cost(
            per_thousand=None, input_tokens=read, output_tokens=written, counted=len(counts), reason=reason
        )
    missing = len(answered) - len(counts)
    left_out = f"{missing} questions without token counts are not in it" if missing else None
    cost = 1000 * sum(price.of(*each) for each in counts) / len(counts)
    return Cost(
        per_thousand=cost, input_tokens=read, output_tokens=written, counted=len(counts), reason=left_out
    )
