"""Sentence boundaries with offsets, for English and French prose, lists and table rows.

Rule-based on purpose: it must give the same spans when an answer is cited, checked and shown, on any
machine, without a model.
"""

from __future__ import annotations

import re

# Abbreviations after which a full stop does not end a sentence (lower case, without the stop).
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof sr jr st vs etc inc ltd co corp dept est approx no nos vol fig figs sec secs ch chap pp
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun
    e.g i.e cf al ca viz a.m p.m u.s u.k
    m mme mlle mm mmes art al env ex tél tel réf ref janv févr avr juil déc p n boul av c.-à-d
    """.split()
)
_OPENERS = "\"'“‘«([–—-*•"
_CLOSERS = "\"'”’»)]"
_TERMINATOR = re.compile(r"[.!?…]+[\"'”’)\]]*(?:[ \u00a0\u202f]?»)?(?:[^\S\n]*\[[\d ,;]+\])*(?=\s|$)|\n+")
_LAST_WORD = re.compile(r"[\w.\-']+$")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of ``text``, in order, without surrounding white space.

    A line break ends a sentence (stored text has one line per paragraph, list item or table row). A full
    stop does not after an abbreviation, an initial, a list number, or before a lower-case letter. Trailing
    citation markers such as ``[2]`` belong to the sentence they follow.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _TERMINATOR.finditer(text):
        if "\n" not in match.group() and not _ends_sentence(text, start, match):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    rest = text[match.end() :].lstrip()[:2].lstrip(_OPENERS + " ")
    if match.group()[0] != "." or match.group().startswith(".."):
        return not rest[:1].islower()
    if rest[:1].islower():
        return False
    word = _LAST_WORD.search(text[start : match.start()])
    if word is None:
        return True
    last = word.group().lower().strip("'")
    if last in _ABBREVIATIONS:
        return False
    if len(last) == 1 and last.isalpha():  # an initial, as in "J. Doe"
        return False
    head = text[start : match.start()].strip()
    return not (last.isdigit() and head == last)  # a list number, as in "1. Open"
