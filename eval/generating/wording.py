"""How questions are worded: one table for each language. French wordings need nobody's gender.

Names of headings, titles and cells stand in quotation marks, so that nothing has to agree with them: no
article, no elision, no capital letter to lose.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

_CAPITAL_NEXT = re.compile(r"[ -][A-ZÀ-ÖØ-Þ]")
_FIRST_WORD = re.compile(r"^(\w+)(['’]?)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """One language's ways to ask.

    Attributes:
        about: what a document says under a heading; ``{title}`` and ``{heading}`` are quoted.
        cell: a table's cell, by row and column.
        units: by pattern of a unit behind a figure, how one asks for such a figure under a heading.
        within: names the document behind a question that could be asked of several.
        small: words that lose their capital inside a question.
        leaning: words by which a sentence leans on another one.
    """

    quote: str
    about: str
    cell: str
    units: Mapping[str, str]
    within: str
    end: str
    small: frozenset[str]
    leaning: re.Pattern[str]

    def quoted(self, text: str) -> str:
        """``text`` in the language's quotation marks; marks inside it are left out."""
        return self.quote.format(re.sub(r"[\"“”«»]\s?", "", text).strip())

    def ask(self, question: str) -> str:
        """The question with a capital and its mark."""
        plain = " ".join(question.split()).rstrip(" ?.!:")
        return f"{plain[:1].upper()}{plain[1:]}{self.end}"

    def inside(self, phrase: str, small_words: Container[str]) -> str:
        """A phrase that began a sentence, as it stands inside one.

        Args:
            small_words: words that the documents write with a small letter elsewhere.
        """
        found = _FIRST_WORD.match(phrase)
        if found is None:
            return phrase
        word = found[1].lower()
        is_name = found[1][1:] != found[1][1:].lower() or _CAPITAL_NEXT.match(phrase, found.end()) is not None
        is_small = word in self.small or (not is_name and word in small_words)
        return word + phrase[len(found[1]) :] if is_small else phrase

    def leans(self, text: str) -> bool:
        """Whether ``text`` points to something that was said before it."""
        return self.leaning.search(text) is not None


WORDINGS: Mapping[str, Wording] = {
    "en": Wording(
        quote='"{}"',
        about="what does {title} say about {heading}",
        cell="in {heading}, what stands under {column} for {row}",
        units={
            r"%|per ?cent\b": "what percentage is given under {heading}",
            r"(?:working |business |calendar )?days?\b": "how many days are given under {heading}",
            r"weeks?\b": "how many weeks are given under {heading}",
            r"months?\b": "how many months are given under {heading}",
            r"years?\b": "how many years are given under {heading}",
            r"hours?\b": "how many hours are given under {heading}",
            r"minutes?\b": "how many minutes are given under {heading}",
            r"people\b|persons\b": "how many people are meant under {heading}",
            r"(?:GBP|EUR|CAD|USD|euros?|pounds?|dollars?)\b|€": "what amount is given under {heading}",
        },
        within="{question}, according to {title}",
        end="?",
        small=frozenset(
            "the a an our your all each every any some no both most many few if when once".split()
        ),
        leaning=re.compile(
            r"\b(?:it|they|he|she|this|that|these|those|them|its|their|such|latter|former|above|below|"
            r"following|here|there|his|her|also|then|however|therefore|we|our|us|i|my|other|others|same)\b",
            re.IGNORECASE,
        ),
    ),
    "fr": Wording(
        quote="« {} »",
        about="que dit {title} sur {heading}",
        cell="dans {heading}, que lit-on pour {row} dans la colonne {column}",
        units={
            r"%|pour ?cent\b": "quel pourcentage lit-on sous {heading}",
            r"jours?\b": "combien de jours lit-on sous {heading}",
            r"semaines?\b": "combien de semaines lit-on sous {heading}",
            r"mois\b": "combien de mois lit-on sous {heading}",
            r"ans?\b|années?\b": "combien d'années lit-on sous {heading}",
            r"heures?\b": "combien d'heures lit-on sous {heading}",
            r"minutes?\b": "combien de minutes lit-on sous {heading}",
            r"personnes?\b": "de combien de personnes est-il question sous {heading}",
            r"(?:euros?|dollars?|EUR|CAD|livres)\b|€|\$": "quel montant lit-on sous {heading}",
        },
        within="{question}, d'après {title}",
        end=" ?",
        small=frozenset(
            """le la les l un une des du de d tout toute tous toutes chaque aucun aucune certains certaines
            plusieurs au aux si s lorsque lorsqu quand en avant après dès pour votre""".split()
        ),
        leaning=re.compile(
            r"\b(?:ils?|elles?|celui|celle|ceux|celles|ce|cet|cette|ces|cela|ça|leurs?|son|sa|ses|lui|dernier|"
            r"dernière|derniers|dernières|ci-dessus|ci-dessous|suivante?s?|précédente?s?|autres?|même|y|eux|nous|"
            r"notre|nos|je|ainsi|donc|également|aussi|alors)\b|\bc['’]",
            re.IGNORECASE,
        ),
    ),
}
