"""Invented businesses, products and people as JSON, and claims about their fields."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from eval.training.drafts import Draft, capitalised
from eval.training.examples import Claim, ClaimLabel, Group
from eval.training.lexicon import lines_of

_FOLDER = Path(__file__).with_name("lexicons")
_CORRUPTED_SHARE = 0.5
_INTRODUCED_SHARE = 0.2
_OPENS = (7, 8, 9, 10, 11)
_CLOSES = (17, 18, 19, 20, 21, 22)
_STARS = ("1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0")

Words = dict[str, Any]
_Make = Callable[[bool], tuple[Draft, str] | None]
Maker = Callable[["Business", bool], Draft | None]


@cache
def _words(language: str) -> Words:
    read: Words = json.loads((_FOLDER / f"records.{language}.json").read_text("utf-8"))
    return read


def record_group(rng: random.Random, language: str) -> Group:
    """An invented record and claims about it, about half of them with something wrong."""
    if rng.random() < 0.75:
        business = Business(rng, language)
        record, name = business.record, business.name
        make: _Make = business.claim
    else:
        record, name, make = _flat(rng, language)
    claims: dict[str, Claim] = {}
    wanted = rng.randint(5, 8)
    for _ in range(wanted * 3):
        claim = _claim(rng, language, make)
        if claim and len(claims) < wanted:
            claims.setdefault(claim.text, claim)
    return Group(
        evidence=(_written(rng, record),),
        claims=tuple(claims.values()),
        language=language,
        source=f"record/{name}",
    )


def _claim(rng: random.Random, language: str, make: _Make) -> Claim | None:
    """One to three sentences, at most one of them wrong."""
    is_wrong = rng.random() < _CORRUPTED_SHARE
    parts = [made for made in [make(is_wrong)] if made]
    if not parts:
        return None
    draft, kind = parts[0]
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        other = make(False)
        if other and other[0].text not in draft.text:
            draft = draft.followed_by(other[0]) if rng.random() < 0.5 else other[0].followed_by(draft)
            kind += "+sentence"
    if rng.random() < _INTRODUCED_SHARE:
        openings = [line for line in lines_of("introductions", language) if line.endswith((".", "!", ":"))]
        draft = Draft(rng.choice(openings)).followed_by(draft)
        kind += "+introduced"
    return Claim(text=draft.text, label=draft.label, spans=draft.spans, kind=kind)


def _written(rng: random.Random, record: dict[str, Any]) -> str:
    """The record as indented JSON, as JSON on one line, or as lines of keys and values."""
    style = rng.choice(("indented", "indented", "indented", "line", "pairs"))
    if style == "pairs":
        return "\n".join(f"{key}: {value}" for key, value in _pairs(record))
    return json.dumps(record, ensure_ascii=False, indent=rng.choice((2, 4)) if style == "indented" else None)


def _pairs(record: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        name = f"{above} {key}".strip()
        if isinstance(value, dict):
            yield from _pairs(value, name)
        elif isinstance(value, list):
            for row in value:
                yield from _pairs(row, name)
        else:
            yield name, json.dumps(value, ensure_ascii=False).strip('"')


def _filled(
    rng: random.Random, templates: list[str], value: str, label: ClaimLabel | None = None, **names: str
) -> Draft:
    """A template with ``value`` for ``{}``, marked where it is wrong."""
    template = rng.choice(templates)
    for key, name in names.items():
        template = template.replace("{" + key + "}", name)
    start = template.index("{}")
    draft = Draft(template).replace(start, start + 2, value, label)
    return Draft(capitalised(draft.text), draft.spans)


def _flat(rng: random.Random, language: str) -> tuple[dict[str, Any], str, _Make]:
    """A product or a person: fields with one value each, some unknown."""
    kind = rng.choice(_words(language)["flat"])
    name = rng.choice(kind["name"])
    values = {
        key: rng.choice(options) if rng.random() < 0.85 else None
        for key, (options, _) in kind["fields"].items()
    }
    record = {_words(language)["keys"]["name"]: name, **values}

    def make(is_wrong: bool) -> tuple[Draft, str] | None:
        key = rng.choice(list(values))
        options, templates = kind["fields"][key]
        known = values[key]
        if known is None:
            made = (
                _filled(rng, templates, rng.choice(options), "unsupported", name=name) if is_wrong else None
            )
        elif is_wrong:
            other = rng.choice([option for option in options if option != known])
            made = _filled(rng, templates, other, "contradicted", name=name)
        else:
            made = _filled(rng, templates, known, name=name)
        return (made, f"record_{'wrong' if is_wrong else 'right'}") if made else None

    return record, name, make


class Business:
    """A business with its address, hours, services, rating and reviews.

    Attributes:
        name: as claims call it.
        record: as the evidence shows it.
    """

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng = rng
        self.words = _words(language)
        self.language = language
        sort, self.categories = rng.choice(self.words["sorts"])
        self.name = f"{rng.choice(self.words['first'])} {rng.choice(self.words['second'])} {sort}"
        self.city, state = rng.choice(self.words["cities"])
        self.address = f"{rng.randint(2, 980)} {rng.choice(self.words['streets'])}"
        days = self.words["days"]
        closed = rng.sample(days, rng.choice((0, 0, 1, 1, 2)))
        self.hours = {day: (rng.choice(_OPENS), rng.choice(_CLOSES)) for day in days if day not in closed}
        self.services = {
            row[0]: rng.choice((True, False, None)) for row in rng.sample(self.words["attributes"], 7)
        }
        self.groups = {row[0]: {key: rng.random() < 0.4 for key in row[2]} for row in self.words["groups"]}
        self.choices = {row[0]: rng.choice([*row[1], None]) for row in self.words["choices"]}
        self.stars = rng.choice(_STARS)
        self.reviews = [self._review() for _ in range(rng.randint(1, 3))]
        self.record = self._record(state)

    def _review(self) -> dict[str, Any]:
        aspects = self.rng.sample(self.words["aspects"], 2)
        is_good = [self.rng.random() < 0.6 for _ in aspects]
        said = [
            (row[1], self.rng.choice(row[2] if good else row[3]), good, row)
            for row, good in zip(aspects, is_good, strict=True)
        ]
        sentences = [f"{row[0]} {adjective}." for _, adjective, _, row in said]
        sentences.insert(self.rng.randint(0, 2), self.rng.choice(self.words["fillers"]))
        closer = self.rng.choice(self.words["closers"])
        stars = self.rng.choice(("1.0", "2.0", "3.0", "4.0", "5.0"))
        date = f"{self.rng.randint(2012, 2022)}-{self.rng.randint(1, 12):02}-{self.rng.randint(1, 28):02}"
        text = " ".join([*sentences, closer[0]])
        return {"said": said, "closer": closer, "stars": stars, "date": date, "text": text}

    def _record(self, state: str) -> dict[str, Any]:
        keys = self.words["keys"]
        reviews = [
            {
                keys["review_stars"]: float(r["stars"]),
                keys["review_date"]: r["date"],
                keys["review_text"]: r["text"],
            }
            for r in self.reviews
        ]
        return {
            keys["name"]: self.name,
            keys["address"]: self.address,
            keys["city"]: self.city,
            keys["state"]: state,
            keys["categories"]: self.categories,
            keys["hours"]: {day: f"{opens}:0-{closes}:0" for day, (opens, closes) in self.hours.items()},
            keys["attributes"]: {**self.services, **self.groups, **self.choices},
            keys["stars"]: float(self.stars),
            keys["reviews"]: reviews,
        }

    def claim(self, is_wrong: bool) -> tuple[Draft, str] | None:
        """A sentence about one field, and what it is about."""
        kind, make, _ = self.rng.choices(_MAKERS, [row[2] for row in _MAKERS])[0]
        made = make(self, is_wrong)
        return (made, f"record_{kind}_{'wrong' if is_wrong else 'right'}") if made else None

    def _say(self, kind: str, right: str, wrong: list[str], is_wrong: bool, **names: str) -> Draft | None:
        """The template of ``kind`` with the right value, or one of ``wrong`` marked as contradicted."""
        wrong = [value for value in wrong if value != right]
        if is_wrong and not wrong:
            return None
        value = self.rng.choice(wrong) if is_wrong else right
        label: ClaimLabel | None = "contradicted" if is_wrong else None
        return _filled(self.rng, self.words["claims"][kind], value, label, name=self.name, **names)

    def place(self, is_wrong: bool) -> Draft | None:
        """City, address or categories."""
        streets = [f"{self.address.split()[0]} {street}" for street in self.words["streets"]]
        rows = (
            ("city", self.city, [city for city, _ in self.words["cities"]]),
            (
                "address",
                self.address,
                [*streets, f"{self.rng.randint(2, 980)} {self.address.partition(' ')[2]}"],
            ),
            ("categories", self.categories, [sort[1] for sort in self.words["sorts"]]),
        )
        kind, right, wrong = self.rng.choice(rows)
        return self._say(kind, right, wrong, is_wrong)

    def rating(self, is_wrong: bool) -> Draft | None:
        """The stars of the business."""
        return self._say("stars", self.stars, list(_STARS), is_wrong)

    def opening(self, is_wrong: bool) -> Draft | None:
        """When it is open, or that it is closed."""
        rng, days = self.rng, self.words["days"]
        closed = [day for day in days if day not in self.hours]
        if rng.random() < 0.3 and closed:
            return self._say("closed", rng.choice(closed), list(self.hours), is_wrong)
        if rng.random() < 0.15:
            if is_wrong != bool(closed):
                return None
            draft = Draft(rng.choice(self.words["claims"]["every_day"]).replace("{name}", self.name))
            return draft.marked(0, len(draft.text) - 1, "contradicted") if is_wrong else draft
        day = rng.choice(list(self.hours))
        opens, closes = self.hours[day]
        write = rng.choice((self._clock, self._half_day_clock))
        other = (rng.choice(_OPENS), closes) if rng.random() < 0.5 else (opens, rng.choice(_CLOSES))
        said = [self.words["claims"]["to"].format(write(a), write(b)) for a, b in ((opens, closes), other)]
        return self._say("open", said[0], said[1:], is_wrong, day=day)

    def _clock(self, hour: int) -> str:
        return f"{hour}:00" if self.language == "en" else f"{hour} h"

    def _half_day_clock(self, hour: int) -> str:
        if self.language == "fr":
            return f"{hour}h00"
        return f"{(hour - 1) % 12 + 1} {'am' if hour < 12 else 'pm'}"

    def service(self, is_wrong: bool) -> Draft | None:
        """A service that there is, is not, or of which nothing is known."""
        rows = {row[0]: row for row in self.words["attributes"]}
        key = self.rng.choice(list(rows))
        value = self.services.get(key)
        templates = self.words["claims"]["attribute"]
        if value is None:
            label: ClaimLabel = "unsupported"
            said = rows[key][self.rng.choice((1, 2))]
            return _filled(self.rng, templates, said, label, name=self.name) if is_wrong else None
        right, wrong = rows[key][1 if value else 2], rows[key][2 if value else 1]
        return self._say("attribute", right, [wrong], is_wrong)

    def grouped(self, is_wrong: bool) -> Draft | None:
        """One of several values under a key: kinds of parking, of ambience, of meals."""
        row = self.rng.choice(self.words["groups"])
        key = self.rng.choice(list(row[2]))
        is_so = self.groups[row[0]][key]
        said = (row[3] if is_so != is_wrong else row[4]).replace("{}", row[2][key])
        return self._wrong(said) if is_wrong else self._say("attribute", said, [], False)

    def chosen(self, is_wrong: bool) -> Draft | None:
        """A field with one of a few values, or none."""
        key, phrases = self.rng.choice(self.words["choices"])
        value = self.choices[key]
        if value is None:
            said = self.rng.choice(list(phrases.values()))
            return self._wrong(said, "unsupported") if is_wrong else None
        return self._say("attribute", phrases[value], list(phrases.values()), is_wrong)

    def _wrong(self, phrase: str, label: ClaimLabel = "contradicted") -> Draft:
        return _filled(self.rng, self.words["claims"]["attribute"], phrase, label, name=self.name)

    def review(self, is_wrong: bool) -> Draft | None:
        """What a review says of one thing."""
        review = self.rng.choice(self.reviews)
        aspect, adjective, is_good, row = self.rng.choice(review["said"])
        everything = [(said[0], said[2]) for each in self.reviews for said in each["said"]]
        if self.rng.random() < 0.35:
            kind = "praised" if is_good != is_wrong else "criticised"
            if is_wrong and (aspect, not is_good) in everything:
                return None
            return self._judged(kind, aspect) if is_wrong else self._say(kind, aspect, [], False)
        known = {said for said, _ in everything}
        if is_wrong and self.rng.random() < 0.4:
            others = [each for each in self.words["aspects"] if each[1] not in known]
            other = self.rng.choice(others)
            templates = self.words["claims"]["review"]
            return _filled(self.rng, templates, self.rng.choice(other[2]), "unsupported", aspect=other[1])
        if is_wrong and (aspect, not is_good) in everything:
            return None
        return self._say("review", adjective, row[3] if is_good else row[2], is_wrong, aspect=aspect)

    def _judged(self, kind: str, aspect: str) -> Draft:
        draft = _filled(self.rng, self.words["claims"][kind], aspect, name=self.name)
        return draft.marked(0, len(draft.text) - 1, "contradicted")

    def conclusion(self, is_wrong: bool) -> Draft | None:
        """How a review ends, or how many stars it gives."""
        review = self.rng.choice(self.reviews)
        if self.rng.random() < 0.5:
            given = {each["stars"] for each in self.reviews}
            other = [stars for stars in ("1.0", "2.0", "3.0", "4.0", "5.0") if stars not in given]
            return self._say("review_stars", review["stars"].split(".")[0], [o[0] for o in other], is_wrong)
        said = {each["closer"][1] for each in self.reviews}
        other = [closer[1] for closer in self.words["closers"] if closer[1] not in said]
        return self._say("closer", review["closer"][1], other, is_wrong)


_MAKERS: tuple[tuple[str, Maker, float], ...] = (  # what about, how, how often
    ("place", Business.place, 1.0),
    ("rating", Business.rating, 0.7),
    ("opening", Business.opening, 1.5),
    ("service", Business.service, 2.5),
    ("grouped", Business.grouped, 1.5),
    ("chosen", Business.chosen, 1.2),
    ("review", Business.review, 2.0),
    ("conclusion", Business.conclusion, 0.8),
)
