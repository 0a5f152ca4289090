"""Whether a clause denies, in English and French."""

from __future__ import annotations

import re
from functools import lru_cache

from rag.text.alignment import content_terms

_NO_DENIAL = re.compile(
    r"\bnot only\b|\bno later than\b|\b(?:no|not) (?:more|less|fewer|earlier) than\b|\bno\.\s*\d|"
    r"\bnot to mention\b|"
    r"\bno doubt\b|\bwhether or not\b|^\W*no\b[,.!]|^\W*non\b[,.!]|\bnon seulement\b|\bpas seulement\b|"
    r"\bn'importe\b|\bpas plus (?:de|d'|tard)|\bsans doute\b|\bsi ce n'est\b|\bnot just\b|"
    r"\bwithout (?:delay|fail)\b|(?:\bnot|n't|\bcannot) exceed\b|"
    r"\bne (?:\w+ )?(?:pas )?(?:dépasser|excéder)|\b(?:ne |n')(?:dépass|excèd)\w+ pas\b|"
    r"\bsans (?:délai|faute)\b|\bne\b(?:(?!\bpas\b|\bplus\b|\bjamais\b)[^.,;]){0,40}\bque?\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|nowhere)\b|n't\b|(?<=\w )(?:without|sans)\b|"
    r"\b(?:ne|n')\s?(?=[^.;]{1,40}\b(?:pas|jamais|rien|guère|point|plus|aucune?|personne|ni)\b)|"
    r"\b(?:aucune?|nul(?:le)?|jamais|non)\b|(?<=\w )pas\b",
    re.IGNORECASE,
)
_WORDS = (
    "not no never none nobody nothing neither nor without cannot nowhere "
    "ne pas jamais rien guère aucun aucune nul nulle sans non ni"
)
_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "mis", "dé")


def denies(clause: str) -> bool:
    """Whether ``clause`` says that something is not so; "not only" and "no later than" do not."""
    plain = clause.replace("’", "'")
    return _DENIAL.search(_NO_DENIAL.sub(" ", plain)) is not None


@lru_cache(maxsize=8)
def denial_terms(language: str) -> frozenset[str]:
    """The terms that only deny, so that a statement and its denial have the others in common."""
    return content_terms(_WORDS, language)


def opposite(one: str, other: str) -> bool:
    """Whether one word is the other with a prefix that denies it: available and unavailable."""
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return len(shorter) > 3 and longer.endswith(shorter) and longer.removesuffix(shorter) in _PREFIXES
