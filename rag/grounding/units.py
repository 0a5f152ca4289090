"""Units of measure, time and money: their spellings in English and French, and how they convert."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit; those of one dimension convert into each other by their factors."""

    name: str
    dimension: str
    factor: Decimal


# name | dimension | factor | spellings; those in quotes in that case only: "Mo" is data.
_ROWS = """
percent  | share       | 1        | % ; percent ; per cent ; pour cent ; pourcent ; pct
permille | share       | 0.1      | ‰
euro     | EUR         | 1        | € ; eur ; euro(s)
dollar   | USD         | 1        | $ ; us$ ; usd ; dollar(s)
sterling | GBP         | 1        | £ ; gbp ; pounds sterling ; livres sterling
franc    | CHF         | 1        | chf ; francs suisses ; swiss francs
yen      | JPY         | 1        | ¥ ; jpy ; yen(s)
second   | time        | 1        | 's' ; sec(s) ; second(s) ; seconde(s)
minute   | time        | 60       | min(s) ; mn ; minute(s)
hour     | time        | 3600     | 'h' ; hr(s) ; hour(s) ; heure(s)
day      | time        | 86400    | day(s) ; jour(s)
week     | time        | 604800   | week(s) ; wk(s) ; semaine(s)
month    | months      | 1        | month(s) ; mois
quarter  | months      | 3        | trimestre(s)
year     | months      | 12       | year(s) ; yr(s) ; an(s) ; année(s)
decade   | months      | 120      | decade(s) ; décennie(s)
century  | months      | 1200     | century ; centuries ; siècle(s)
ms       | time        | 0.001    | 'ms' ; millisecond(s) ; milliseconde(s)
mm       | length      | 0.001    | 'mm' ; millimetre(s) ; millimeter(s) ; millimètre(s)
cm       | length      | 0.01     | 'cm' ; centimetre(s) ; centimeter(s) ; centimètre(s)
m        | length      | 1        | 'm' ; metre(s) ; meter(s) ; mètre(s)
km       | length      | 1000     | km(s) ; kilometre(s) ; kilometer(s) ; kilomètre(s)
mile     | length      | 1609.344 | mile(s)
yard     | length      | 0.9144   | yard(s)
foot     | length      | 0.3048   | ft ; feet ; foot
inch     | length      | 0.0254   | inch ; inches ; pouce(s)
m2       | area        | 1        | m² ; m2 ; sqm ; square metres ; square meters ; mètres carrés
km2      | area        | 1000000  | km² ; km2 ; square kilometres ; square kilometers ; kilomètres carrés
hectare  | area        | 10000    | ha ; hectare(s)
acre     | area        | 4046.8564224 | acre(s)
sqft     | area        | 0.09290304 | sq ft ; square feet ; square foot
m3       | volume      | 1000     | m³ ; m3 ; cubic metres ; cubic meters ; mètres cubes
mg       | mass        | 0.000001 | mg ; milligram(s) ; milligramme(s)
g        | mass        | 0.001    | 'g' ; gram(s) ; gramme(s)
kg       | mass        | 1        | kg(s) ; kilo(s) ; kilogram(s) ; kilogramme(s)
tonne    | mass        | 1000     | 't' ; tonne(s)
lb       | mass        | 0.45359237 | lb(s)
ounce    | mass        | 0.028349523125 | oz ; ounce(s)
ml       | volume      | 0.001    | ml ; millilitre(s) ; milliliter(s)
cl       | volume      | 0.01     | cl ; centilitre(s)
litre    | volume      | 1        | 'l' ; 'L' ; litre(s) ; liter(s)
gallon   | volume      | 3.785411784 | gallon(s)
byte     | data        | 1        | byte(s) ; octet(s)
kB       | data        | 1000     | kb ; ko ; kilobyte(s) ; kilooctet(s)
MB       | data        | 1000000  | 'MB' ; 'Mo' ; megabyte(s) ; mégaoctet(s)
GB       | data        | 1000000000 | gb ; 'Go' ; gigabyte(s) ; gigaoctet(s)
TB       | data        | 1000000000000 | tb ; 'To' ; terabyte(s) ; téraoctet(s)
kW       | power       | 1        | kw ; kilowatt(s)
MW       | power       | 1000     | 'MW' ; megawatt(s) ; mégawatt(s)
kWh      | energy      | 1        | kwh ; kilowatt-hours ; kilowattheures
MWh      | energy      | 1000     | mwh ; megawatt-hours
hertz    | frequency   | 1        | hz ; hertz
kHz      | frequency   | 1000     | khz
MHz      | frequency   | 1000000  | mhz
GHz      | frequency   | 1000000000 | ghz
celsius  | celsius     | 1        | °c ; ° c ; 'C' ; degrees c ; degrees celsius ; degrés celsius
fahrenheit | fahrenheit | 1       | °f ; ° f ; 'F' ; degrees f ; degrees fahrenheit
kmh      | speed       | 1        | km/h ; kph ; kilometres per hour ; kilomètres par heure
mph      | speed       | 1.609344 | mph ; miles per hour
"""

_BY_SPELLING: dict[str, Unit] = {}
_EXACT: set[str] = set()
for _row in _ROWS.strip().splitlines():
    _name, _dimension, _factor, _spellings = map(str.strip, _row.split(" | "))
    _unit = Unit(_name, _dimension, Decimal(_factor))
    for _spelling in _spellings.split(";"):
        _plain = _spelling.strip()
        if _plain.startswith("'"):
            _plain = _plain.strip("'")
            _EXACT.add(_plain)
        _BY_SPELLING[_plain.removesuffix("(s)")] = _unit
        _BY_SPELLING[_plain.replace("(s)", "s")] = _unit

_CURRENCY_SIGNS = "US$ € $ £ ¥ EUR USD GBP CHF".split()
BEFORE = "|".join(map(re.escape, _CURRENCY_SIGNS))
"""Pattern of what stands before an amount of money."""


def _pattern(spellings: set[str]) -> str:
    longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    return "|".join(re.escape(spelling).replace(r"\ ", r"\s+") for spelling in longest_first)


AFTER = rf"(?:{_pattern(_EXACT)}|(?i:{_pattern(_BY_SPELLING.keys() - _EXACT)}))(?!\w)"
"""Pattern of a unit behind its number."""

TIME_WORDS = "|".join(
    sorted(
        (
            spelling
            for spelling, unit in _BY_SPELLING.items()
            if unit.dimension in {"time", "months"} and len(spelling) > 1 and spelling not in _EXACT
        ),
        key=len,
        reverse=True,
    )
)
"""Pattern of the names of durations."""


def unit_of(spelling: str) -> Unit:
    """The unit that is spelled so; the spelling matches :data:`BEFORE` or :data:`AFTER`."""
    plain = " ".join(spelling.split())
    return _BY_SPELLING.get(plain) or _BY_SPELLING[plain.lower()]
