"""Edits after which a claim is no longer carried by its evidence, with the wrong characters marked."""

from __future__ import annotations

import re

from eval.training import negation
from eval.training.agreement import begins_with_vowel, replace_words
from eval.training.drafts import Draft, with_case_of
from eval.training.examples import ClaimLabel
from eval.training.figures_written import MONTHS, NUMBER_WORDS
from eval.training.lexicon import Lexicon, lines_of, read_lexicon
from eval.training.scene import NUMBER, Edit, Scene
from eval.training.sentences_pool import Name, name_key

_WEEKDAYS = {
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
_PASSIVE = re.compile(
    r"^((?:The|An?|[A-Z]\w+)(?: [\w'-]+){0,3}) ((?:was|were|is|are) \w+(?:ed|en|wn|lt) by) "
    r"((?:the |an? )?[\w'-]+(?: [\w'-]+){0,2})\.$"
)
_EXCHANGED = {
    "en": re.compile(
        r"\b(from|between) ([\w$€£%,.'-]+(?: [\w'-]+)?) (to|and) ([\w$€£%,'-]+(?: [A-Z][\w'-]+)?)(?=[ .,;])"
    ),
    "fr": re.compile(r"\b(de|du|entre) ([\w€%'-]+) (à|au|et) ([\w€%'-]+)(?=[ .,;])"),
}


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
    days = _WEEKDAYS[scene.language]
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
    for token in scene.tokens(draft):
        others = _UNIT_OF[scene.language].get(token.lower)
        before = draft.text[max(0, token.start - 12) : token.start]
        counted = re.search(r"\d $|per $|par $|each $|every $|chaque $", before) or token.lower.endswith(
            ("ly", "elle", "aire")
        )
        if others and (
            counted or (before.split()[-1:] and before.split()[-1].lower() in NUMBER_WORDS[scene.language])
        ):
            if draft.is_free(token.start, token.end):
                return draft.replace(token.start, token.end, scene.rng.choice(others), "contradicted")
    match = _CURRENCY.search(draft.text)
    if match and draft.is_free(*match.span()):
        row = (
            "$£€"
            if len(match.group()) == 1
            else ("dollars", "euros", "pounds" if scene.language == "en" else "livres")
        )
        new = scene.rng.choice([other for other in row if other != match.group()])
        return draft.replace(*match.span(), new, "contradicted")
    return None


def name(draft: Draft, scene: Scene) -> Draft | None:
    """A name becomes another name, of the evidence if it has one that is used alike."""
    names = scene.pool.names_in(scene.tokens(draft), draft.text)
    scene.rng.shuffle(names)
    months = MONTHS[scene.language] + _WEEKDAYS[scene.language]
    for old in names:
        if old.text in months or not draft.is_free(old.start, old.end):
            continue
        key = name_key(old.text, old.before)
        near = [
            new.text
            for new in scene.names
            if name_key(new.text, new.before) == key and _is_other(new, old, draft)
        ]
        far = scene.pool.names.get(key, ()) if scene.rng.random() < 0.3 or not near else ()
        options = near or [scene.rng.choice(far)] if far or near else []
        options = [new for new in options if new not in months and _is_other_text(new, old.text, draft.text)]
        if options:
            new = scene.rng.choice(options)
            label: ClaimLabel = "contradicted"
            return replace_words(draft, scene.tokens(draft), (old.start, old.end), new, scene.language, label)
    return None


def _is_other(new: Name, old: Name, draft: Draft) -> bool:
    return _is_other_text(new.text, old.text, draft.text)


def _is_other_text(new: str, old: str, text: str) -> bool:
    """Neither in the claim, nor sharing a word, nor the initials of the other."""
    if new in text or {w.lower() for w in new.split()} & {w.lower() for w in old.split()}:
        return False
    initials = ["".join(word[0] for word in n.split()).lower() for n in (new, old)]
    stems = [n.lower().rstrip("s")[:5] for n in (new, old)]
    return new.lower() != initials[1] and old.lower() != initials[0] and stems[0] != stems[1]


def antonym(draft: Draft, scene: Scene) -> Draft | None:
    """A word becomes its opposite."""
    lexicon = read_lexicon("antonyms", scene.language)
    return _opposite(draft, scene, lexicon, "contradicted")


def comparison(draft: Draft, scene: Scene) -> Draft | None:
    """More becomes less, at least becomes at most, before becomes after."""
    return _opposite(draft, scene, read_lexicon("comparisons", scene.language), "contradicted")


def quantifier(draft: Draft, scene: Scene) -> Draft | None:
    """Some becomes all, must becomes may, often becomes always."""
    tokens = scene.tokens(draft)
    rows = [line.split(" -> ") for line in lines_of("quantifiers", scene.language)]
    scene.rng.shuffle(rows)
    lower = draft.text.lower()
    for old, new, label in rows:
        match = re.search(rf"(?<![\w'’-]){re.escape(old)}(?![\w'’-]| of\b)", lower)
        is_denied = bool(match) and lower[: match.start()].endswith((" ne ", " n'", " not "))
        if match and not is_denied and not lower[match.end() :].startswith((" not", " n'", " pas")):
            chosen = scene.rng.choice([option.strip() for option in new.split("|")])
            done = replace_words(draft, tokens, match.span(), chosen, scene.language, label.strip())  # type: ignore[arg-type]
            if done:
                return done
    return None


def _opposite(draft: Draft, scene: Scene, lexicon: Lexicon, label: ClaimLabel) -> Draft | None:
    tokens = scene.tokens(draft)
    hits = lexicon.hits(tokens)
    scene.rng.shuffle(hits)
    lower = draft.text.lower()
    for hit in hits:
        options = [new for new in hit.alternatives if not re.search(rf"\b{re.escape(new)}\b", lower)]
        neighbours = draft.text[hit.start - 1 : hit.start] + draft.text[hit.end : hit.end + 1]
        is_name = draft.text[hit.start].isupper() and hit.start > 0
        if not options or is_name or "-" in neighbours or "/" in neighbours:
            continue
        new = scene.rng.choice(options)
        done = replace_words(draft, tokens, (hit.start, hit.end), new, scene.language, label)
        if done:
            return done
    return None


def roles_swapped(draft: Draft, scene: Scene) -> Draft | None:
    """Two parties, or two ends of a range or a way, exchanged."""
    match = _PASSIVE.match(draft.text) if scene.language == "en" else None
    if match and not draft.spans:
        first, verb, second = match.groups()
        first = scene.without_capital(first)
        text = f"{with_case_of(second, 'A')} {verb} {first}."
        swapped = Draft(text).marked(0, len(second), "contradicted")
        return swapped.marked(len(text) - 1 - len(first), len(text) - 1, "contradicted")
    match = _EXCHANGED[scene.language].search(draft.text)
    if match and match.group(1).lower() not in ("between", "entre") and draft.is_free(*match.span()):
        if (
            match.group(2).lower() != match.group(4).lower()
            and match.group(2)[0].isupper() == match.group(4)[0].isupper()
        ):
            if match.group(2)[0].isupper() or match.group(2)[0].isdigit():
                (a, b), (c, d) = match.span(2), match.span(4)
                return draft.replace(c, d, match.group(2), "contradicted").replace(
                    a, b, match.group(4), "contradicted"
                )
    return _names_swapped(draft, scene)


def _names_swapped(draft: Draft, scene: Scene) -> Draft | None:
    names = scene.pool.names_in(scene.tokens(draft), draft.text)
    pairs = [(a, b) for a in names for b in names if a.end < b.start]
    scene.rng.shuffle(pairs)
    for a, b in pairs:
        between = draft.text[a.end : b.start]
        alike = name_key(a.text, a.before)[:4] == name_key(b.text, b.before)[:4] and b.text != a.text
        listed = re.fullmatch(r"[\s,/&-]*(?:and|or|et|ou)?[\s,/(-]*(?:the |le |la )?", between)
        if alike and not listed and len(between) > 8 and draft.is_free(a.start, b.end):
            if begins_with_vowel(a.text, scene.language) == begins_with_vowel(b.text, scene.language):
                swapped = draft.replace(b.start, b.end, a.text, "contradicted")
                return swapped.replace(a.start, a.end, b.text, "contradicted")
    return None


def wrong_word(draft: Draft, scene: Scene) -> Draft | None:
    """A word becomes another word of its class from elsewhere."""
    tokens = scene.tokens(draft)
    places = [*zip(tokens, tokens[1:], tokens[2:], strict=False)]
    scene.rng.shuffle(places)
    synonyms = read_lexicon("synonyms", scene.language)
    for before, token, after in places:
        key = scene.pool.word_key(before, token, after)
        if not key or not draft.is_free(token.start, token.end):
            continue
        new = scene.rng.choice(scene.pool.words.get(key, [token.lower]))
        if new in scene.content or new[:5] == token.lower[:5] or new in synonyms.alternatives(token.lower):
            continue
        done = replace_words(draft, tokens, (token.start, token.end), new, scene.language, "unsupported")
        if done:
            return done
    return None


def added_word(draft: Draft, scene: Scene) -> Draft | None:
    """An adverb or an adjective that the evidence does not have."""
    tokens = scene.tokens(draft)
    places = [*zip(tokens, tokens[1:], tokens[2:], strict=False)]
    scene.rng.shuffle(places)
    for before, token, after in places:
        added = None
        if (
            scene.pool.word_key(before, token, after)
            and scene.language == "en"
            and before.lower in ("the", "their", "its", "your", "our")
        ):
            added = scene.rng.choice(_words("added_adjectives", scene.language))
            start = token.start
        elif (
            scene.language == "en"
            and token.lower in ("must", "can", "will", "is", "are", "should")
            and after.text[0].isalpha()
        ):
            if after.lower in ("the", "a", "an", "not", "it", "you", "they", "we", "also", "there"):
                continue
            added, start = scene.rng.choice(_words("added_adverbs", scene.language)), after.start
        elif scene.language == "fr" and before.lower in ("doit", "doivent", "peut", "peuvent", "est", "sont"):
            if before.lower in ("est", "sont") and not token.lower.endswith(("é", "és", "ée", "ées")):
                continue
            added, start = scene.rng.choice(_words("added_adverbs", scene.language)), token.start
        if added and added not in scene.text and draft.is_free(start, start) and draft.text[start - 1] == " ":
            return draft.replace(start, start, added + " ", None).marked(
                start, start + len(added), "unsupported"
            )
    return None


def _words(name_: str, language: str) -> list[str]:
    return [word for line in lines_of(name_, language) for word in line.split(", ")]


CORRUPTIONS: tuple[tuple[str, Edit, float], ...] = (  # kind, edit, how often it is tried
    ("number", number, 5.0),
    ("date", date, 5.0),
    ("unit", unit, 5.0),
    ("name", name, 3.0),
    ("negation_inserted", negation.insert, 1.5),
    ("negation_removed", negation.remove, 2.5),
    ("antonym", antonym, 2.5),
    ("comparison", comparison, 4.0),
    ("quantifier", quantifier, 2.0),
    ("roles_swapped", roles_swapped, 2.5),
    ("wrong_word", wrong_word, 1.8),
    ("added_word", added_word, 0.8),
)
"""All corruptions of one sentence."""
