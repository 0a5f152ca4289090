"""What the groundedness model learns from: evidence, and claims that it carries or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClaimLabel = Literal["supported", "unsupported", "contradicted"]
"""``unsupported``: the evidence does not say; ``contradicted``: it says otherwise."""


@dataclass(frozen=True, slots=True)
class ClaimSpan:
    """Characters ``start:end`` of a claim that the evidence does not carry, and how it fails to."""

    start: int
    end: int
    label: ClaimLabel


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A sentence, or a few, that the evidence is asked for.

    Attributes:
        label: of the whole claim.
        spans: which characters are not carried; ``None`` where nobody marked any (only the label is known),
            empty where everything is carried.
        kind: how the claim came about, like ``number`` or ``verbatim``; for counts, never for learning.
    """

    text: str
    label: ClaimLabel
    spans: tuple[ClaimSpan, ...] | None
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Evidence that is read once, and all the claims asked of it.

    Attributes:
        evidence: passages, read apart from each other.
        source: what document the evidence is of; groups of one source never lie on both sides of a split.
    """

    evidence: tuple[str, ...]
    claims: tuple[Claim, ...]
    language: str
    source: str
