"""Fusing what meaning and words say of each candidate into one score.

    score = share · meaning + (1 - share) · words
    meaning = cosine, on the scale of the default encoder
    words = KEYWORD · BM25 / 20 + COVERAGE · coverage + NAMED · flatness · named²

Every part is a fact of the question and one chunk alone, except ``flatness``, so the order of two chunks does
not depend on which others were fetched or filtered away, as it would with scores divided by the list's best.
BM25 keeps its size: a question whose words hardly occur is decided by meaning. ``flatness`` tells how little
the words tell candidates apart, as among the pages of many alike reports; then it counts what the documents
are called. The constants were set on the development sets, one left out at a time: see docs/quality.md and
docs/decisions/0006.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KEYWORD = 0.27
COVERAGE = 0.25
NAMED = 0.3
_BM25_UNIT = 20.0
FLAT_PLACE = 10
"""Flatness compares the hit at this place with the first."""

_FLAT_FROM, _FLAT_TO = 0.4, 0.7


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderScale:
    """How an encoder's cosines are read in one language.

    Attributes:
        share: of meaning in the score, 0 to 1.
        origin: the cosine that stands for "nothing in common".
        spread: factor that brings its cosines to the default encoder's spread.
    """

    share: float
    origin: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What reading a candidate closely tells.

    Attributes:
        coverage: how much of the question its words hold, 0 to 1.
        named: share, 0 to 1, of the names in the question that its document is called by.
    """

    coverage: float
    named: float


def first_score(cosine: float, bm25: float, scale: EncoderScale) -> float:
    """The score of a candidate before it is read: what both indexes say."""
    meaning = (cosine - scale.origin) * scale.spread
    return scale.share * meaning + (1 - scale.share) * KEYWORD * bm25 / _BM25_UNIT


def read_score(reading: Reading, *, flatness: float, scale: EncoderScale) -> float:
    """What reading a candidate closely adds to its first score; never negative."""
    words = COVERAGE * reading.coverage + NAMED * flatness * reading.named**2
    return (1 - scale.share) * words


def flatness(keyword_scores: Sequence[float]) -> float:
    """How little the words tell candidates apart, 0 to 1, from the scores of the best hits, best first.

    0 when the tenth hit scores less than .4 of the first, 1 when it scores more than .7 of it.
    """
    if len(keyword_scores) < FLAT_PLACE or keyword_scores[0] <= 0:
        return 0.0
    level = keyword_scores[FLAT_PLACE - 1] / keyword_scores[0]
    return min(max((level - _FLAT_FROM) / (_FLAT_TO - _FLAT_FROM), 0.0), 1.0)


def first_scores(
    dense: Mapping[int, float], keyword: Mapping[int, float], scale: EncoderScale
) -> dict[int, float]:
    """First score of every chunk in either list; one that a list lacks counts as nothing in common there."""
    return {
        chunk_id: first_score(dense.get(chunk_id, scale.origin), keyword.get(chunk_id, 0.0), scale)
        for chunk_id in dense.keys() | keyword.keys()
    }
