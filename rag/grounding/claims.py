"""Which sentences of an answer assert something that evidence could carry."""

from __future__ import annotations

import re

from rag.text.alignment import content_terms

# Only sentences that are courtesy from end to end: "Sure, you have 40 days." asserts something.
_COURTESY = re.compile(
    r"\W*((hello|hi|dear|bonjour|bonsoir)(\W+[^\W\d]+){0,3}|"
    r"(many )?thank(s| you)( (very|so) much)?( for (asking|your question))?|"
    r"merci( beaucoup)?( (pour|de) votre question)?|you['’]?re welcome|"
    r"(i hope|j['’]espère que)\b[^.\d]{0,40}\b(helps?|aide\w*)|"
    r"(please )?(let me know|feel free|n['’]hésitez pas)\b[^\d]*|"
    r"sure|certainly|of course|bien sûr|cordialement|(here|below) (is|are)\b[^\d]*:|voici\b[^\d]*:)\W*",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(r":\s*$")
_SHORT_ANNOUNCEMENT = 6


def is_checkable(sentence: str, language: str) -> bool:
    """Whether ``sentence`` asserts something.

    Questions, greetings, offers of help, and short headings that only announce a list don't.
    """
    stripped = sentence.strip()
    if stripped.endswith("?") or _COURTESY.fullmatch(stripped):
        return False
    terms = content_terms(stripped, language)
    announces = _ANNOUNCES.search(stripped) is not None and len(stripped.split()) <= _SHORT_ANNOUNCEMENT
    return bool(terms) and not announces
