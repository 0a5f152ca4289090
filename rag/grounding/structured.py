"""Evidence that is data, not prose: records and tables read as facts in words."""

from __future__ import annotations

from rag.grounding.facts import Fact
from rag.grounding.json_facts import json_facts
from rag.grounding.table_facts import table_facts


def facts_of(text: str) -> list[Fact]:
    """The values of the JSON records and tables in ``text`` as ``path: value``, in order of their places.

    ``null`` reads as unknown, ``true`` and ``false`` as yes and no, an empty list or object as none. A
    sentence of a long string is a fact of its own, and keeps its place in the quoted string. Prose gives
    none, and so does what only resembles a record or a table.
    """
    records = json_facts(text)
    if not records:
        return table_facts(text)
    first, last = records[0].start, records[-1].end
    outside = [found for found in table_facts(text) if found.end <= first or found.start >= last]
    return sorted([*records, *outside])
