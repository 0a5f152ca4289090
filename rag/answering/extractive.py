"""The default answerer: the documents' own sentences, cited. No model to download, and it never invents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.answering.evidence import ScoredSentence, SentenceScorer
from rag.answering.follow_up_evidence import read_follow_up
from rag.answering.marked_sentences import MARKER
from rag.answering.statements import block_after
from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Passage, Prompt, Question
from rag.llm.named import EXTRACTIVE
from rag.text.alignment import content_terms
from rag.text.sentences import split_sentences

MAX_SENTENCES = 3
MARGINS = (1.0, 0.5)
"""How far below the best sentence's score a second and a third one of its passage may lie to join it."""

MARGIN_ELSEWHERE = 0.1
"""The same for a sentence of another passage, which often speaks of something else."""

_SAME_TERMS = 0.8
_LIST_ITEMS = 8
_LEANS = re.compile(
    r"(?:it|they|he|she|this|these|that|those|ce|cela|celui-ci|celle-ci|il|elle|ils|elles|cette|ces|cet)\b",
    re.IGNORECASE,
)
_LONGEST_LEANED_ON = 160  # characters


class ExtractiveGenerator:
    """Picks the sentences that answer best, in reading order."""

    def __init__(self, scorer: SentenceScorer) -> None:
        self._scorer = scorer

    @property
    def name(self) -> str:
        """``extractive``."""
        return EXTRACTIVE

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """One sentence at a time, each with the marker of its passage, then the draft."""
        reading = read_follow_up(self._scorer, prompt.question, prompt.passages)
        chosen = _choose(reading.sentences, prompt.passages, prompt.question)
        text = ""
        for place, start, end in chosen:
            sentence = prompt.passages[place].text[start:end]
            lines = [line.strip() for line in sentence.splitlines() if line.strip()]
            marked = "\n".join(f"{line} [{place + 1}]" for line in lines)
            piece = (_joint(text, marked) if text else "") + marked
            text += piece
            yield piece
        yield Draft(text=text, llm=EXTRACTIVE, refused=not text)


def _joint(before: str, after: str) -> str:
    """A line break around list items and table rows, which no full stop sets apart; else a blank."""
    ends = MARKER.sub("", before).endswith((".", "!", "?", "…"))
    is_prose = ends and after[0].isupper() and "\n" not in after
    return " " if is_prose else "\n"


def _choose(
    ranked: Sequence[ScoredSentence], passages: Sequence[Passage], question: Question
) -> list[tuple[int, int, int]]:
    """``(passage, start, end)`` of what to quote, in reading order; ``ranked`` best first."""
    asked = content_terms(question.text, question.language)  # repeating the question answers nothing
    kept: list[ScoredSentence] = []
    seen: list[frozenset[str]] = []
    for sentence in ranked:
        if kept and (len(kept) == MAX_SENTENCES or not _joins(sentence, kept, passages)):
            continue
        held = content_terms(sentence.text, question.language)
        if (held <= asked and not _introduces(sentence)) or any(
            _overlap(held, other) >= _SAME_TERMS for other in seen
        ):
            continue
        seen.append(held)
        kept.append(sentence)
    spans = [(each.passage, *_whole(each, passages[each.passage])) for each in kept]
    # A row says little without its columns' labels.
    headers = [(each.passage, *each.header) for each in kept if each.header is not None]
    return _in_reading_order([*spans, *dict.fromkeys(headers)], passages)


def _introduces(sentence: ScoredSentence) -> bool:
    """Whether what it says comes in the lines below it."""
    return sentence.text.rstrip().endswith(":")


def _joins(sentence: ScoredSentence, kept: Sequence[ScoredSentence], passages: Sequence[Passage]) -> bool:
    """Whether a sentence comes close enough to the best one, in its language."""
    best = kept[0]
    margin = MARGINS[len(kept) - 1] if sentence.passage == best.passage else MARGIN_ELSEWHERE
    is_foreign = passages[sentence.passage].language != passages[best.passage].language
    return sentence.score >= best.score - margin and not is_foreign


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / min(len(first), len(second)) if first and second else 0.0


def _whole(sentence: ScoredSentence, passage: Passage) -> tuple[int, int]:
    """The quote: what introduces a list with its items, what leans on the sentence before with that one."""
    if _introduces(sentence):
        return sentence.start, block_after(passage.text, sentence.end, most=_LIST_ITEMS)
    before = [span for span in split_sentences(passage.text) if span[1] <= sentence.start]
    if _LEANS.match(sentence.text) and before:
        start, end = before[-1]
        is_same_paragraph = "\n" not in passage.text[end : sentence.start]
        if is_same_paragraph and end - start <= _LONGEST_LEANED_ON:
            return start, sentence.end
    return sentence.start, sentence.end


def _in_reading_order(
    kept: Sequence[tuple[int, int, int]], passages: Sequence[Passage]
) -> list[tuple[int, int, int]]:
    """Passages in order of their best sentence, sentences of one passage as they stand; no overlap."""
    order = {place: rank for rank, place in enumerate(dict.fromkeys(place for place, _, _ in kept))}
    chosen: list[tuple[int, int, int]] = []
    for place, start, end in sorted(kept, key=lambda span: (order[span[0]], span[1])):
        if chosen and chosen[-1][0] == place and start < chosen[-1][2]:
            chosen[-1] = (place, chosen[-1][1], max(end, chosen[-1][2]))
        else:
            chosen.append((place, start, end))
    return chosen
