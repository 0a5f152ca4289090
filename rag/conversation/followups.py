"""Does a question stand alone, or lean on the ones before it? By its words, in English and French.

The cues were chosen on conversations (``python benchmarks/followups.py``, table in docs/quality.md) and kept
few: a standalone question that is taken for a follow-up is searched with words that have nothing to do
with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag.text.alignment import Term, located_terms

_LONGEST_FRAGMENT = 2  # content words
_TOPIC_END = re.compile(r"[:,;]\s")
_NAME = re.compile(r"(?<=[^\W\d_A-Z] )[A-Z][\w.-]*|(?<=[,;:] )[A-Z][\w.-]*|\b[A-Z]{2,}\w*\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cues:
    """What gives a follow-up away in one language.

    Attributes:
        opening: at the question's start.
        pointing: anywhere before its own topic is named.
        pronouns: likewise, with no name and at most so many content words before them: what they mean is
            mostly named by the question itself when they stand further on.
        empty: phrases whose pronoun means nothing ("it is possible").
        asks: what a whole question has and a fragment hasn't.
        chatter: words that are polite or vague rather than what is asked about.
    """

    opening: re.Pattern[str]
    pointing: re.Pattern[str]
    pronouns: tuple[tuple[re.Pattern[str], int], ...]
    empty: re.Pattern[str]
    asks: re.Pattern[str]
    chatter: frozenset[str]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.VERBOSE)


_CUES: Mapping[str, _Cues] = {
    "en": _Cues(
        opening=_pattern(
            r"""^\W*(?:(?:and|but|or|so|then|also|that|no|yes|sorry|oops|i\ mean|i\ meant
            |i\ am\ (?:referring|talking)|what\ about|how\ about|what\ else|anything\ else|any\ others?
            |others?)\b|(?:(?:until|till|since|from|by|for)\ )?
            (?:why|how\ so|how\ come|how\ (?:long|often|many|much)|when|where|who|whom|which)
            (?:\ ones?)?\W*$)"""
        ),
        pointing=_pattern(
            r"""\b(?:this|these|ones)\b|\bthen\W*$|\bthe\ (?:next|other|others|former|latter)\W*$
            |\bthose\b(?!\s+\w+\s+(?:who|that))|\bthat\b(?=\s*(?:[?.!,;]|$))
            |(?<!is\ )(?<!are\ )(?<!was\ )(?<!were\ )
            \bthere\b(?!\s+(?:is|are|was|were|be|any|an?|some|other)\b)"""
        ),
        pronouns=(
            (_pattern(r"\b(?:it|they|them|he|him|she|theirs|hers)\b"), 2),
            (_pattern(r"\b(?:its|their|his|her)\b"), 0),
        ),
        empty=_pattern(
            r"""\bit\s+(?:takes?\s+(?:to|for)|possible|rains?|true|necessary|legal|worth|ok|okay)\b
            |\b(?:is|was|be)\s+it\s+(?:possible|true|necessary|legal|worth|ok|okay|common|mandatory|allowed|safe)\b"""
        ),
        asks=_pattern(
            r"""\b(?:what|who|whose|where|when|which|how|why)\b
            |^\W*(?:is|are|was|were|do|does|did|can|could|will|would|should|may|must|has|have)\b"""
        ),
        chatter=frozenset(
            """please pls thanks thank sorry tell know want give like need help ok okay yes no hello hi hey
            wonder explain mean meant say said interested more detail details info information question
            anything something thing things else also able provide get got see sure good great way make think
            really just much many some any lot let find referring understand confused clarify ask talking
            about still again other another too very am have couple only etc kind sort long often far
            old""".split()
        ),
    ),
    "fr": _Cues(
        opening=_pattern(
            r"""^\W*(?:(?:et|mais|ou|alors|donc|aussi|sinon|non|oui|pardon|désolée?|je\ (?:veux|voulais)\ dire
            |je\ parle|qu['’]en\ est-il|quoi\ d['’]autre|d['’]autres|lequel|laquelle|lesquel(?:le)?s)\b
            |c['’]est\b(?!\s+quoi)|(?:(?:jusqu['’](?:à\ )?|depuis\ |dès\ |à\ |pour\ |par\ |d['’])?
            (?:pourquoi|comment|combien|quand|où|qui))(?:\ de\ temps)?\W*$)"""
        ),
        pointing=_pattern(
            r"""(?<!est-)(?<!est\ )\bce(?:t|tte|s)?\b(?!-|\s+(?:qu|[ns]['’]))
            |\b(?:qui|comment|où|quand)\s+y\b(?!\s+a-t-)|\bl(?:e|a|es)\ (?:suivant|autre|précédent)e?s?\W*$
            |\b(?:comment|quand|où)\s+(?:l['’]|(?:le|la|les|en|y)\s)\s*\w+(?:er|ir|re)\b
            |\b(?:puis-je|peut-on|peux-tu|pouvez-vous|doit-on|dois-je|faut-il|peut|peux|doit|dois|de)\s+
            (?:l['’]|(?:le|la|les|lui|leur|en|y)\s)\s*\w+(?:er|ir|re)\b"""
        ),
        pronouns=(
            (_pattern(r"\b(?:ils?|elles?|eux|lui|ça|cela|celui|celle|ceux|celles)\b"), 1),
            (_pattern(r"\b(?:son|sa|ses|leurs?)\b"), 0),
        ),
        empty=_pattern(
            # "La CNIL peut-elle": the subject stands before the verb and is repeated behind it.
            r"""\by\s+a-t-il\b|\bfaut-il\b|\bil\s+(?:faut|y\s+a|est\s+(?:possible|obligatoire|nécessaire|interdit))
            |\best-il\s+(?:possible|obligatoire|nécessaire|interdit|permis|légal|utile|vrai)
            |\b(?:l['’]|(?:le|la|les|un|une|mon|ma|mes|notre|nos|votre|vos|des)\s).{0,80}-(?:ils?|elles?)\b"""
        ),
        asks=_pattern(
            r"""\b(?:que|qui|quoi|où|quand|quel(?:le)?s?|comment|pourquoi|combien)\b|\bqu['’]
            |^\W*(?:est-|puis-|peut|doit|faut|y\ a|a-t|sont)|-(?:je|tu|il|elle|on|nous|vous|ils|elles)\b"""
        ),
        chatter=frozenset(
            """svp merci bonjour salut dire savoir veux voudrais aimerais peux peut puis dois doit faut besoin
            aide oui non expliquer plus détails information informations question autre autres chose choses
            faire avoir donner ok bien très tout tous toutes encore aussi quoi là faites fait sont""".split()
        ),
    ),
}

LANGUAGES = frozenset(_CUES)
"""Languages whose follow-ups are recognised."""


def topic_words(text: str, language: str) -> list[Term]:
    """The words of ``text`` that say what it is about, in order."""
    chatter = _CUES[language].chatter
    return [
        term for term in located_terms(text, language) if text[term.start : term.end].lower() not in chatter
    ]


def leans_on_earlier(question: str, language: str) -> bool:
    """Whether ``question`` cannot be understood without the ones before it."""
    cues = _CUES[language]
    words = topic_words(question, language)
    if not words or cues.opening.search(question) or _is_fragment(question, words, cues):
        return True
    read = cues.empty.sub(lambda found: "_" * len(found.group()), question)[: _topic_end(question, words)]
    if cues.pointing.search(read):
        return True
    return any(
        _has_no_antecedent(question, [word for word in words if word.end <= found.start()], most)
        for pronouns, most in cues.pronouns
        for found in pronouns.finditer(read)
    )


def _is_fragment(question: str, words: list[Term], cues: _Cues) -> bool:
    is_short = len({word.text for word in words}) <= _LONGEST_FRAGMENT
    return is_short and not cues.asks.search(question) and not _NAME.search(question)


def _topic_end(question: str, words: list[Term]) -> int:
    """Where a topic put in front of the question ends ("Badges: who may read them?"), or its length."""
    end = _TOPIC_END.search(question)
    named = end is not None and any(word.end <= end.start() for word in words)
    return end.start() if end is not None and named else len(question)


def _has_no_antecedent(question: str, before: list[Term], most: int) -> bool:
    """Whether nothing before a pronoun can be what it means."""
    return len(before) <= most and not any(
        word.start > 0 and question[word.start].isupper() for word in before
    )
