"""What the groundedness policies make of an answer's sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.footnotes import CheckedSentence
from rag.domain import GroundingPolicy, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How a draft is treated while it is written.

    Attributes:
        shows_draft: its words are shown as they come, before they are checked.
        shows_sentences: sentences that stay are shown when they are checked.
        drops: sentences that fail don't stay.
    """

    shows_draft: bool
    shows_sentences: bool
    drops: bool


MANNERS = {
    GroundingPolicy.ANNOTATE: Manner(shows_draft=True, shows_sentences=True, drops=False),
    GroundingPolicy.REGENERATE: Manner(shows_draft=True, shows_sentences=True, drops=False),
    GroundingPolicy.DROP: Manner(shows_draft=False, shows_sentences=True, drops=True),
    GroundingPolicy.REFUSE: Manner(shows_draft=False, shows_sentences=False, drops=False),
}
"""By policy; a second try under ``regenerate`` is treated as under ``drop``."""


def says_something(kept: Sequence[CheckedSentence]) -> bool:
    """Whether an answer of which sentences were dropped still asserts something that is carried."""
    return any(
        sentence.verdict is not None and sentence.verdict.verdict is Verdict.SUPPORTED for sentence in kept
    )
