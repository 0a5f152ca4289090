"""The trivial groundedness baseline: how many of a response's content words occur in the context."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")

_ENGLISH = """
a about above after again all also an and any are as at be because been before being below between both but
by can could did do does doing down during each few for from further had has have having he her here hers
him his how i if in into is it its itself just may me might more most must my no nor not now of off on once
only or other our ours out over own same shall she should so some such s t than that the their theirs them
then there these they this those through to too under until up very was we were what when where which while
who whom why will with would you your yours
"""
_FRENCH = """
au aux avec ce ces cet cette c ça d dans de des du elle elles en est et était été être eu il ils j je l la
le les leur leurs lui m ma mais me mes moi mon n ne nos notre nous on ont ou où par pas plus pour qu que
quel quelle quelles quels qui sa sans se ses si son sont sur t ta te tes toi ton tu un une vos votre vous y
à a ai as avait avaient avez avons cela comme dont donc entre ni sera seront soit
"""
_STOP_WORDS = frozenset(f"{_ENGLISH} {_FRENCH}".split())


def word_overlap(response: str, context: Iterable[str]) -> float:
    """Share, 0 to 1, of the content words of ``response`` that occur in ``context``.

    Every occurrence counts; English and French stop words do not. A response without content words is
    fully covered: it says nothing that could be missing.
    """
    known = {word for part in context for word in _WORD.findall(part.lower())}
    content = [word for word in _WORD.findall(response.lower()) if word not in _STOP_WORDS]
    return sum(word in known for word in content) / len(content) if content else 1.0
