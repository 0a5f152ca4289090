"""Other ways of writing the same number, date, time or unit."""

from __future__ import annotations

import re

from eval.training.drafts import Draft, capitalised
from eval.training.scene import NUMBER, Scene

NUMBER_WORDS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty".split(),
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf vingt".split(),
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
}
_DAY_FIRST = {
    language: re.compile(rf"\b(\d{{1,2}})(?:er|st|nd|rd|th)? ({'|'.join(months)}),? (\d{{4}})\b")
    for language, months in MONTHS.items()
}
_MONTH_FIRST = re.compile(rf"\b({'|'.join(MONTHS['en'])}) (\d{{1,2}})(?:st|nd|rd|th)?, (\d{{4}})\b")
_UNITS = {
    "en": (
        ("kilometres", "km"),
        ("kilometers", "km"),
        ("kilograms", "kg"),
        ("hours", "h"),
        ("minutes", "min"),
        ("metres", "m"),
        ("per cent", "%"),
        ("percent", "%"),
        ("million", "m"),
        ("megabytes", "MB"),
        ("gigabytes", "GB"),
    ),
    "fr": (
        ("kilomètres", "km"),
        ("kilogrammes", "kg"),
        ("heures", "h"),
        ("minutes", "min"),
        ("mètres", "m"),
        ("pour cent", "%"),
        ("euros", "€"),
    ),
}
_WRITTEN_UNITS = {
    language: sorted((re.escape(unit) for row in rows for unit in row), key=len, reverse=True)
    for language, rows in _UNITS.items()
}
_UNIT_PATTERNS = {
    language: re.compile(rf"(?<=\d)( ?)({'|'.join(units)})(?!\w)")
    for language, units in _WRITTEN_UNITS.items()
}
_TIME = re.compile(r"\b(\d{1,2})(?::(\d{2}))? ?([ap])\.?m\b\.?")
_NOT_COUNTED = {"en": ("one", "zero"), "fr": ("un", "zéro")}


def number_words(draft: Draft, scene: Scene) -> Draft | None:
    """Like "three" for "3", or the other way round."""
    words = NUMBER_WORDS[scene.language]
    for match in _shuffled(NUMBER.finditer(draft.text), scene):
        after = draft.text[match.end() :][:2]
        before = draft.text[: match.start()].rstrip()[-1:]
        following = re.match(r" ([\w'’]+)", draft.text[match.end() :])
        if not following or following.group(1).lower() in scene.pool.stop_words:
            continue
        if (
            match.group().isdigit()
            and 2 <= int(match.group()) <= 20
            and not after.strip().startswith(("%", "€"))
        ):
            if (
                before in "$£€("
                or not after[:1].isspace()
                or not after[1:].isalpha()
                or not after[1:].islower()
            ):
                continue
            word = words[int(match.group())]
            return _put(draft, match, capitalised(word) if match.start() == 0 else word)
    for token in scene.tokens(draft):
        if token.lower in words and token.lower not in _NOT_COUNTED[scene.language] and token.start:
            return _put(draft, token, str(words.index(token.lower)))
    return None


def date_notation(draft: Draft, scene: Scene) -> Draft | None:
    """Like "March 14, 2023" for "14 March 2023", "2023-03-14", and so on."""
    months = MONTHS[scene.language]
    match = _DAY_FIRST[scene.language].search(draft.text)
    if match:
        day, month, year = match.groups()
    else:
        match = _MONTH_FIRST.search(draft.text) if scene.language == "en" else None
        if not match:
            return None
        month, day, year = match.groups()
    if re.search(r"(?:day|di|che|\d|au|to|-|–),? $", draft.text[: match.start()]):
        return None  # "Friday 22 August", "from 3 to 22 August": part of something longer
    number = months.index(month) + 1
    written = [f"{int(day)} {month} {year}", f"{year}-{number:02}-{int(day):02}"]
    written.append(
        f"{month} {day}, {year}" if scene.language == "en" else f"{int(day):02}/{number:02}/{year}"
    )
    return _put(draft, match, scene.rng.choice([text for text in written if text != match.group()]))


def unit_notation(draft: Draft, scene: Scene) -> Draft | None:
    """Like "km" for "kilometres", "per cent" for "%", and so on."""
    match = _UNIT_PATTERNS[scene.language].search(draft.text)
    if not match or (match.group(2) in ("m", "h") and not match.group(1)):
        return None
    rows = _UNITS[scene.language]
    options = [b if a == match.group(2) else a for a, b in rows if match.group(2) in (a, b) and len(b) < 3]
    options = [option for option in options if option != "million" and match.group(2) != "million"]
    if not options:
        return None
    new = scene.rng.choice(options)
    return _put(draft, match, new if new == "%" and scene.language == "en" else " " + new)


def time_notation(draft: Draft, scene: Scene) -> Draft | None:
    """Like "15:00" for "3 p.m."."""
    match = _TIME.search(draft.text) if scene.language == "en" else None
    if not match or int(match.group(1)) > 12:
        return None
    hour = int(match.group(1)) % 12 + (12 if match.group(3) == "p" else 0)
    dot = "." if match.end() == len(draft.text) else ""
    return _put(draft, match, f"{hour:02}:{match.group(2) or '00'}{dot}")


def rounded_down(draft: Draft, scene: Scene) -> Draft | None:
    """Like "more than 1,200" for "1,234": said by the evidence, if less exactly."""
    for match in _shuffled(
        re.finditer(r"(?<![\w.,$£€-])\d{2,3}(?:,\d{3})+(?![\w.,%-]|,\d)", draft.text), scene
    ):
        if scene.language != "en" or draft.text[: match.start()].rstrip().endswith(
            ("than", "over", "least", "about")
        ):
            continue
        value = int(match.group().replace(",", ""))
        unit = 10 ** (len(str(value)) - 2)
        if value % unit:
            more = scene.rng.choice(("more than", "over"))
            return _put(draft, match, f"{more} {value // unit * unit:,}")
    return None


def _shuffled(matches, scene: Scene):  # type: ignore[no-untyped-def]
    found = list(matches)
    scene.rng.shuffle(found)
    return found


def _put(draft: Draft, match, new: str) -> Draft | None:  # type: ignore[no-untyped-def]
    start, end = (match.start, match.end) if isinstance(match.start, int) else match.span()
    return draft.replace(start, end, new) if draft.is_free(start, end) else None
