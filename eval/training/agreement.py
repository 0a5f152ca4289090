"""Replacing words so that the article before them still fits: "a/an", "le/l'", "de/d'"."""

from __future__ import annotations

from eval.training.drafts import Draft, Token, with_case_of
from eval.training.examples import ClaimLabel

_VOWELS = "aeiouyhéèêëàâîïôœ"
_ELIDING = frozenset("le la l' de d' que qu' ne n' se s' je j' me m' te t' ce c' si au du à".split())
_SILENT_U = ("uni", "use", "usa", "uti", "eur", "one", "ub", "usu")
_MUTE_H = ("hour", "hono", "heir", "hones")


def begins_with_vowel(word: str, language: str) -> bool:
    """Whether an article before ``word`` takes the form for a vowel."""
    lower = word.lower()
    if language == "fr":
        return lower[:1] in _VOWELS
    if lower.startswith(_MUTE_H):
        return True
    return lower[:1] in "aeiou" and not lower.startswith(_SILENT_U)


def replace_words(
    draft: Draft,
    tokens: tuple[Token, ...],
    where: tuple[int, int],
    new: str,
    language: str,
    label: ClaimLabel | None = None,
) -> Draft | None:
    """``draft`` with ``new`` for the characters ``where``; ``None`` where no article fits."""
    start, end = where
    if not draft.is_free(start, end):
        return None
    old = draft.text[start:end]
    before = next((token for token in reversed(tokens) if token.end <= start), None)
    changes = begins_with_vowel(old, language) != begins_with_vowel(new, language)
    if language == "fr" and changes and before and before.lower in _ELIDING:
        return None
    if language == "fr":
        new, end = _elided(draft.text, old, new, end)
    replaced = draft.replace(start, end, with_case_of(new, old), label)
    if language == "en" and changes and before and before.lower in ("a", "an"):
        if not draft.is_free(before.start, before.end):
            return None
        article = "an" if begins_with_vowel(new, language) else "a"
        return replaced.replace(before.start, before.end, with_case_of(article, before.text))
    return replaced


_CONTRACTED = {"de les ": "des ", "de le ": "du ", "à les ": "aux ", "à le ": "au "}


def _elided(text: str, old: str, new: str, end: int) -> tuple[str, int]:
    """``new`` with "de" or "que" as the next word wants it, and how far the text is replaced."""
    for article, contracted in _CONTRACTED.items():
        if f"{new.rpartition(' ')[2]}{text[end:]}".startswith(article):
            return new.rpartition(" ")[0] + " " + contracted, end + len(article) - len(new.rpartition(" ")[2])
    is_elided = old.endswith(("'", "’"))
    following = text[end:].lstrip()
    is_vowel = begins_with_vowel(following, "fr") and following[:1].isalpha()
    if new.endswith(("'", "’")):
        return (new, end + len(text[end:]) - len(following)) if is_vowel else (new[:-1] + "e ", end)
    if is_vowel and new.endswith((" de", " que")) and not is_elided:
        return new[:-1] + "'", end + len(text[end:]) - len(following)
    if is_vowel and is_elided and new.endswith((" de", " que")):
        return new[:-1] + "'", end
    return (new + " ", end) if is_elided else (new, end)
