"""Negation put into a claim, or taken out of it."""

from __future__ import annotations

import re
from functools import lru_cache

from eval.training.drafts import Draft, Token, capitalised
from eval.training.inflection import english_verb
from eval.training.lexicon import lines_of
from eval.training.scene import Scene

_AUXILIARIES = frozenset("is are was were can could will would should must has have had may".split())
_AUXILIARIES_FR = frozenset(
    "est sont était étaient peut peuvent pourra pourront doit doivent devra devront sera seront permet "
    "permettent faut constitue constituent concerne concernent garantit comprend nécessite prévoit prend va "
    "vont dispose disposent repose implique contient contiennent fournit bénéficie figure reste restent "
    "dépend".split()
)
_NO_SUBJECT = frozenset("the a an of and or to in for on".split())
_AFTER_VERB = frozenset("the a an their to that".split())
_AFTER_ORDER = frozenset("the a an your any all".split())
_CLITICS = frozenset("ne n' se s' le la l' les lui leur y en me m' te t' nous vous qu' c' et".split())
_HAS_NEGATION = {
    "en": re.compile(
        r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|without|only|but)\b|n['’]t\b", re.I
    ),
    "fr": re.compile(
        r"\b(?:ne|pas|jamais|aucune?|rien|personne|ni|sans|non|seul\w*|uniquement)\b|\bn['’]", re.I
    ),
}
_NEGATED_EN = re.compile(
    r"\b(do not|don['’]t|does not|doesn['’]t|did not|didn['’]t|cannot|can['’]t|"
    r"(is|are|was|were|can|could|will|would|should|must|may|has|have|had)(?: not|n['’]t)|no longer|never)"
    r" (?!only\b|necessarily\b|just\b|yet\b|always\b)(\w+)",
    re.I,
)
_NEGATED_FR = re.compile(
    r"\b(ne |n['’])([\w-]+) (pas|plus|jamais)\b(?! (?:seulement|uniquement|nécessairement|toujours))", re.I
)
_IMPERATIVE_FR = re.compile(r"^([A-ZÉ][\w]+ez)(?= [a-zéàôê])")


def insert(draft: Draft, scene: Scene) -> Draft | None:
    """A statement denied: "must" becomes "must not", "Use" becomes "Do not use"."""
    if _HAS_NEGATION[scene.language].search(draft.text):
        return None
    return _insert_en(draft, scene) if scene.language == "en" else _insert_fr(draft, scene)


def _insert_en(draft: Draft, scene: Scene) -> Draft | None:
    tokens = scene.tokens(draft)
    bases = _verb_bases()
    for index, token in enumerate(tokens[:-1]):
        after = tokens[index + 1]
        if not draft.is_free(token.start, token.end):
            continue
        if token.lower in _AUXILIARIES and index and after.text[0].isalpha() and _is_auxiliary(token, after):
            new = "cannot" if token.lower == "can" else f"{token.text} not"
            return draft.replace(token.start, token.end, new, "contradicted")
        third = bases.get(token.lower)
        if third and index and _is_main_verb(tokens[index - 1], after):
            return draft.replace(token.start, token.end, f"does not {third}", "contradicted")
        if not index and token.lower in bases.values() and after.lower in _AFTER_ORDER:
            return draft.replace(0, token.end, f"Do not {token.lower}", "contradicted")
    return None


def _is_main_verb(before: Token, after: Token) -> bool:
    """Whether a form in -s is a verb, by its neighbours."""
    return before.text[0].isalpha() and before.lower not in _NO_SUBJECT and after.lower in _AFTER_VERB


def _is_auxiliary(token: Token, after: Token) -> bool:
    """For "have" and "has" only before a participle: "have not a card" is nobody's English."""
    if after.lower in ("i", "you", "he", "she", "it", "we", "they", "there", "this", "these", "that"):
        return False
    return token.lower not in ("have", "has", "had") or after.lower.endswith(("ed", "been", "en", "wn"))


@lru_cache(maxsize=1)
def _verb_bases() -> dict[str, str]:
    """Third person to base form, of all verbs in the lexicons."""
    found: dict[str, str] = {}
    ambiguous = {word for line in lines_of("noun_verbs", "en") for word in line.split()}
    for name in ("synonyms", "antonyms"):
        for line in lines_of(name, "en"):
            if line.startswith("v:"):
                for verb in re.split("[=~>]", line[2:]):
                    base, third, *_ = english_verb(verb.strip())
                    if " " not in base and third not in ambiguous:
                        found[third] = base
    return found


def _insert_fr(draft: Draft, scene: Scene) -> Draft | None:
    match = _IMPERATIVE_FR.match(draft.text)
    never = scene.rng.choice(("pas", "pas", "pas", "jamais"))
    if match and draft.is_free(*match.span()) and match.group().lower() not in ("chez", "assez", "avez"):
        verb = match.group().lower()
        denied = f"{'N’' if verb[0] in 'aeiouéèêhœ' else 'Ne '}{verb} {never}"
        return draft.replace(*match.span(), denied, "contradicted")
    tokens = scene.tokens(draft)
    for index, token in enumerate(tokens[:-1]):
        if token.lower not in _AUXILIARIES_FR or not index or not draft.is_free(token.start, token.end):
            continue
        before, after = tokens[index - 1], tokens[index + 1]
        if (
            before.lower in _CLITICS
            or not before.text[0].isalpha()
            or after.text[:1] in "-'"
            or after.text.startswith("t-")
        ):
            continue
        glue = "n'" if token.lower[0] in "aeiouéèêh" else "ne "
        if before.lower in ("ce", "c'"):
            continue
        return draft.replace(token.start, token.end, f"{glue}{token.text} {never}", "contradicted")
    return None


def remove(draft: Draft, scene: Scene) -> Draft | None:
    """A denial becomes a statement: "must not" becomes "must"."""
    if scene.language == "fr":
        return _remove_fr(draft)
    match = _NEGATED_EN.search(draft.text)
    if not match or not draft.is_free(match.start(), match.end()):
        return None
    negated, following = match.group(1).lower().replace("’", "'"), match.group(3)
    auxiliary = (match.group(2) or "").lower()
    if negated == "never":
        kept, end = "always", match.end(1)
    elif negated == "no longer":
        kept, end = "still", match.end(1)
    elif negated in ("cannot", "can't"):
        kept, end = "can", match.end(1)
    elif auxiliary:
        kept, end = auxiliary, match.end(1)
    elif following in ("be", "have", "so") or negated.startswith("did"):
        return None
    else:
        kept, end = english_verb(following)[1 if negated.startswith("does") else 0], match.end(3)
    is_first = match.group(1)[0].isupper()
    return draft.replace(match.start(), end, capitalised(kept) if is_first else kept, "contradicted")


def _remove_fr(draft: Draft) -> Draft | None:
    match = _NEGATED_FR.search(draft.text)
    if not match or not draft.is_free(*match.span()):
        return None
    verb = match.group(2)
    if verb.lower() in _CLITICS or draft.text[: match.start()].lower().endswith(
        ("ce ", "rien ", "personne ")
    ):
        return None
    return draft.replace(
        *match.span(), capitalised(verb) if match.group()[0].isupper() else verb, "contradicted"
    )
