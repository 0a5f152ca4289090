"""Dates and times in English and French notation, with every reading that they allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from rag.grounding.values import Moment, Value

_MONTHS = (
    "january janvier jan janv",
    "february février fevrier feb fév févr",
    "march mars mar",
    "april avril apr avr",
    "may mai",
    "june juin jun",
    "july juillet jul juil",
    "august août aout aug",
    "september septembre sep sept",
    "october octobre oct",
    "november novembre nov",
    "december décembre decembre dec déc",
)
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_WEEKDAYS = {
    "en": "monday tuesday wednesday thursday friday saturday sunday",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
}
_WEEKDAY_OF = {name: day for names in _WEEKDAYS.values() for day, name in enumerate(names.split(), start=1)}
_SHORT_DAYS = {"mon": 1, "tue": 2, "tues": 2, "wed": 3, "thu": 4, "thur": 4, "thurs": 4} | {
    "fri": 5,
    "sat": 6,
    "sun": 7,
}

_FULL = sorted(
    (name for name in _MONTH_OF if len(name) > 4 or name in {"june", "july", "mars", "août"}), key=len
)
_SHORT = sorted(_MONTH_OF.keys() - set(_FULL), key=len, reverse=True)
_MONTH = f"(?:(?:{'|'.join(_FULL[::-1])})|(?:{'|'.join(_SHORT)})\\b\\.?)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er)?"
_YEAR = r"(?P<year>(?:1[1-9]|20)\d\d)(?!\d)"
_START = r"(?<![\w.,:/])"
_HALF = r"(?P<half>[ap](?:m\b|\.m\.?))"
_BEFORE_MONTH = (
    r"(?<=\bin |\bby |\bof |\bto )|(?<=\buntil |\bsince |\bafter )|(?<=\bbefore |\bduring )|(?<=from )"
)
_ENGLISH_MONTHS = "January|February|April|June|July|August|September|October|November|December"
_FRENCH_MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"


def _dated(**parts: int) -> Moment:
    return tuple(sorted(parts.items()))


def _month(name: str) -> int:
    return _MONTH_OF[name.rstrip(".").lower()]


def _valid(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


def _iso(match: re.Match[str]) -> set[Moment]:
    year, month, day = (int(match[part]) for part in ("year", "month", "day"))
    return {_dated(year=year, month=month, day=day)} if _valid(day, month) else set()


def _slashed(match: re.Match[str]) -> set[Moment]:
    """Day first as in France and Britain, or month first as in America."""
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    readings = {(first, second), (second, first)}
    return {_dated(year=year, month=month, day=day) for day, month in readings if _valid(day, month)}


def _named(match: re.Match[str]) -> set[Moment]:
    groups = match.groupdict()
    parts = {"month": _month(match["month"])}
    parts |= {part: int(groups[part]) for part in ("day", "year") if groups.get(part)}
    return {_dated(**parts)} if _valid(parts.get("day", 1), parts["month"]) else set()


def _decade(match: re.Match[str]) -> set[Moment]:
    first = int(match["decade"])
    first += 1900 if first < 100 else 0
    return {_dated(year=year) for year in range(first, first + 10)}


def _weekday(match: re.Match[str]) -> set[Moment]:
    name = match["weekday"].lower()
    day = _WEEKDAY_OF.get(name) or _WEEKDAY_OF.get(name.removesuffix("s")) or _SHORT_DAYS[name]
    return {_dated(weekday=day)}


def _clock(match: re.Match[str]) -> set[Moment]:
    """Minutes after midnight; without "am" or "pm" an hour up to twelve is in the morning or later."""
    groups = match.groupdict()
    hour, minute = int(match["hour"]), int(groups.get("minute") or 0)
    if hour > 24 or minute > 59:
        return set()
    half = (groups.get("half") or "").lower()[:1]
    hours = {hour, hour + 12} if not half and hour < 12 else {hour}
    if half:
        hours = {hour % 12 + (12 if half == "p" else 0)}
    return {_dated(minute=(each * 60 + minute) % 1440) for each in hours}


def _noon(match: re.Match[str]) -> set[Moment]:
    return {_dated(minute=720 if match.group().lower() in {"noon", "midday", "midi"} else 0)}


_Reader = Callable[[re.Match[str]], set[Moment]]
_I = re.IGNORECASE
_Rows = tuple[tuple[re.Pattern[str], _Reader], ...]
_NUMERIC: _Rows = (
    (re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)"), _iso),
    (
        re.compile(
            r"(?<![\d.,/-])(?P<first>\d{1,2})(?P<sign>[/.-])(?P<second>\d{1,2})(?P=sign)"
            r"(?P<year>\d{4}|\d\d)(?![\d/-]|\.\d)"
        ),
        _slashed,
    ),
    (
        re.compile(rf"{_START}(?P<hour>\d{{1,2}}):(?P<minute>\d{{1,2}})(?!\d)(?::\d\d)?(?:\s?{_HALF})?", _I),
        _clock,
    ),
    (re.compile(rf"{_START}(?P<hour>\d{{1,2}})(?:\.(?P<minute>\d\d))?\s?{_HALF}", _I), _clock),
    (re.compile(rf"{_START}(?P<hour>\d{{1,2}})\s?(?:h|heures?)\s?(?P<minute>[0-5]\d)\b(?!\s?%)", _I), _clock),
    (re.compile(r"(?<![\d.,])(?P<decade>(?:1[5-9]|20)\d0)['’]?s\b"), _decade),
    (re.compile(r"(?<=années )(?P<decade>(?:(?:1[5-9]|20)\d|[2-9])0)(?!\d)", _I), _decade),
)
"""How dates and times are written in digits alone."""

_MONTHLY: _Rows = (
    (re.compile(rf"{_START}{_DAY}(?:\s+of|\s+de)?\s+(?P<month>{_MONTH})(?!\w)(?:,?\s+{_YEAR})?", _I), _named),
    (re.compile(rf"\b(?P<month>{_MONTH})\s+{_DAY}(?![\d:]|[.,]\d)(?:,?\s+{_YEAR})?", _I), _named),
    (re.compile(rf"\b(?P<month>{_MONTH}),?\s+(?:of\s+|de\s+)?{_YEAR}", _I), _named),
)
"""Digits beside the name of a month."""

_WORDED: _Rows = (
    (re.compile(rf"\b(?P<month>{_ENGLISH_MONTHS})\b"), _named),
    (re.compile(rf"(?:{_BEFORE_MONTH})(?P<month>May|March)\b"), _named),
    (re.compile(rf"\b(?P<month>{_FRENCH_MONTHS})\b"), _named),
    (re.compile(rf"\b(?P<weekday>(?:{_WEEKDAYS['en'].title().replace(' ', '|')})s?)\b"), _weekday),
    (re.compile(rf"\b(?P<weekday>(?:{_WEEKDAYS['fr'].replace(' ', '|')})s?)\b", _I), _weekday),
    (re.compile(rf"\b(?P<weekday>{'|'.join(_SHORT_DAYS).title()})\b(?=\.?\s?[-–]|\.? to )"), _weekday),
    (re.compile(rf"(?<=[-–])(?P<weekday>{'|'.join(_SHORT_DAYS).title()})\b"), _weekday),
    (re.compile(r"\b(?:noon|midday|midnight|midi|minuit)\b", _I), _noon),
)
"""Months, days of the week and times by name alone."""

_NAMES = frozenset(_MONTH_OF) | _SHORT_DAYS.keys() | {"noon", "midday", "midnight", "midi", "minuit"}
_NAMES |= {form for day in _WEEKDAY_OF for form in (day, f"{day}s")}
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+")

_FIRST_OF_RANGE = re.compile(
    r"(?<![\d.,:/])(?P<day>\d{1,2})(?:st|nd|rd|th|er)?\s*(?:[-–]|to|and|through|au|et|à)\s*(?:the\s+|le\s+)?$",
    _I,
)


def dates_of(text: str) -> list[Value]:
    """The dates and times in ``text``, by place; none overlaps another."""
    found: list[Value] = []
    taken = [False] * len(text)
    for pattern, read in _rows_for(text):
        for match in pattern.finditer(text):
            moments = read(match)
            if moments and not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
                found.append(_value(text, match.start(), match.end(), moments))
    found += list(_range_starts(text, found))
    return sorted(found, key=lambda value: value.start)


def _rows_for(text: str) -> _Rows:
    """The notations that can occur in ``text``, the fullest first: most sentences hold none of them."""
    has_digit = _DIGIT.search(text) is not None
    names = _NAMES.intersection(word.lower() for word in _WORD.findall(text))
    rows: _Rows = _MONTHLY if has_digit and names else ()
    return (*(_NUMERIC if has_digit else ()), *rows, *(_WORDED if names else ()))


def year(text: str, start: int, end: int) -> Value:
    """The bare year at ``start:end``, which may also be read as a number."""
    return _value(text, start, end, {_dated(year=int(text[start:end]))})


def _value(text: str, start: int, end: int, moments: Iterable[Moment]) -> Value:
    moments = frozenset(moments)
    return Value(
        kind="date",
        start=start,
        end=end,
        text=text[start:end],
        amounts=frozenset(Decimal(number) for moment in moments for number in _numbers(moment)),
        moments=moments,
    )


def _numbers(moment: Moment) -> Iterator[int]:
    """The bare numbers that state a part of it: "from 9 to 5" for times, 2019 for a date of that year."""
    for part, number in moment:
        if part == "minute":
            yield from {number // 60, (number // 60 - 1) % 12 + 1}
        elif part != "weekday":
            yield number


def _range_starts(text: str, found: Iterable[Value]) -> Iterator[Value]:
    """The 5 of "5 to 7 May" and the 9 of "9 to 11 am" are what the other end is."""
    for value in list(found):
        match = _FIRST_OF_RANGE.search(text, max(0, value.start - 20), value.start)
        if match is None:
            continue
        number = int(match["day"])
        moments = set()
        for moment in value.moments:
            parts = dict(moment)
            if "day" in parts and 1 <= number <= 31:
                moments.add(_dated(**(parts | {"day": number})))
            elif "minute" in parts and number <= 24:
                moments |= {_dated(minute=number * 60 % 1440), _dated(minute=(number * 60 + 720) % 1440)}
        if moments:
            yield _value(text, match.start("day"), match.end("day"), moments)
