"""Which sentences of an answer assert something that evidence could carry."""

from __future__ import annotations

import re

from rag.grounding.about_documents import speaks_of_the_documents
from rag.grounding.clauses import claims_of
from rag.text.alignment import content_terms

__all__ = ["claims_of", "is_checkable"]

# Only sentences that are courtesy from end to end: "Sure, you have 40 days." asserts something.
_COURTESY = re.compile(
    r"\W*((hello|hi|dear|bonjour|bonsoir)(\W+[^\W\d]+){0,3}|"
    r"(many )?thank(s| you)( (very|so) much)?( for (asking|your question))?|"
    r"merci( beaucoup)?( (pour|de) votre question)?|you['’]?re welcome|"
    r"(i hope|j['’]espère que)\b[^.\d]{0,40}\b(helps?|aide\w*)|"
    r"(please )?(let me know|feel free|n['’]hésitez pas)\b[^\d]*|"
    r"(if you (have|need|want)|si vous (avez|souhaitez))\b[^\d]*"
    r"\b(let me know|feel free|n['’]hésitez pas)\b[^\d]*|"
    r"yes|no|oui|non|i see|(i['’]m |i am |je suis )?(very )?(sorry|désolée?)|good question|bonne question|"
    r"sure|certainly|of course|bien sûr|cordialement|((here|below) (is|are)|here['’]s)\b[^\d]*:|"
    r"voici\b[^\d]*:)\W*",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(r":\W*$")
_SHORT_ANNOUNCEMENT = 6
_LEAD_IN = re.compile(
    r"\W*(?:based on|according to|from|in|as per|per|the following|to summari[sz]e|in (?:summary|"
    r"short|conclusion)|"
    r"selon|d['’]après|sur la base|dans|voici|les? suivante?s?|pour résumer|en (?:résumé|bref|"
    r"conclusion))\b[^\d]*:\W*",
    re.IGNORECASE,
)
_HERE_FOLLOWS = re.compile(
    r"\W*(?:sure\W+)?(?:(?:here|below)(?:['’]s| is| are)|voici)\b[^.!]*"
    r"\b(?:words?|overview|summary|list|answer|steps|comparison|mots|résumé|aperçu|liste|étapes|"
    r"réponse)\b.*:\W*",
    re.IGNORECASE,
)
_LONGEST_LEAD_IN = 14
_HEADING = re.compile(r"\s*(?:#{1,6}\s[^\n\d]*|(?:\*\*|__)[^*_\d]+(?:\*\*|__)\s*:?\s*|={3,}.*|-{3,}.*)\Z")
_SOURCES = re.compile(
    r"\W*(?:sources?|references?|références?|citations?)\s*:\s*[\[(\d].*", re.IGNORECASE | re.DOTALL
)
_HEDGE_ALONE = re.compile(
    r"\W*(?:(?:it|that) depends|(?:this|it|results) may vary|(?:cela|ça) dépend|cela peut varier)\W*",
    re.IGNORECASE,
)
_NOTHING = (_COURTESY, _HEADING, _SOURCES, _HEDGE_ALONE, _HERE_FOLLOWS)
"""What a sentence is from end to end when it asserts nothing."""


def is_checkable(sentence: str, language: str) -> bool:
    """Whether ``sentence`` asserts something about the world that evidence could carry.

    Questions, greetings, offers of help, headings, lead-ins that only announce a list, and statements about
    the documents themselves ("the passages do not mention …") don't. A sentence does as soon as one of its
    claims does: "I found no price, but leave is 25 days" is checked.
    """
    stripped = sentence.strip()
    if stripped.endswith("?") or any(pattern.fullmatch(stripped) for pattern in _NOTHING):
        return False
    if _only_announces(stripped) or not content_terms(stripped, language):
        return False
    claims = [stripped[start:end] for start, end in claims_of(stripped, language)]
    return not all(speaks_of_the_documents(claim) or _COURTESY.fullmatch(claim) for claim in claims)


def _only_announces(sentence: str) -> bool:
    if not _ANNOUNCES.search(sentence) or any(character.isdigit() for character in sentence):
        return False
    words = len(sentence.split())
    return words <= _SHORT_ANNOUNCEMENT or (
        words <= _LONGEST_LEAD_IN and _LEAD_IN.fullmatch(sentence) is not None
    )
