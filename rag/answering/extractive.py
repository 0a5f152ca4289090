"""The default answerer: the documents' own sentences, cited. No model to download, and it never invents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.answering.evidence import ScoredSentence, SentenceScorer
from rag.answering.marked_sentences import MARKER
from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Passage, Prompt, Question
from rag.text.alignment import content_terms
from rag.text.sentences import split_sentences

NAME = "extractive"

MAX_SENTENCES = 3
MARGIN = 0.2
"""Sentences scoring this close to the best join it. On clapnq-dev token-F1 is .463 for one sentence, .525 at
this margin with 2.2 of them, .548 at .3 with 2.5: most of the gain for the least noise."""

_SAME_TERMS = 0.8
_LIST_ITEMS = 6
_RANK_BONUS = 0.1
"""Added to the first passage's sentences, fading down the list: retrieval has seen the whole passage."""


class ExtractiveGenerator:
    """Picks the sentences that answer best, in reading order."""

    def __init__(self, scorer: SentenceScorer) -> None:
        self._scorer = scorer

    @property
    def name(self) -> str:
        """``extractive``."""
        return NAME

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """One sentence at a time, each with the marker of its passage, then the draft."""
        scored = self._scorer.score(prompt.question, prompt.passages)
        chosen = _choose(scored, prompt.passages, prompt.question)
        text = ""
        for place, start, end in chosen:
            sentence = prompt.passages[place].text[start:end]
            lines = [line.strip() for line in sentence.splitlines() if line.strip()]
            marked = "\n".join(f"{line} [{place + 1}]" for line in lines)
            piece = (_joint(text, marked) if text else "") + marked
            text += piece
            yield piece
        yield Draft(text=text, llm=NAME, refused=not text)


def _joint(before: str, after: str) -> str:
    """A line break around list items and table rows, which no full stop sets apart; else a blank."""
    ends = MARKER.sub("", before).endswith((".", "!", "?", "…"))
    is_prose = ends and after[0].isupper() and "\n" not in after
    return " " if is_prose else "\n"


def _choose(
    scored: Sequence[ScoredSentence], passages: Sequence[Passage], question: Question
) -> list[tuple[int, int, int]]:
    """``(passage, start, end)`` of what to quote, in reading order."""
    ranked = sorted(scored, key=lambda sentence: -_with_rank(sentence, len(passages)))
    if not ranked:
        return []
    asked = content_terms(question.text, question.language)  # repeating the question answers nothing
    floor = _with_rank(ranked[0], len(passages)) - MARGIN
    kept: list[tuple[int, int, int]] = []
    headers: set[tuple[int, int, int]] = set()  # a row says little without its columns' labels
    seen: list[frozenset[str]] = []
    for sentence in ranked:
        if len(kept) == MAX_SENTENCES or (kept and _with_rank(sentence, len(passages)) < floor):
            break
        held = content_terms(sentence.text, question.language)
        foreign = bool(kept) and passages[sentence.passage].language != passages[kept[0][0]].language
        if held <= asked or foreign or any(_overlap(held, other) >= _SAME_TERMS for other in seen):
            continue
        seen.append(held)
        kept.append((sentence.passage, sentence.start, _list_end(sentence, passages[sentence.passage])))
        if sentence.header is not None:
            headers.add((sentence.passage, *sentence.header))
    return _in_reading_order([*kept, *headers], passages)


def _with_rank(sentence: ScoredSentence, passages: int) -> float:
    return sentence.score + _RANK_BONUS * (1 - sentence.passage / passages)


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / min(len(first), len(second)) if first and second else 0.0


def _list_end(sentence: ScoredSentence, passage: Passage) -> int:
    """End of the quote: a sentence that ends with a colon takes the lines it introduces with it."""
    if not sentence.text.rstrip().endswith(":"):
        return sentence.end
    following = [span for span in split_sentences(passage.text) if span[0] >= sentence.end]
    return following[:_LIST_ITEMS][-1][1] if following else sentence.end


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
