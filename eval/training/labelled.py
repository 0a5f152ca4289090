"""The labelled sets as groups: RAGTruth with its marked characters, SummEdits, RTE-3 in French."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.readers import GroundednessRecord, read_groundedness
from eval.training.examples import Claim, ClaimLabel, ClaimSpan, Group
from rag.grounding.claims import is_checkable
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

SETS = ("ragtruth-dev", "summedits-dev", "rte3-fr-dev")
_WORD = re.compile(r"\w+|[^\w\s]")
_LABELS: dict[str | None, ClaimLabel] = {
    "entailment": "supported",
    "neutral": "unsupported",
    "contradiction": "contradicted",
}


def labelled_groups(folder: Path) -> Iterator[Group]:
    """All groups of the labelled sets in ``folder``, one per source document and set."""
    for name in SETS:
        by_source: dict[str, list[GroundednessRecord]] = {}
        for record in read_groundedness(folder / f"{name}.jsonl").records:
            by_source.setdefault(source_of(name, record), []).append(record)
        for source, records in by_source.items():
            yield Group(
                evidence=tuple(records[0].context),
                claims=tuple(claim for record in records for claim in claims_of(record, records)),
                language=detect_language(records[0].response),
                source=source,
            )


def source_of(name: str, record: GroundednessRecord) -> str:
    """What is never split: the source document; for RTE-3 the premise."""
    return f"{name}/{record.source_id or ' '.join(record.context)[:200]}"


def claims_of(record: GroundednessRecord, siblings: Sequence[GroundednessRecord]) -> Iterator[Claim]:
    """The sentences of a response with the label each has, or can be given from its siblings."""
    spans = split_sentences(record.response)
    language = detect_language(record.response)
    wrong = _wrong_characters(record, siblings)
    for start, end in spans:
        text = record.response[start:end]
        inside = None if wrong is None else _inside(wrong, start, end)
        if not is_checkable(text, language) and not inside:
            continue
        if inside is None:
            # Nobody marked characters: only a response of one sentence has a label for its sentence.
            if len(spans) == 1:
                yield Claim(text=text, label=_label(record), spans=None, kind="whole")
        else:
            yield Claim(text=text, label=_worst(inside), spans=inside, kind="sentence")


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
