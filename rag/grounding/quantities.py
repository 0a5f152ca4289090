"""The figures, dates and identifiers that a text states, or could back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from rag.grounding.dates import dates_of, year
from rag.grounding.numerals import DIGITS, FRACTIONS, SCALES, amounts, word_numbers
from rag.grounding.units import AFTER, BEFORE, TIME_WORDS, Unit, unit_of
from rag.grounding.values import Value
from rag.text.alignment import located_terms

_NOT_STATED = re.compile(
    r"\[\d[\d ,;–-]*\]|^\s*(?:[-*•]\s*)?(?:\*\*)?(?:(?:step|étape)\s)?\d{1,2}\s?[.):]\s|"
    r"\b(?:seven|7) days a week\b|\b24/7\b|\b24 hours a day\b|\b7 ?j(?:ours)? ?(?:sur|/) ?7\b|"
    r"\b24 ?h(?:eures)? ?(?:sur|/) ?24\b|"
    r"\b(?:passages?|sources?|documents?|extraits?|références?|contexts?)\s+\d+(?:(?:,| and| et)\s+\d+)*\b",
    re.IGNORECASE | re.MULTILINE,
)
_IDENTIFIER = re.compile(
    r"(?<![\w.])(?:[A-Za-zÀ-ÿ]{0,12}[A-ZÀ-Þ][A-Za-zÀ-ÿ]{0,11}[-‑–]?\d+[\w-]*(?:[./]\d+)*|"
    r"[a-z]{1,3}\d+(?:\.\d+)*|"
    r"\d+(?:\.\d+){2,}|\d+[A-Z][A-Z0-9]*)(?!\w)"
)
_NUMBER = re.compile(
    rf"(?:(?P<before>{BEFORE})\s?)?(?<![\d.,])(?P<digits>{DIGITS})"
    r"(?P<ordinal>(?:st|nd|rd|th|er|ère|e|ème|nde)\b)?|(?P<fraction>[½¼¾])"
)
_SCALE_WORD = re.compile(r"\s?(?P<scale>thousand|mille|millions?|billions?|milliards?|trillion|bn|mn|Md)\b")
_SCALE_SIGN = re.compile(r"\s?(?P<scale>[kKmM])(?=\b|[€$£])")
_STUCK_SCALE = re.compile(r"(?P<scale>[kKM])\b(?!²|³)")
_OF = re.compile(r"\s+of\s+|\s?d(?:e\s+|[’'])")
_UNIT = re.compile(rf"(?:[\s\u00a0\u202f]{{0,2}}|-)(?P<unit>{AFTER})")
_MODIFIED_UNIT = re.compile(
    rf"[\s-](?!(?:of|de|and|to|per|or|et|ou|à|in|for|par|a|at|out|times?|"
    rf"fois)\b)[a-zà-ÿ]{{3,12}}\s(?P<unit>(?:{TIME_WORDS})\b)"
)
_ROUNDED = re.compile(
    r"(?:\b(?:about|around|approximately|roughly|nearly|almost|over|more than|less than|under|some|close to|"
    r"environ|près d(?:e|['’])|presque|plus d(?:e|['’])|moins d(?:e|['’])|quelque)|[~≈])"
    r"\s*(?:the\s+|les\s+)?[€$£]?\s*$",
    re.IGNORECASE,
)
_OUT_OF = re.compile(r"(?:\bout of|\bsur|\d/)\s*$", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:[-–—/]|to|or|and|à|ou|et|au)\s*", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_YEAR_BEFORE = re.compile(
    r"\b(?:in|since|from|until|till|by|of|during|before|after|year|en|depuis|année|an|jusqu['’]en)\s+$", re.I
)
_COUNTED = re.compile(r"\s+[a-zà-ÿ]")
_LISTED = re.compile(r"(?<![\d.,])(\d{1,2}),(?=\d{1,2},\d)")
_ARTICLE = re.compile(
    rf"\b(?:an?|une?|each|every|per|par|chaque)\s+(?P<unit>(?:{TIME_WORDS})\b)", re.IGNORECASE
)
_ORDINALS = {
    "en": "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
    "fr": "premier deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième",
}
_ORDINAL_OF = {
    word: place for words in _ORDINALS.values() for place, word in enumerate(words.split(), start=1)
}
_ORDINAL_OF |= {"première": 1, "second": 2, "seconde": 2}
_ORDINAL_WORD = re.compile(rf"\b(?:{'|'.join(_ORDINAL_OF)})\b", re.IGNORECASE)
_BREAK = re.compile(r"[\0\n,.;:()!?]")
_SMALL_COUNT = 12
_HUNDRED = 100


def stated_values(claim: str, language: str) -> list[Value]:
    """The values that ``claim`` states, by place; numbers of list items and citation marks are none."""
    return _values(_NOT_STATED.sub(lambda match: " " * len(match.group()), claim), language)


def held_values(text: str, language: str) -> list[Value]:
    """The values that ``text`` could back, by place: "an hour" backs one hour."""
    values = _values(text, language)
    for match in _ARTICLE.finditer(text):
        unit = unit_of(match["unit"])
        article_end = match.start("unit") - 1
        values.append(_number(text, match.start(), article_end, frozenset({Decimal(1)}), unit=unit))
    return values


def _values(text: str, language: str) -> list[Value]:
    text = _LISTED.sub(r"\1 ", text)
    values = dates_of(text)
    rest = _without(text, values)
    identifiers = [
        Value(kind="identifier", start=match.start(), end=match.end(), text=squashed(match.group()))
        for match in _IDENTIFIER.finditer(rest)
        if not _measures(match.group())
    ]
    rest = _without(rest, identifiers)
    numbers = _with_shared_units(rest, sorted(_numbers(rest, language), key=lambda value: value.start))
    values = [*values, *identifiers, *(_with_nouns(rest, value, language) for value in numbers)]
    return sorted(values, key=lambda value: (value.start, value.end))


def squashed(text: str) -> str:
    """Letters and digits alone, small: ``ISO-27001`` and ``iso 27001`` are the same."""
    return re.sub(r"[\W_]+", "", text).lower()


def _measures(text: str) -> bool:
    """Whether it is a number stuck to its unit or scale, like ``5GB`` or ``10K``."""
    tail = re.fullmatch(r"\d+([A-Z]+)", text)
    return tail is not None and (tail[1] in {"K", "M"} or _UNIT.fullmatch(tail[1]) is not None)


def _without(text: str, values: Sequence[Value]) -> str:
    """``text`` with the values blotted out, every place kept."""
    characters = list(text)
    for value in values:
        characters[value.start : value.end] = "\0" * (value.end - value.start)
    return "".join(characters)


def _numbers(text: str, language: str) -> Iterator[Value]:
    in_digits = [_in_digits(text, match) for match in _NUMBER.finditer(text)]
    yield from in_digits
    text = _without(text, in_digits)
    for word in word_numbers(text, language):
        is_one = word.amount == 1 and word.words == 1
        unit, end = _unit_behind(text, word.end)
        if is_one and unit is None:
            continue  # an article, or a pronoun
        is_vague = word.words == 1 and word.amount >= _HUNDRED  # "a multi-million business"
        weak = (unit is None and word.amount <= _SMALL_COUNT) or (is_one and language == "fr") or is_vague
        amount = frozenset({Decimal(word.amount)})
        yield _number(text, word.start, end, amount, unit=unit, weak=weak)
    for match in _ORDINAL_WORD.finditer(text):
        place = frozenset({Decimal(_ORDINAL_OF[match.group().lower()])})
        yield _number(text, match.start(), match.end(), place, nouns=_ORDINAL, weak=True)


_ORDINAL = frozenset({"#"})
"""Marks an ordinal until its noun is known."""


def _in_digits(text: str, match: re.Match[str]) -> Value:
    start, end = match.span()
    read = frozenset({FRACTIONS[match["fraction"]]}) if match["fraction"] else amounts(match["digits"])
    if match["ordinal"]:
        return _number(text, start, end, read, nouns=_ORDINAL)
    unit = unit_of(match["before"]) if match["before"] else None
    scale, end = _scale_behind(text, end, money=unit is not None)
    if unit is None:
        unit, end = _unit_behind(text, end)
    if scale == 1 and unit is None and _is_year(text, match):
        return year(text, start, end)
    return _number(
        text,
        start,
        end,
        frozenset(amount * scale for amount in read),
        unit=unit,
        weak=_OUT_OF.search(text, max(0, start - 8), start) is not None,
        rounding=_rounding(text, start, read, scale),
    )


def _scale_behind(text: str, at: int, *, money: bool) -> tuple[int, int]:
    found = _SCALE_WORD.match(text, at) or (_SCALE_SIGN if money else _STUCK_SCALE).match(text, at)
    if found is None:
        found = re.compile(r"\s?(?P<scale>[kM])(?=[€$£])").match(text, at)
    if found is None:
        return 1, at
    sign = found["scale"]
    return SCALES.get(sign) or SCALES[sign.lower()], found.end()


def _unit_behind(text: str, at: int) -> tuple[Unit | None, int]:
    of = _OF.match(text, at)
    starts = [at, of.end()] if of else [at]
    for start in starts:
        found = _UNIT.match(text, start)
        if found:
            return unit_of(found["unit"]), found.end()
    found = _MODIFIED_UNIT.match(text, at)
    return (unit_of(found["unit"]), found.end()) if found else (None, at)


def _is_year(text: str, match: re.Match[str]) -> bool:
    if not _YEAR.fullmatch(match["digits"] or ""):
        return False
    counted = _COUNTED.match(text, match.end()) is not None
    return not counted or _YEAR_BEFORE.search(text, max(0, match.start() - 16), match.start()) is not None


def _rounding(text: str, start: int, read: frozenset[Decimal], scale: int) -> Decimal:
    """How far a more precise amount may be: half of the last digit of a scaled number, all of one "about"."""
    about = _ROUNDED.search(text, max(0, start - 24), start) is not None
    if not about and scale == 1:
        return Decimal(0)
    exponent = min(amount.normalize().as_tuple().exponent for amount in read)
    last_place = Decimal(10) ** int(exponent) * scale
    return last_place if about else last_place / 2


def _number(
    text: str,
    start: int,
    end: int,
    read: frozenset[Decimal],
    *,
    unit: Unit | None = None,
    nouns: frozenset[str] = frozenset(),
    weak: bool = False,
    rounding: Decimal = Decimal(0),
) -> Value:
    return Value(
        kind="number",
        start=start,
        end=end,
        text=text[start:end],
        amounts=read,
        unit=unit,
        nouns=nouns,
        weak=weak,
        rounding=rounding,
    )


def _with_shared_units(text: str, values: Sequence[Value]) -> list[Value]:
    """In "10–20 %" and "5 or 6 days" the unit of the last goes for the first as well."""
    shared = list(values)
    for place in range(len(shared) - 2, -1, -1):
        first, second = shared[place], shared[place + 1]
        between = _RANGE.fullmatch(text, first.end, second.start) if first.end <= second.start else None
        if between and first.kind == second.kind == "number" and first.unit is None and second.unit:
            shared[place] = replace(first, unit=second.unit, weak=False)
    return shared


def _with_nouns(text: str, value: Value, language: str) -> Value:
    """The terms right before and behind a bare number, which say what it counts or numbers."""
    if value.kind != "number" or value.unit is not None:
        return value
    behind = located_terms(_BREAK.split(text[value.end : value.end + 40])[0], language)[:1]
    if value.nouns == _ORDINAL:
        return replace(value, nouns=frozenset("#" + term.text for term in behind))
    before = located_terms(_BREAK.split(text[max(0, value.start - 40) : value.start])[-1], language)[-1:]
    return replace(value, nouns=frozenset(term.text for term in [*before, *behind]))
