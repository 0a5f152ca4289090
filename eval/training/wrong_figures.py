"""Corruptions of figures: numbers, dates and units that the evidence does not give."""

from __future__ import annotations

import re

from eval.training.drafts import Draft, with_case_of
from eval.training.figures_written import MONTHS, NUMBER_WORDS
from eval.training.scene import NUMBER, Scene

WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
}
_YEAR = re.compile(r"(?<![\d.,/-])(?:1[5-9]|20)\d\d(?![\d.,/-]\d|\d)")
_DAY = {
    language: re.compile(rf"\b\d{{1,2}}(?= (?:{'|'.join(months)})\b)|(?<=\b)(?:{'|'.join(months)})(?= \d)")
    for language, months in MONTHS.items()
}
_CURRENCY = re.compile(r"[$£€]|\b(?:dollars|euros|pounds|livres)\b")
_UNITS = {
    "en": (
        "minutes hours days weeks months years",
        "minute hour day week month year",
        "miles kilometres metres feet",
        "grams kilograms tonnes",
        "thousand million billion",
        "hourly daily weekly monthly yearly",
        "KB MB GB TB",
    ),
    "fr": (
        "minutes heures jours semaines mois",
        "minute heure",
        "kilomètres mètres",
        "grammes kilogrammes tonnes",
        "milliers millions milliards",
        "quotidienne hebdomadaire mensuelle annuelle",
        "ko Mo Go To",
    ),
}
_UNIT_OF = {
    language: {unit: [u for u in row.split() if u != unit] for row in rows for unit in row.split()}
    for language, rows in _UNITS.items()
}
_COUNTING = re.compile(r"(?:\d|per|par|each|every|chaque) $")
_CURRENCIES = {"en": ("dollars", "euros", "pounds"), "fr": ("dollars", "euros", "livres")}


def number(draft: Draft, scene: Scene) -> Draft | None:
    """A number becomes another one: close to it, or one that stands in the evidence."""
    places = [
        m for m in NUMBER.finditer(draft.text) if not _YEAR.fullmatch(m.group()) and m.group() != "24/7"
    ]
    places = [
        m
        for m in places
        if draft.is_free(*m.span()) and not _is_date(draft, m, scene) and not _is_label(draft, m)
    ]
    if not places:
        return _number_word(draft, scene)
    place = scene.rng.choice(places)
    new = _other_number(place.group(), draft, scene)
    return draft.replace(*place.span(), new, "contradicted") if new else None


def _is_label(draft: Draft, match: re.Match[str]) -> bool:
    """A number of a list, or part of a name such as "18F" or "Form 12"."""
    before = draft.text[: match.start()].rstrip()
    word = re.search(r"[^\W\d_]+$", before)
    return (
        not before
        or before.endswith((".", "(", "#", "n°"))
        or bool(word and word.group()[0].isupper() and len(before) > 12)
    )


def _is_date(draft: Draft, match: re.Match[str], scene: Scene) -> bool:
    return any(
        found.start() <= match.start() < found.end() for found in _DAY[scene.language].finditer(draft.text)
    )


def _other_number(written: str, draft: Draft, scene: Scene) -> str | None:
    known = set(NUMBER.findall(draft.text))
    if scene.rng.random() < 0.35:
        others = [
            n
            for n in scene.numbers
            if n not in known and abs(len(n) - len(written)) <= 2 and not _YEAR.fullmatch(n)
        ]
        if others:
            return scene.rng.choice(others)
    new = _nudged(written, scene)
    return new if new and new not in known else None


def _nudged(written: str, scene: Scene) -> str | None:
    """Another number of the same notation: one or a few more or less, twice, half, two digits exchanged."""
    separators = [(m.start(), m.group()) for m in re.finditer(r"\D", written)]
    digits = re.sub(r"\D", "", written)
    if len(digits) > 12:
        return None
    value = int(digits)
    step = 10 ** max(0, len(digits) - len(digits.rstrip("0")))
    choices = [
        value + step,
        value - step,
        value + 2 * step,
        value - 3 * step,
        value * 2,
        value // 2,
        value * 10,
    ]
    choices += [value + scene.rng.choice((5, 10)), value + 7 * step]
    if len(digits) > 2 and digits[0] != digits[1]:
        choices.append(int(digits[1] + digits[0] + digits[2:]))
    usable = [c for c in choices if c > 1 and c != value and (len(str(c)) == len(digits) or not separators)]
    if not usable:
        return None
    new = str(scene.rng.choice(usable))
    new = new.rjust(len(digits), "0") if separators or digits[0] == "0" else new
    for place, separator in separators:
        new = new[:place] + separator + new[place:]
    return new


def _number_word(draft: Draft, scene: Scene) -> Draft | None:
    words = NUMBER_WORDS[scene.language]
    tokens = scene.tokens(draft)
    for token in tokens:
        if token.lower in words[2:] and draft.is_free(token.start, token.end):
            value = words.index(token.lower)
            near = [n for n in (value - 2, value - 1, value + 1, value + 2, value + 5) if 2 <= n <= 20]
            new = with_case_of(words[scene.rng.choice(near)], token.text)
            return draft.replace(token.start, token.end, new, "contradicted")
    return None


def date(draft: Draft, scene: Scene) -> Draft | None:
    """A year, a day, a month or a weekday becomes another one."""
    places = [*_YEAR.finditer(draft.text), *_DAY[scene.language].finditer(draft.text)]
    days = WEEKDAYS[scene.language]
    places += re.finditer(rf"\b(?:{'|'.join(days)})\b", draft.text)
    places = [place for place in places if draft.is_free(*place.span())]
    if not places:
        return None
    place = scene.rng.choice(places)
    old = place.group()
    row = next((row for row in (MONTHS[scene.language], days) if old in row), None)
    if row:
        new = scene.rng.choice([other for other in row if other != old and other not in draft.text])
    elif len(old) == 4:
        others = [n for n in scene.numbers if _YEAR.fullmatch(n) and n not in draft.text]
        near = str(int(old) + scene.rng.choice((-10, -3, -2, -1, 1, 2, 3, 10)))
        new = scene.rng.choice([*others, near, near])
    else:
        new = str(scene.rng.choice([day for day in range(1, 29) if day != int(old)]))
    return draft.replace(*place.span(), new, "contradicted") if new not in draft.text else None


def unit(draft: Draft, scene: Scene) -> Draft | None:
    """Days become weeks, dollars become euros, hourly becomes daily."""
    numbers = NUMBER_WORDS[scene.language]
    for token in scene.tokens(draft):
        others = _UNIT_OF[scene.language].get(token.lower)
        if not others or not draft.is_free(token.start, token.end):
            continue
        before = draft.text[max(0, token.start - 12) : token.start]
        is_counted = _COUNTING.search(before) or before.lower().split()[-1:] in [[word] for word in numbers]
        if is_counted or token.lower.endswith(("ly", "elle", "aire")):
            return draft.replace(token.start, token.end, scene.rng.choice(others), "contradicted")
    match = _CURRENCY.search(draft.text)
    if not match or not draft.is_free(*match.span()):
        return None
    row = "$£€" if len(match.group()) == 1 else _CURRENCIES[scene.language]
    new = scene.rng.choice([other for other in row if other != match.group()])
    return draft.replace(*match.span(), new, "contradicted")
