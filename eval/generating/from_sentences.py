"""Questions from sentences of simple build (:mod:`eval.generating.builds`)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping

from eval.generating.builds import BUILDS, Build
from eval.generating.candidates import Candidate, Kind
from eval.generating.documents import SourceDocument
from eval.generating.from_structure import plain_sentences, usable_quote
from eval.generating.wording import Wording

_SHORT_QUESTION = 9  # words; a shorter question is told of which document it is asked
_LONGEST_QUESTION = 28
_GOES_ON = re.compile(  # the comma before was one of a list, not the end of the clause
    r"(?:and|or|but|whether|unless|without|nor|of|whatever|even|such|who|which|where|in|on|at|by|for|from|to|with|de|d['’]|du|des|une?|"
    r"et|ou|si|sans|ni|puis|mais|lorsque|quand|avec|dans|pour|à|en|par|selon|sur)\b|"
    r"(?:[\w'’-]+,? ){1,4}(?:or|and|ou|et) [^,]*,"
)
_NEXT_CLAUSE = re.compile(
    r" ?; | and (?=(?:is|are|must|may|can|has)\b)| et (?=(?:est|sont|compte|doit|peut|se)\b)"
)
_DEFINITE = re.compile(r"(?:the |l[ea] |l['’])(?!\S+ )", re.IGNORECASE)
_IMPERSONAL = re.compile(r"^S['’]il (?:reste|y a|faut|s['’]agit|existe|manque)\b")
_THEN = re.compile(r"^(?:then|alors) ")
_CUT = re.compile(r" (?:and|or|et|ou)$")
_VOWEL_NEXT = re.compile(r"\bque (?=une?\b|il|elle|on\b|[aeiouyâàéèêëîïôœùû])")


def from_sentences(
    document: SourceDocument, wording: Wording, small_words: Container[str]
) -> Iterator[Candidate]:
    """At most one question a sentence, by the first build that makes a good one.

    Args:
        small_words: words that the collection writes with a small letter.
    """
    for section in document.sections:
        for block in section.blocks:
            for sentence in plain_sentences(block):
                found = _asked(sentence, document, wording, small_words)
                if found is not None and usable_quote(document, sentence):
                    yield found


def _asked(
    sentence: str, document: SourceDocument, wording: Wording, small_words: Container[str]
) -> Candidate | None:
    for build in BUILDS[document.language]:
        found = build.pattern.match(sentence)
        if found is None:
            continue
        parts = {name: part.strip() for name, part in found.groupdict().items()}
        if not _is_clear(build, parts, wording):
            continue
        if build.begins is not None:
            parts[build.begins] = wording.inside(parts[build.begins], small_words)
        question = _VOWEL_NEXT.sub("qu'", build.question.format(**parts))
        words = len(question.split())
        if words > _LONGEST_QUESTION:
            continue
        if words < _SHORT_QUESTION and document.title:
            question = wording.within.format(question=question, title=wording.quoted(document.title))
        return Candidate(
            kind=build.kind,
            language=document.language,
            question=wording.ask(question),
            document=document.address,
            quote=sentence,
            answer=_THEN.sub("", _NEXT_CLAUSE.split(parts["answer"])[0]).rstrip(" .,"),
        )
    return None


def _is_clear(build: Build, parts: Mapping[str, str], wording: Wording) -> bool:
    """Whether the question points to nothing outside of it, and no clause was cut in two."""
    if any(wording.leans(_IMPERSONAL.sub("", part)) for name, part in parts.items() if name != "answer"):
        return False
    if any(part.count("(") != part.count(")") for part in parts.values()) or _CUT.search(parts["answer"]):
        return False
    if build.kind is Kind.DEFINITION and _DEFINITE.match(parts["np"]):
        return False  # "the signal" is that of its paragraph
    return build.kind is not Kind.CONDITION or _GOES_ON.match(parts["answer"]) is None
