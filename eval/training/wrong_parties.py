"""Corruptions of who and where: a name for another, two parties exchanged."""

from __future__ import annotations

import re

from eval.training.agreement import begins_with_vowel, replace_words
from eval.training.drafts import Draft, capitalised
from eval.training.figures_written import MONTHS
from eval.training.scene import Scene
from eval.training.sentences_pool import Name, name_key
from eval.training.wrong_figures import WEEKDAYS

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
_LISTED = re.compile(r"[\s,/&-]*(?:and|or|et|ou)?[\s,/(-]*(?:the |le |la )?")


def name(draft: Draft, scene: Scene) -> Draft | None:
    """A name becomes another name, of the evidence if it has one that is used alike."""
    names = scene.pool.names_in(scene.tokens(draft), draft.text)
    scene.rng.shuffle(names)
    dates = MONTHS[scene.language] + WEEKDAYS[scene.language]
    for old in names:
        if old.text in dates or not draft.is_free(old.start, old.end):
            continue
        options = [
            new for new in _like(old, scene) if new not in dates and _is_other(new, old.text, draft.text)
        ]
        if options:
            where = (old.start, old.end)
            new = scene.rng.choice(options)
            return replace_words(draft, scene.tokens(draft), where, new, scene.language, "contradicted")
    return None


def _like(old: Name, scene: Scene) -> list[str]:
    """Names of the evidence that are used as ``old`` is; else, and now and then, one from elsewhere."""
    key = name_key(old.text, old.before)
    near = [new.text for new in scene.names if name_key(new.text, new.before) == key]
    far = scene.pool.names.get(key, [])
    near = [new for new in near if new != old.text]
    if near and (not far or scene.rng.random() > 0.2):
        return near
    return [scene.rng.choice(far)] if far else []


def _is_other(new: str, old: str, text: str) -> bool:
    """Neither in the claim, nor sharing a word, nor the initials of the other."""
    if new in text or {w.lower() for w in new.split()} & {w.lower() for w in old.split()}:
        return False
    initials = ["".join(word[0] for word in n.split()).lower() for n in (new, old)]
    stems = [n.lower().rstrip("s")[:5] for n in (new, old)]
    return new.lower() != initials[1] and old.lower() != initials[0] and stems[0] != stems[1]


def roles_swapped(draft: Draft, scene: Scene) -> Draft | None:
    """Two parties, or two ends of a range or a way, exchanged."""
    match = _PASSIVE.match(draft.text) if scene.language == "en" and not draft.spans else None
    if match:
        first, verb, second = match.groups()
        first = scene.without_capital(first)
        text = f"{capitalised(second)} {verb} {first}."
        swapped = Draft(text).marked(0, len(second), "contradicted")
        return swapped.marked(len(text) - 1 - len(first), len(text) - 1, "contradicted")
    match = _EXCHANGED[scene.language].search(draft.text)
    if match and draft.is_free(*match.span()) and _is_directed(*match.group(1, 2, 4)):
        (a, b), (c, d) = match.span(2), match.span(4)
        swapped = draft.replace(c, d, match.group(2), "contradicted")
        return swapped.replace(a, b, match.group(4), "contradicted")
    return _names_swapped(draft, scene)


def _is_directed(word: str, start: str, end: str) -> bool:
    """Whether "from A to B" says something else than "from B to A": A and B both names or both figures."""
    alike = start[0].isupper() == end[0].isupper() and (start[0].isupper() or start[0].isdigit())
    return word.lower() not in ("between", "entre") and start.lower() != end.lower() and alike


def _names_swapped(draft: Draft, scene: Scene) -> Draft | None:
    names = scene.pool.names_in(scene.tokens(draft), draft.text)
    pairs = [(a, b) for a in names for b in names if a.end < b.start and a.text != b.text]
    scene.rng.shuffle(pairs)
    for a, b in pairs:
        between = draft.text[a.end : b.start]
        is_alike = name_key(a.text, a.before)[:4] == name_key(b.text, b.before)[:4]
        fits = begins_with_vowel(a.text, scene.language) == begins_with_vowel(b.text, scene.language)
        apart = len(between) > 8 and not _LISTED.fullmatch(between)
        if is_alike and fits and apart and draft.is_free(a.start, b.end):
            swapped = draft.replace(b.start, b.end, a.text, "contradicted")
            return swapped.replace(a.start, a.end, b.text, "contradicted")
    return None
