"""The labelled sets as groups: RAGTruth with its marked characters, SummEdits, RTE-3 in French."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from eval.readers import GroundednessRecord, read_groundedness
from eval.training.examples import Claim, ClaimLabel, ClaimSpan, Group
from rag.grounding.claims import is_checkable
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

SETS = ("ragtruth-dev", "summedits-dev", "rte3-fr-dev")
_BY_TASK = frozenset({"ragtruth-dev"})
"""Sets whose tasks are as different as sets."""

_WORD = re.compile(r"\w+|[^\w\s]")
_LABELS: dict[str | None, ClaimLabel] = {
    "entailment": "supported",
    "neutral": "unsupported",
    "contradiction": "contradicted",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledResponse:
    """A response of a labelled set with what is known of its sentences.

    Attributes:
        dataset: the set, of RAGTruth with the task; each weighs alike in what is fitted.
        source: see :class:`eval.training.examples.Group`.
        sentences: offsets of each sentence that asserts something, with its claim; none where only the whole
            response has a label and it has several sentences.
    """

    record: GroundednessRecord
    dataset: str
    source: str
    sentences: tuple[tuple[int, int, Claim], ...]


def labelled_responses(folder: Path) -> Iterator[LabelledResponse]:
    """All responses of the labelled sets in ``folder``, those of one source behind each other."""
    for name in SETS:
        by_source: dict[str, list[GroundednessRecord]] = {}
        for record in read_groundedness(folder / f"{name}.jsonl").records:
            by_source.setdefault(_source_of(name, record), []).append(record)
        for source, records in by_source.items():
            for record in records:
                yield LabelledResponse(
                    record=record,
                    dataset=f"{name}/{record.group}" if name in _BY_TASK else name,
                    source=source,
                    sentences=tuple(_sentences(record, records)),
                )


def labelled_groups(responses: Iterable[LabelledResponse]) -> Iterator[Group]:
    """The claims of ``responses``, one group per source."""
    for source, found in groupby(responses, key=lambda each: each.source):
        together = list(found)
        yield Group(
            evidence=together[0].record.context,
            claims=tuple(claim for each in together for _, _, claim in each.sentences),
            language=detect_language(together[0].record.response),
            source=source,
        )


def _source_of(name: str, record: GroundednessRecord) -> str:
    """What is never split: the source document; for RTE-3 the premise."""
    return f"{name}/{record.source_id or ' '.join(record.context)[:200]}"


def _sentences(
    record: GroundednessRecord, siblings: Sequence[GroundednessRecord]
) -> Iterator[tuple[int, int, Claim]]:
    spans = split_sentences(record.response)
    language = detect_language(record.response)
    wrong = _wrong_characters(record, siblings)
    for start, end in spans:
        text = record.response[start:end]
        inside = None if wrong is None else _inside(wrong, start, end)
        if not is_checkable(text, language) and not inside:
            continue
        if inside is not None:
            yield start, end, Claim(text=text, label=_worst(inside), spans=inside, kind="sentence")
        elif len(spans) == 1:
            yield start, end, Claim(text=text, label=_label(record), spans=None, kind="whole")


def _label(record: GroundednessRecord) -> ClaimLabel:
    if not record.unsupported:
        return "supported"
    return _LABELS.get(record.label, "unsupported")


def _wrong_characters(
    record: GroundednessRecord, siblings: Sequence[GroundednessRecord]
) -> tuple[ClaimSpan, ...] | None:
    if not record.unsupported:
        return ()
    if record.spans:
        return tuple(ClaimSpan(span.start, span.end, _span_label(span.label)) for span in record.spans)
    right = [each.response for each in siblings if not each.unsupported]
    if not right or record.label is not None:
        return None
    return _edited(record.response, right)


def _span_label(label: str | None) -> ClaimLabel:
    return "contradicted" if "conflict" in (label or "").lower() else "unsupported"


def _edited(response: str, right: Sequence[str]) -> tuple[ClaimSpan, ...]:
    """What was changed against the supported sibling that is nearest.

    A change that only brings words of other supported siblings is taken for another wording, unless there is
    no other change.
    """
    words = [match.span() for match in _WORD.finditer(response)]
    mine = [response[start:end].lower() for start, end in words]
    others = [[word.lower() for word in _WORD.findall(other)] for other in right]
    changed = min((_changes(other, mine) for other in others), key=_count)
    known = {word for other in others for word in other}
    telling = [part for part in changed if not known.issuperset(mine[part[0] : part[1]])]
    return tuple(
        ClaimSpan(words[low][0], words[high - 1][1], "unsupported") for low, high in telling or changed
    )


def _changes(other: Sequence[str], mine: Sequence[str]) -> list[tuple[int, int]]:
    """Where ``mine`` differs; words left out are marked at the word that follows."""
    matcher = difflib.SequenceMatcher(None, other, mine, autojunk=False)
    return [
        (low, max(high, low + 1))
        for operation, _, _, low, high in matcher.get_opcodes()
        if operation != "equal" and low < len(mine)
    ]


def _count(changed: Sequence[tuple[int, int]]) -> int:
    return sum(high - low for low, high in changed)


def _inside(wrong: Sequence[ClaimSpan], start: int, end: int) -> tuple[ClaimSpan, ...]:
    return tuple(
        ClaimSpan(max(span.start, start) - start, min(span.end, end) - start, span.label)
        for span in wrong
        if span.start < end and start < span.end
    )


def _worst(spans: Sequence[ClaimSpan]) -> ClaimLabel:
    labels = {span.label for span in spans}
    return next((label for label in ("contradicted", "unsupported") if label in labels), "supported")
