"""Which sentences of an answer assert something that evidence could carry."""

from __future__ import annotations

import re

from rag.alignment import content_terms

_COURTESY = re.compile(
    r"^\W*(hello|hi|dear|thank(s| you)|you'?re welcome|i hope (this|that|it) helps|let me know|feel free|"
    r"sure\b|certainly\b|of course|bonjour|merci|cordialement|j'espère que|n'hésitez pas|bien sûr|"
    r"(here|below) (is|are)\b.*:$|voici\b.*:$)",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(r":\s*$")
_SHORT_ANNOUNCEMENT = 6


def is_checkable(sentence: str, language: str) -> bool:
    """Whether ``sentence`` asserts something.

    Questions, greetings, offers of help, and short headings that only announce a list don't.
    """
    stripped = sentence.strip()
    if stripped.endswith("?") or _COURTESY.match(stripped):
        return False
    terms = content_terms(stripped, language)
    announces = _ANNOUNCES.search(stripped) is not None and len(stripped.split()) <= _SHORT_ANNOUNCEMENT
    return bool(terms) and not announces
