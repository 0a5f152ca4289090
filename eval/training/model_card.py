"""The model card: what the groundedness model was trained on, how it does on sources it never saw."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from eval.training.examples import Group
from eval.training.labelled import LabelledResponse
from eval.written_part import write_part

_UNDER_WAY = re.compile(r" *(?!100)[\d.]+%  step ")
"""Progress lines but the last of a stage."""

CARD = Path("docs/grounding-model.md")
_BEGIN, _END = "<!-- written by the training -->", "<!-- end of what the training wrote -->"


def write_card(lines: Sequence[str], counts: Sequence[str], *, seconds: float, card: Path = CARD) -> None:
    """Replace the part of the card between its two marks by what this training came to.

    Raises:
        ValueError: the card holds no such part.
    """
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    said = [line for line in lines if not _UNDER_WAY.match(line)]
    written = ["```text", *counts, *said, f"{seconds / 60:.0f} minutes on {machine}", "```"]
    write_part(card, written, begin=_BEGIN, end=_END)


def count_labelled(responses: Sequence[LabelledResponse]) -> list[str]:
    """Responses, sources and sentences of each labelled set."""
    by_set: dict[str, list[LabelledResponse]] = {}
    for each in responses:
        by_set.setdefault(each.dataset, []).append(each)
    return [
        f"{name}: {len(found):,} responses of {len({each.source for each in found})} sources; sentences "
        + _labels(claim.label for each in found for _, _, claim in each.sentences)
        for name, found in by_set.items()
    ]


def count_generated(groups: Sequence[Group]) -> list[str]:
    """Labels and kinds of some groups of the curriculum."""
    claims = [claim for group in groups for claim in group.claims]
    kinds = Counter(claim.kind.partition("+")[0] for claim in claims)
    return [
        f"curriculum, of {len(groups):,} groups: {len(claims):,} claims, " + _labels(c.label for c in claims),
        "  languages " + _labels(group.language for group in groups),
        "  kinds " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()),
    ]


def _labels(found: Iterable[str]) -> str:
    return ", ".join(f"{label} {count:,}" for label, count in Counter(found).most_common())
