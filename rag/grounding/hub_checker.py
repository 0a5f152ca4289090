"""The checkers ``nli:MODEL`` and ``hub:MODEL``: any classifier of evidence and claim, by name or folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import Evidence, EvidenceSpan
from rag.errors import ModelUnavailable
from rag.grounding.claim_model import ClaimModel, PairReading
from rag.grounding.findings import evidence_span
from rag.grounding.sentence_checker import Judgement, SentenceChecker, joined_places
from rag.grounding.shared_terms import EvidenceIndex
from rag.text.alignment import content_terms, coverage, rarity
from rag.text.sentences import split_sentences

NLI, HUB = "nli", "hub"

_MOST_WINDOWS = 6
"""Pieces of evidence read with each sentence, those with the most words in common."""
_DOUBTED = 0.5
_STEP = 8
"""Room is rounded down to it, so that sentences of about one length share the pieces."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A piece of evidence that fits beside a claim; ``span`` is ``None`` for one put together of several."""

    text: str
    span: EvidenceSpan | None
    terms: frozenset[str]


def model_checker(
    name: str, model: ClaimModel, *, threshold: float = 0.5, template: str = "{evidence}"
) -> SentenceChecker:
    """The checker ``name``, which asks ``model``.

    Args:
        name: ``nli:MODEL`` or ``hub:MODEL``.
        threshold: probability of support from which a sentence is supported.
        template: how the model is shown evidence; may hold ``{question}``.

    Raises:
        ModelUnavailable: ``nli`` names a model that does not tell contradictions.
    """
    if name.startswith(f"{NLI}:") and (model.marks_words or "contradicted" not in model.meanings.values()):
        labels = ", ".join(model.meanings.values())
        raise ModelUnavailable(
            f"{name!r} is no model of inference: its labels mean {labels}. Name it as {HUB}:{name[4:]}."
        )
    return SentenceChecker(
        name,
        lambda evidence, question: ModelJudge(model, evidence, question, template),
        threshold=threshold,
        compares=True,
    )


class ModelJudge:
    """Has the model read each sentence beside the pieces of evidence that are nearest to it."""

    def __init__(
        self, model: ClaimModel, evidence: Sequence[Evidence], question: str | None, template: str
    ) -> None:
        self._model = model
        self._evidence = evidence
        self._question = question or ""
        self._template = template
        self._indexes: dict[str, EvidenceIndex] = {}
        self._pieces = [(text, model.pieces(text.text)) for text in evidence]
        self._by_room: dict[tuple[int, str], list[_Window]] = {}

    def judge(self, sentences: Sequence[str], language: str) -> list[Judgement]:
        """A judgement on each of ``sentences``, in order. Raises: ModelUnavailable."""
        if language not in self._indexes:
            self._indexes[language] = EvidenceIndex(self._evidence, language)
        chosen = [self._windows(sentence, language) for sentence in sentences]
        pairs = [
            (self._shown(window), sentence)
            for sentence, windows in zip(sentences, chosen, strict=True)
            for window in windows
        ]
        readings = iter(self._model.read(pairs))
        return [_judgement([(window, next(readings)) for window in windows]) for windows in chosen]

    def _shown(self, window: _Window) -> str:
        return self._template.replace("{question}", self._question).replace("{evidence}", window.text)

    def _windows(self, sentence: str, language: str) -> list[_Window]:
        """The nearest pieces, and the nearest sentences of all of them together."""
        room = max(8, self._model.room_beside(sentence) - len(self._model.pieces(self._shown(_NOTHING))))
        windows = self._cut(room - room % _STEP, language)
        wanted = content_terms(sentence, language)
        weights = rarity(window.terms for window in windows)
        shares = [coverage(wanted, window.terms, weights) for window in windows]
        order = sorted(range(len(windows)), key=lambda place: (-shares[place], windows[place].text))
        nearest = [windows[place] for place in order[:_MOST_WINDOWS]]
        if len(windows) > 1:
            nearest.append(self._together(sentence, language))
        return nearest

    def _cut(self, room: int, language: str) -> list[_Window]:
        """All of the evidence in pieces for so much room, cut once."""
        if (room, language) not in self._by_room:
            self._by_room[room, language] = [
                _window(text, start, end, language)
                for text, pieces in self._pieces
                for start, end in _packed(text.text, pieces, room)
            ]
        return self._by_room[room, language]

    def _together(self, sentence: str, language: str) -> _Window:
        near = self._indexes[language].nearest(sentence)
        text = "\n".join(dict.fromkeys(each.text for each in near))
        span = evidence_span(near[0], self._evidence) if near else None
        return _Window(text, span, frozenset())


_NOTHING = _Window("", None, frozenset())


def _window(text: Evidence, start: int, end: int, language: str) -> _Window:
    quote = text.text[start:end]
    span = EvidenceSpan(evidence_id=text.id, start=start, end=end, quote=quote)
    return _Window(quote, span, content_terms(quote, language))


def _packed(text: str, pieces: Sequence[tuple[int, int]], room: int) -> list[tuple[int, int]]:
    """``text`` in runs of sentences of at most ``room`` word pieces; a longer sentence is cut."""
    runs: list[tuple[int, int]] = []
    filled = at = 0
    for start, end in split_sentences(text):
        first = at
        while at < len(pieces) and pieces[at][0] < end:
            at += 1
        own = pieces[first:at]
        if runs and filled + len(own) <= room:
            runs[-1], filled = (runs[-1][0], end), filled + len(own)
            continue
        for cut in range(0, max(1, len(own)), room):
            part = own[cut : cut + room]
            runs.append((part[0][0], part[-1][1]) if part else (start, end))
            filled = len(part)
    return runs


def _judgement(read: Sequence[tuple[_Window, PairReading]]) -> Judgement:
    """The piece that supports best decides; a word is doubted when every piece leaves it so."""
    window, best = max(read, key=lambda each: each[1].supported)
    doubted: list[tuple[int, int]] = []
    if best.doubts:
        least = [
            min(each.probability for each in words)
            for words in zip(*(r.doubts for _, r in read), strict=False)
        ]
        score = 1 - max(least, default=0.0)
        doubted = [
            (word.start, word.end)
            for word, doubt in zip(best.doubts, least, strict=False)
            if doubt >= _DOUBTED
        ]
    else:
        score = best.supported
    return Judgement(
        score=min(max(score, 0.0), 1.0),
        contradicted=max(reading.contradicted for _, reading in read) > _DOUBTED,
        evidence=() if window.span is None else (window.span,),
        unsupported=joined_places(doubted),
    )
