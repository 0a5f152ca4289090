"""Questions that a collection does not answer: on subjects that none of its documents mentions.

They come from a list of ours, on falcons, kilns and the moons of Neptune; one is taken only if none of its
telling words stands in any document. So they are far off the subject, and easy to refuse. Harder ones, on
what a covered subject leaves out, nobody can make without reading: write a few yourself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from eval.generating.candidates import Candidate, Kind
from eval.generating.documents import SourceDocument

_FILE = Path(__file__).with_name("unanswerable.json")


class _OffSubject(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    words: tuple[str, ...]


def unanswerable(documents: Sequence[SourceDocument], language: str) -> Iterator[Candidate]:
    """Those of the list, in its order, that no document touches on."""
    lists = TypeAdapter(dict[str, list[_OffSubject]]).validate_python(json.loads(_FILE.read_text("utf-8")))
    texts = [document.text.lower() for document in documents]
    for row in lists[language]:
        if not any(word in text for word in row.words for text in texts):
            yield Candidate(
                kind=Kind.UNANSWERABLE,
                language=language,
                question=row.question,
                document=None,
                quote=None,
                answer=None,
            )
