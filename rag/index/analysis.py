"""How text becomes keyword terms: one analyzer per language, accents folded alike on both sides.

Terms are runs of letters or of digits (``FY2018`` is two), lower-cased, folded to ASCII, stripped of function
words and stemmed (English, French). Folding comes before stemming so that a question typed without accents
gives the same terms. Identifiers such as ``SEC-014`` or ``RGPD-2016/679`` are also kept whole, in a field of
their own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

VERSION = "fold-stem-2"
IDENTIFIER = "identifier"
OTHER = "other"
STEMMED = {"en": "english", "fr": "french"}
"""Languages with a stemmer of their own; texts in any other language are analysed as ``other``."""

_TERM_PATTERN = r"[\p{Alphabetic}\p{M}]+|\p{N}+"
_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_IDENTIFIER_PATTERN = r"[\p{L}\p{N}]+(?:[-/._:][\p{L}\p{N}]+)+|\p{L}*\p{N}[\p{L}\p{N}]*"
_LONGEST_TERM = 60
_STOP_WORDS = {
    "en": """
        a an and are as at be been but by can could did do does for from had has have he her his
        how i if in into is it its me my no not of on or our she should so such than that the
        their them then there these they this those to was we were what when where which who
        whom why will with would you your s t
    """,
    "fr": """
        a ai au aux avec c ce ces cet cette comment d dans de des du elle elles en est et
        etaient etait ete etre eu il ils j je l la le les leur leurs lui m ma mais me mes mon n
        ne nos notre nous on ont ou par pas pour pourquoi qu quand que quel quelle quelles quels
        qui quoi s sa sans se ses si son sont sur t ta te tes ton tu un une vos votre vous y
    """,
}


@lru_cache(maxsize=1)
def analyzers() -> dict[str, TextAnalyzer]:
    """Analyzer by name: the stemmed languages, ``other`` and ``identifier``."""
    built = {language: _stemming(language) for language in STEMMED}
    built[OTHER] = _folding(Tokenizer.regex(_TERM_PATTERN)).build()
    built[IDENTIFIER] = _folding(Tokenizer.regex(_IDENTIFIER_PATTERN)).build()
    return built


def _folding(tokenizer: Tokenizer) -> TextAnalyzerBuilder:
    builder = TextAnalyzerBuilder(tokenizer).filter(Filter.remove_long(_LONGEST_TERM))
    return builder.filter(Filter.lowercase()).filter(Filter.ascii_fold())


def _stemming(language: str) -> TextAnalyzer:
    builder = _folding(Tokenizer.regex(_TERM_PATTERN)).filter(
        Filter.custom_stopword(_STOP_WORDS[language].split())
    )
    return builder.filter(Filter.stemmer(STEMMED[language])).build()


def terms(text: str, language: str) -> list[str]:
    """Terms of ``text`` under the analyzer of ``language`` (``other`` where it has none of its own)."""
    return list(analyzers().get(language, analyzers()[OTHER]).analyze(text))


def field_for(language: str) -> str:
    """Name of the analyzer, and of the index field, that texts in ``language`` go to."""
    return language if language in STEMMED else OTHER


def folded(text: str) -> str:
    """``text`` in lower case and without accents, about as the analyzers fold it; other scripts stay."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return parts if parts.isascii() else _ACCENTS.sub("", parts)


def content_words(text: str, language: str) -> list[str]:
    """The words of ``text`` as written, each once, without the function words of ``language``."""
    analyzer = analyzers()[field_for(language)]
    return [word for word in dict.fromkeys(_WORD.findall(text)) if analyzer.analyze(word)]
