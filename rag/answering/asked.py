"""What kind of thing a question asks for: a statement without any of that kind hardly answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty "
    "hundred thousand million billion half once twice double first second third no none "
    "un une deux trois quatre cinq sept huit neuf dix onze douze quinze vingt trente quarante cinquante cent "
    "mille moitié aucun aucune"
)
_UNITS = (
    "day week month year hour minute second quarter decade century centuries daily weekly monthly quarterly "
    "yearly annual annually "
    "jour semaine mois an année heure minute trimestre semestre siècle quotidien hebdomadaire mensuel annuel"
)
_DATES = (
    "jan feb mar apr may june? july? aug sep oct nov dec janv févr mars avr mai juin juil août déc "
    "monday tuesday wednesday thursday friday saturday sunday lundi mardi mercredi jeudi vendredi samedi "
    "dimanche noon midnight midi minuit"
)
_ROLES = (
    "manager lead director officer desk team service head department president king queen chair group by "
    "responsable directeur directrice chef équipe"
)

_LETTERS = r"[^\W\d_]*"


def _words(words: str, ending: str = "") -> str:
    return rf"\b(?:{'|'.join(words.split())}){ending}\b"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """A kind of answer: how questions ask for it, and what its statements hold."""

    asked: re.Pattern[str]
    held: re.Pattern[str]


_FIGURE = _Kind(
    asked=re.compile(
        r"\bhow (?:many|much|long|often|old|far|high|big|fast|quickly|soon|deep|tall|large|short|late|early|"
        r"wide|heavy)\b|"
        r"\bwhat (?:percent|number|amount|size|temperature|age|price|cost|rate|level|share|limit|"
        r"is the (?:most|least|maximum|minimum|limit|rate|price|cost|number))|"
        r"\b(?:phone number|extension|limit|combien|plafond)\b|"
        r"\bquel(?:le)?s? (?:est |était )?(?:la |le |l')?(?:montant|somme|part|taille|taux|prix|durée|nombre|"
        r"température|âge|délai|pourcentage)",
        re.IGNORECASE,
    ),
    held=re.compile(rf"\d|{_words(_NUMBER_WORDS)}", re.IGNORECASE),
)
_TIME = _Kind(
    asked=re.compile(
        r"\bwhen\b|\bwhat (?:date|day|year|time|month|century|decade)|"
        r"\bwhich (?:day|weekday|year|month|date|days|century)|\b(?:until|deadline|quand|jusqu)\b|"
        r"\bquel(?:le)?s? (?:jour|date|heure|année|mois)|\bhow (?:long|often|soon|quickly|fast)\b|"
        r"\btous les combien\b|\bcombien de temps\b",
        re.IGNORECASE,
    ),
    held=re.compile(
        rf"{_words(_DATES, _LETTERS)}|{_words(_UNITS, 's?')}|\b\d{{1,2}}[:h]\s?\d\d|\b(?:1\d|20)\d\d\b|"
        r"\b\d(?:st|nd|rd|th|er|h)\b",
        re.IGNORECASE,
    ),
)
_PERSON = _Kind(
    asked=re.compile(
        r"\b(?:who|whom|whose|qui)\b|\bwhich (?:person|team|people|company|country|city|player)\b",
        re.IGNORECASE,
    ),
    held=re.compile(rf"(?<=[\w,;:’'] )[A-ZÀ-Þ][\w'’-]+|{_words(_ROLES)}"),
)


def wanted_kind(question: str) -> re.Pattern[str] | None:
    """What a statement that answers ``question`` holds, as a pattern; ``None`` if that can't be told."""
    if _TIME.asked.search(question):
        return _TIME.held
    if _FIGURE.asked.search(question):
        return _FIGURE.held
    if _PERSON.asked.search(question):
        return _PERSON.held
    return None
