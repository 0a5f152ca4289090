"""Names in a text: capitalised words where a capital says something, and when two name the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.grounding.dates import dates_of
from rag.index.analysis import folded
from rag.text.alignment import content_terms

LANGUAGES = frozenset({"en", "fr"})
"""Languages in which a capital marks a name; in German, say, it marks every noun."""

_CAPITALISED = re.compile(r"(?<![\w@/])[A-ZÀ-Þ][\w’']*\w|(?<!\w)[A-ZÀ-Þ](?=\.\s?[A-ZÀ-Þ])")
_WORD = re.compile(r"\w[\w'’-]*")
_PAIR = re.compile(r"(?=\b([A-ZÀ-Þ][\w-]+) ([A-ZÀ-Þ][\w-]+))")
_JOINT = re.compile(r"(?:[ \u00a0]|\.\s|-|\s&\s| (?:de|du|des|la|le|of|the|van|von|and|et) )")
_OPENERS = '.!?…:;•*"“«([|>-–—'
_ELISION = re.compile(r"^[dljnmtscqu]{1,2}['’](?=\w)", re.IGNORECASE)
_DOTTED = re.compile(r"\b(?:[A-Z]\.){2,}")
_POSSESSIVE = re.compile(r"['’]s?$")
_NO_NAMES = frozenset(
    "mr mrs ms dr prof sir mme mlle ok spring summer autumn winter mon tue wed thu fri sat sun json".split()
)
_ENDINGS = frozenset(
    " n s es an ian ean y e a ese ish ien ienne iens iennes ais aise ois oise ain aine ic er ers".split(" ")
)
_SHORTEST_MISSPELLED = 5
_MOST_CAPITALISED = 0.6

# What is written short often enough that a reader of the evidence takes one for the other.
_SHORT = """
us=united states; usa=united states; uk=united kingdom; eu=european union; un=united nations; ny=new york;
nyc=new york; la=los angeles; sf=san francisco; dc=washington; al=alabama; ak=alaska; az=arizona; ar=arkansas;
ca=california; co=colorado; ct=connecticut; de=delaware; fl=florida; ga=georgia; hi=hawaii; ia=iowa; id=idaho;
il=illinois; in=indiana; ks=kansas; ky=kentucky; ma=massachusetts; md=maryland; me=maine; mi=michigan;
mn=minnesota; mo=missouri; ms=mississippi; mt=montana; nc=north carolina; nd=north dakota; ne=nebraska;
nh=new hampshire; nj=new jersey; nm=new mexico; nv=nevada; oh=ohio; ok=oklahoma; or=oregon; pa=pennsylvania;
ri=rhode island; sc=south carolina; sd=south dakota; tn=tennessee; tx=texas; ut=utah; va=virginia; vt=vermont;
wa=washington; wi=wisconsin; wv=west virginia; wy=wyoming; ue=union europeenne; onu=nations unies;
"""
_ABBREVIATED = {
    "road": "rd",
    "street": "st",
    "saint": "st",
    "avenue": "ave",
    "suite": "ste",
    "boulevard": "blvd",
    "drive": "dr",
    "lane": "ln",
    "highway": "hwy",
}
_LONG_OF: dict[str, frozenset[str]] = {}
for _pair in _SHORT.replace("\n", " ").split(";"):
    if "=" in _pair:
        _key, _, _long = _pair.strip().partition("=")
        _LONG_OF[_key] = frozenset(_long.split())


@dataclass(frozen=True, slots=True)
class NamePart:
    """A word of a name, folded, with its place.

    Attributes:
        run: the number of the name it belongs to.
        opens: it opens a sentence, so its capital may say nothing: "While India …".
    """

    text: str
    start: int
    end: int
    run: int
    opens: bool


def names_of(text: str, language: str) -> list[NamePart]:
    """The words of the names in ``text``, in order.

    A capital at the beginning of a sentence, or in a heading of capitals, says nothing; dates are no names.
    """
    if language not in LANGUAGES or _is_heading(text):
        return []
    dates = [(value.start, value.end) for value in dates_of(text)]
    parts: list[NamePart] = []
    run, last_end = 0, -1
    for match in _CAPITALISED.finditer(text):
        follows = last_end >= 0 and _JOINT.fullmatch(text, last_end, match.start()) is not None
        opens = not follows and _opens(text, match.start())
        if any(start < match.end() and match.start() < end for start, end in dates):
            continue
        word = _POSSESSIVE.sub("", match.group())
        elided = _ELISION.match(word)
        start = match.start() + (elided.end() if elided else 0)
        end = match.start() + len(word)
        plain = folded(text[start:end])
        run += not follows
        last_end = match.end()
        if plain in _NO_NAMES or not content_terms(plain, language) or (elided and not text[start].isupper()):
            continue
        if opens and not _goes_on(text, match.end()):
            continue
        parts.append(NamePart(plain, start, end, run, opens))
    return parts


def _opens(text: str, start: int) -> bool:
    """Whether a sentence, an item or a quotation begins at ``start``."""
    before = text[:start].rstrip(" \t")
    return not before or before[-1] in _OPENERS or before[-1] == "\n"


def _goes_on(text: str, end: int) -> bool:
    """Whether the next word is capitalised too: "John Smith" at the beginning of a sentence is a name."""
    joint = re.compile(r"(?:[ \u00a0-]|\.\s)").match(text, end)
    return joint is not None and _CAPITALISED.match(text, joint.end()) is not None


def _is_heading(text: str) -> bool:
    if text.rstrip().endswith((".", "!", "?")):
        return False
    words = [word for word in _WORD.findall(text) if len(word) > 3 and not word[0].isdigit()]
    return len(words) > 1 and sum(word[0].isupper() for word in words) > _MOST_CAPITALISED * len(words)


class HeldNames:
    """What names a text could back, in whatever case and form."""

    def __init__(self, text: str) -> None:
        text = _DOTTED.sub(lambda match: match.group().replace(".", "") + " ", text)
        self._words = frozenset(_words(text))
        self._squashed = re.sub(r"[\W_]+", "", folded(text))
        self._by_start: dict[str, list[str]] = {}
        for word in self._words:
            self._by_start.setdefault(word[:3], []).append(word)
        capitals = [match.group() for match in _CAPITALISED.finditer(text)]
        self._short = frozenset(folded(word) for word in capitals if word.isupper() and len(word) < 6)
        self._initials = _initials(text)
        self._before = {
            (folded(match[2]), folded(match[1]))
            for match in _PAIR.finditer(text)
            if not _opens(text, match.start())
        }

    def hold(self, part: NamePart, name: Sequence[NamePart]) -> bool:
        """Whether the word ``part`` of ``name`` is held: as it is, declined, or as an abbreviation.

        A word that opens a sentence counts as a name only where another name stands in its place.
        """
        word = part.text
        if part.opens and not self._stands_in_place(part, name):
            return True
        if word in self._words or all(piece in self._words for piece in _words(word)):
            return True
        joined = "".join(each.text for each in name)
        if len(joined) > 3 and joined in self._squashed:
            return True
        if len(word) > 2 and word.endswith("s") and word[:-1] in self._words:
            return True
        if _ABBREVIATED.get(word) in self._words:
            return True
        if any(word in _LONG_OF.get(short, ()) for short in self._short) or (
            word in _LONG_OF and _LONG_OF[word] <= self._words
        ):
            return True
        if any(_declined(word, other) for other in self._by_start.get(word[:3], ())):
            return True
        if len(word) == 1:
            return any(other.startswith(word) for other in self._words)
        initials = "".join(each.text[0] for each in name)
        return (len(name) > 1 and initials in self._short) or word in self._initials

    def _stands_in_place(self, part: NamePart, name: Sequence[NamePart]) -> bool:
        following = name[name.index(part) + 1 :][:1]
        return any(
            word == each.text and before != part.text for each in following for word, before in self._before
        )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", _POSSESSIVE.sub("", folded(text)))


@lru_cache(maxsize=50_000)
def _declined(one: str, other: str) -> bool:
    """Whether the words differ in an ending only (Italy, Italian), or in one letter (Defence, Defense)."""
    shared = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        shared += 1
    if shared > 2 and one[shared:] in _ENDINGS and other[shared:] in _ENDINGS:
        return True
    rest, others = one[shared:], other[shared:]
    is_typing = len(rest) + len(others) > 0 and (
        rest[1:] == others[1:] or rest[1:] == others or rest == others[1:]
    )
    return len(one) > _SHORTEST_MISSPELLED and is_typing


def _initials(text: str) -> frozenset[str]:
    """The initials of every name of several words in ``text``."""
    found: list[str] = []
    run, last_end = "", -1
    for match in _CAPITALISED.finditer(text):
        if not (last_end >= 0 and _JOINT.fullmatch(text, last_end, match.start())):
            found.append(run)
            run = ""
        run += folded(match.group()[0])
        last_end = match.end()
    return frozenset(each for each in _slices([*found, run]))


def _slices(runs: Iterable[str]) -> Iterable[str]:
    for run in runs:
        for start in range(len(run) - 1):
            for end in range(start + 2, min(len(run), start + 6) + 1):
                yield run[start:end]
