"""Which of many possible questions are taken: each once, from all documents and of all kinds."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from eval.generating.candidates import Candidate, Kind

UNANSWERABLE_SHARE = 0.2

_WORTH = {  # how many of a kind are taken for each one of a kind of worth 1: people ask rather like these
    Kind.FAQ: 4,
    Kind.QUESTION_HEADING: 4,
    Kind.MODEL: 4,
    Kind.FACT: 3,
    Kind.CONDITION: 3,
    Kind.WHO: 2,
    Kind.DUTY: 2,
    Kind.DEFINITION: 2,
    Kind.FIGURE: 2,
    Kind.TABLE: 2,
    Kind.HEADING: 1,
}


def distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Without questions that are asked twice: if their answers differ, nobody could know which is meant."""
    asked: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        asked[candidate.key].append(candidate)
    return [same[0] for same in asked.values() if len({each.answer for each in same}) == 1]


def chosen(candidates: Sequence[Candidate], wanted: int, *, seed: int) -> list[Candidate]:
    """At most ``wanted``: always from the document, and then of the kind, that has given fewest.

    The same candidates and the same seed give the same choice. A quote is used once.
    """
    draw = random.Random(seed)  # noqa: S311 (no secret)
    waiting: defaultdict[str | None, list[Candidate]] = defaultdict(list)
    for candidate in draw.sample(candidates, len(candidates)):
        waiting[candidate.document].append(candidate)
    documents = draw.sample(sorted(waiting, key=str), len(waiting))
    kinds: Counter[Kind] = Counter()
    quotes: set[str | None] = set()
    taken: list[Candidate] = []
    while documents and len(taken) < wanted:
        for document in list(documents):
            left = [each for each in waiting[document] if each.quote is None or each.quote not in quotes]
            if not left:
                documents.remove(document)
                continue
            best = min(left, key=lambda each: kinds[each.kind] / _WORTH.get(each.kind, 1))
            waiting[document] = [each for each in left if each is not best]
            kinds[best.kind] += 1
            quotes.add(best.quote)
            taken.append(best)
            if len(taken) == wanted:
                break
    return taken
