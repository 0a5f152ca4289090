"""Numbers and dates as a spreadsheet's reader sees them: ECMA-376 part 1, section 18.8.31, in short.

Dates and times are written as ISO 8601 does, whatever their format, so that 03/04 is never two days; a
negative number always carries a minus sign, never brackets or only a colour.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

_CURRENCY = re.compile(r"\[\$([^\]-]*)[^\]]*\]")
_BRACKETED = re.compile(r"\[[^\]]*\]")
_SPACER = re.compile(r"[_*].")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)')
_DIGITS = re.compile(r"[0#?](?:[0#?,. ]*[0#?,.])?")
_LONGEST_PLAIN = 1e15  # what is larger is written with an exponent, as spreadsheets do
_HIDDEN_QUOTE = "\ue000"


class _NumberFormat(NamedTuple):
    """One section of a format, such as ``#,##0.00 "kg"``."""

    before: str
    after: str
    least: int
    most: int
    has_groups: bool
    divisor: float
    is_scientific: bool
    least_whole: int = 1
    is_words: bool = False


def shown_value(value: object, number_format: str = "General") -> str:
    """The cell's text; empty for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _shown_number(value, number_format)
    if isinstance(value, datetime | date | time | timedelta):
        return shown_date(value, number_format)
    return " ".join(str(value).split())


def shown_date(value: date | time | timedelta, number_format: str = "") -> str:
    """ISO 8601, as far as the format goes: ``mmm-yy`` gives ``2026-03``."""
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{'-' if minutes < 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02}"
    if isinstance(value, time):
        return _clock(value)
    parts = _LITERAL.sub("", _BRACKETED.sub("", number_format)).lower()
    clock = _clock(value.time()) if isinstance(value, datetime) and ("h" in parts or "y" not in parts) else ""
    if clock and "y" not in parts and "d" not in parts and "h" in parts:
        return clock
    day = value.strftime(
        "%Y-%m-%d" if "d" in parts or "y" not in parts else "%Y-%m" if "m" in parts else "%Y"
    )
    return f"{day} {clock}" if clock and clock != "00:00" else day


def _clock(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _shown_number(value: float, number_format: str) -> str:
    section = _section(number_format, is_negative=value < 0, is_zero=value == 0)
    if section is None:
        return plain_number(value)
    if section.is_words:  # such as a dash for zero
        return section.before
    number = abs(value) / section.divisor
    if section.is_scientific:
        digits = f"{number:.{section.most}E}"
    else:
        digits = f"{number:{',' if section.has_groups else ''}.{section.most}f}"
        whole, dot, decimals = digits.partition(".")
        decimals = decimals[: section.least] + decimals[section.least :].rstrip("0")
        digits = f"{whole.rjust(section.least_whole, '0')}{dot if decimals else ''}{decimals}"
    sign = "-" if value < 0 and any(character in "123456789" for character in digits) else ""
    return f"{sign}{section.before}{digits}{section.after}".strip()


def plain_number(value: float) -> str:
    """A number without a format: no trailing zeros, no noise of binary fractions."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _LONGEST_PLAIN):
        return str(int(value))
    text = f"{value:.10g}"
    return f"{value:.15f}".rstrip("0") if "e-0" in text and abs(value) >= 1e-9 else text


@lru_cache(maxsize=1024)
def _section(number_format: str, *, is_negative: bool, is_zero: bool) -> _NumberFormat | None:
    """What applies to such a number; ``None`` for ``General``, text, fractions and what is not understood."""
    sections = _sections(number_format)
    chosen = sections[1] if is_negative and len(sections) > 1 else sections[0]
    if is_zero and len(sections) > 2:
        chosen = sections[2]
    literals: list[str] = []

    def hide(match: re.Match[str]) -> str:
        literals.append(match.group(1) or match.group(2) or "")
        return _HIDDEN_QUOTE

    pattern = _CURRENCY.sub(lambda match: f'"{match.group(1)}"' if match.group(1) else "", chosen)
    pattern = _LITERAL.sub(hide, _SPACER.sub("", _BRACKETED.sub("", pattern)))
    digits = _DIGITS.search(pattern)
    if digits is None and literals and not pattern.strip(_HIDDEN_QUOTE + " "):
        return _NumberFormat("".join(literals), "", 0, 0, False, 1.0, False, is_words=True)
    if digits is None or "/" in pattern or pattern.strip().lower() in ("general", "@"):
        return None
    before, after = pattern[: digits.start()], pattern[digits.end() :]
    whole, _, decimals = digits.group().rstrip().partition(".")
    thousands = len(digits.group().rstrip()) - len(digits.group().rstrip().rstrip(","))
    is_scientific = after.startswith(("E+", "E-", "e+"))
    restore = iter(literals)
    return _NumberFormat(
        before=_with_literals(before, restore).replace("(", "").replace("-", ""),
        after=_with_literals("" if is_scientific else after, restore).replace(")", ""),
        least=decimals.count("0"),
        most=sum(decimals.count(mark) for mark in "0#?"),
        has_groups="," in whole.rstrip(","),
        divisor=1000.0**thousands * (0.01 if "%" in pattern else 1.0),
        is_scientific=is_scientific,
        least_whole=0 if "," in whole else whole.count("0"),
    )


def _sections(number_format: str) -> list[str]:
    """The format cut at its semicolons, those inside quotes aside."""
    pieces = re.findall(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;])+|(?<=;)(?=;)', number_format)
    return pieces or ["General"]


def _with_literals(pattern: str, literals: object) -> str:
    iterator = iter(literals)  # type: ignore[call-overload]
    return "".join(next(iterator) if mark == _HIDDEN_QUOTE else mark for mark in pattern)
