"""Numbers in digits and in words, English and French, as the amounts that they can stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

DIGITS = r"\d{1,3}(?P<group>[ \u00a0\u202f.,'’])\d{3}(?:(?P=group)\d{3})*(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?"
"""Pattern of a number in digits; what sets its thousands apart is named ``group``."""

FRACTIONS = {"½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75")}

_EN = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_FR = """
zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize
dix-sept dix-huit dix-neuf
"""
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "fr": "vingt trente quarante cinquante soixante septante huitante nonante",
}
_MULTIPLES = {
    "en": {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12},
    "fr": {"cent": 100, "cents": 100, "mille": 1000, "million": 10**6, "millions": 10**6}
    | {"milliard": 10**9, "milliards": 10**9},
}
_GROUPS = {"en": {"dozen": 12}, "fr": {"dizaine": 10, "douzaine": 12, "quinzaine": 15, "vingtaine": 20}}
_JOINS = {"en": "and", "fr": "et"}
_EIGHTY = re.compile(r"quatre[- ]vingts?")

SCALES = {
    "thousand": 10**3,
    "mille": 10**3,
    "k": 10**3,
    "million": 10**6,
    "millions": 10**6,
    "mn": 10**6,
    "m": 10**6,
    "M": 10**6,
    "billion": 10**9,
    "billions": 10**9,
    "bn": 10**9,
    "milliard": 10**9,
    "milliards": 10**9,
    "Md": 10**9,
    "trillion": 10**12,
}
"""What a number in digits is multiplied with; the one-letter signs only count beside money or stuck to it."""


def _small(language: str) -> dict[str, int]:
    words = (_EN if language == "en" else _FR).split()
    tens = {word: (place + 2) * 10 for place, word in enumerate(_TENS[language].split())}
    named = {word: value for value, word in enumerate(words)} | tens | _GROUPS[language]
    return named | ({"une": 1, "quatre-vingt": 80} if language == "fr" else {})


_SMALL = {language: _small(language) for language in ("en", "fr")}
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"dix-(?:sept|huit|neuf)\b|quatre-vingt\b|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class WordNumber:
    """A number in words: its place, its amount, and of how many words it consists."""

    start: int
    end: int
    amount: int
    words: int


def amounts(digits: str) -> frozenset[Decimal]:
    """Every number that ``digits`` can stand for, by whichever language's separators."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", digits)
    signs = [sign for sign in plain if sign in ".,"]
    if not signs:
        return frozenset({Decimal(plain)})
    whole, _, last = plain.rpartition(signs[-1])
    as_decimal = Decimal(f"{re.sub('[.,]', '', whole)}.{last}")
    as_grouped = Decimal(re.sub("[.,]", "", plain))
    if len(set(signs)) > 1:
        return frozenset({as_decimal})
    if len(signs) > 1:
        return frozenset({as_grouped})
    is_group = len(last) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0")
    return frozenset({as_grouped, as_decimal} if is_group and plain == digits else {as_decimal})


def word_numbers(text: str, language: str) -> Iterator[WordNumber]:
    """The numbers that ``text`` states in words; in French for French, in English for all others."""
    known = "fr" if language == "fr" else "en"
    lowered = text.lower()
    if len(lowered) != len(text):  # a few capitals have longer small letters: the places would shift
        return
    lowered = _EIGHTY.sub(lambda match: "quatre-vingt".ljust(len(match.group())), lowered)
    run: list[tuple[int, int, str]] = []
    for token in _TOKEN.finditer(lowered):
        word, start, end = token.group(), token.start(), token.end()
        joined = bool(run) and lowered[run[-1][1] : start].strip(" \u00a0-\n") == ""
        if run and not joined:
            yield from _closed(run, known)
            run = []
        if _is_number(word, known) or (run and word == _JOINS[known]):
            run.append((start, end, word))
        elif run:
            yield from _closed(run, known)
            run = []
    yield from _closed(run, known)


def _is_number(word: str, language: str) -> bool:
    return word in _SMALL[language] or word in _MULTIPLES[language]


def _closed(run: list[tuple[int, int, str]], language: str) -> Iterator[WordNumber]:
    """The numbers of a run of number words; "twelve and thirteen" are two."""
    first = 0
    while first < len(run):
        if run[first][2] == _JOINS[language]:
            first += 1
            continue
        amount, used = _read([word for _, _, word in run[first:]], language)
        yield WordNumber(run[first][0], run[first + used - 1][1], amount, used)
        first += used


def _read(words: list[str], language: str) -> tuple[int, int]:
    """The amount of the longest number that ``words`` begin with, and how many of them it takes."""
    total = current = used = 0
    started = False
    for place, word in enumerate(words):
        if word == _JOINS[language]:
            continue
        multiple = _MULTIPLES[language].get(word)
        small = _SMALL[language].get(word)
        if multiple is not None:
            if multiple == 100:
                current = max(1, current) * 100
            else:
                total += max(1, current) * multiple if started or multiple == 1000 else multiple
                current = 0
        elif small is None or (started and not _adds(current, small, used, language)):
            break
        else:
            current += small
        started = True
        used = place + 1
    return total + current, used


def _adds(current: int, small: int, used: int, language: str) -> bool:
    """Whether ``small`` goes on with the number that has come to ``current``."""
    rest = current % 100
    if rest == 0:
        return used > 0 and small > 0
    if language == "fr" and rest in {60, 80}:
        return 0 < small < 20
    return rest >= 20 and rest % 10 == 0 and 0 < small < 10
