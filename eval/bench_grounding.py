"""``footnote bench grounding``: how long the check of an answer takes, and of many responses."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eval.bench import milliseconds, shown
from eval.groundedness import evaluate_groundedness
from eval.report import SummaryRow
from eval.synthetic import SEED, Synthesizer
from ingest.factory import build_ingestor
from ingest.sources import open_source
from rag.domain import Evidence
from rag.errors import InvalidRequest
from rag.factory import Footnote
from rag.interfaces import Embedder, GroundednessChecker
from rag.settings import Settings
from rag.text.sentences import split_sentences

SENTENCES = 8
PASSAGES = 8
CONTEXT_PASSAGES = 4
"""Of a response of the batch: some 400 words, as responses that people have labelled usually have."""

_SYNTHETIC = 2000
_SHORTEST, _LONGEST = 6, 40  # words of a sentence that is taken
_DROPPED = 7  # every so many words one is left out
_WARM_UP = 3
_COLLECTION = "footnote-bench"


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundingBench:
    """Checks of answers of eight sentences; no sentence stands word for word in what it is checked against.

    Half of the sentences are a passage's own with words left out, the others begin as one and end as another
    one, so that both carried and uncarried sentences are timed.

    Attributes:
        texts: what the passages are: a folder's chunks, or synthetic ones.
        at_once_ms: a whole answer against eight passages.
        live_ms: the same answers, sentence by sentence, all of them together.
        live_sentence_ms: one sentence of those.
        responses_per_second: of a file of responses that ``footnote eval groundedness`` reads.
    """

    texts: str
    passages: int
    checker: str
    answers: int
    at_once_ms: dict[str, float]
    live_ms: dict[str, float]
    live_sentence_ms: dict[str, float]
    responses: int
    responses_per_second: float
    model: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        return [
            ("passages", f"{self.texts}, {self.passages:,} to draw from"),
            ("checker", f"{self.checker}, {self.model}"),
            ("answers", f"{self.answers:,} of {SENTENCES} sentences against {PASSAGES} passages"),
            ("an answer at once", shown(self.at_once_ms)),
            ("sentence by sentence", shown(self.live_ms)),
            ("  each sentence", shown(self.live_sentence_ms)),
            (
                "batch",
                f"{self.responses_per_second:.1f} responses/s: {self.responses:,} of {SENTENCES} sentences "
                f"against a context of {CONTEXT_PASSAGES} passages",
            ),
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """An answer with what it is checked against."""

    sentences: tuple[str, ...]
    passages: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def bench_grounding(
    path: Path | None,
    *,
    settings: Settings,
    checker: str | None = None,
    answers: int = 50,
    responses: int = 1000,
    embedder: Embedder | None = None,
) -> GroundingBench:
    """Time a checker on answers made from a folder's chunks, or from synthetic ones without a folder.

    Raises:
        SourceError: the path is missing or unreadable.
        InvalidRequest: too little in it could be ingested, or the checker is unknown.
    """
    with TemporaryDirectory(prefix="footnote-bench-") as folder:
        private = settings.model_copy(update={"data_dir": Path(folder) / "data", "catalog_url": None})
        with Footnote(private, embedder=embedder) as footnote:
            measured = footnote.checker(checker)
            texts = _synthetic(footnote) if path is None else _chunks(footnote, path)
            made = _answers(texts)
            timed = [*islice(made, _WARM_UP + answers)]
            at_once = [_seconds_at_once(measured, answer) for answer in timed][_WARM_UP:]
            live = [_seconds_live(measured, answer) for answer in timed][_WARM_UP:]
            file = Path(folder) / "responses.jsonl"
            _write(file, [*islice(made, responses)])
            started = time.perf_counter()
            evaluate_groundedness(file, checker=measured)
            spent = time.perf_counter() - started
            return GroundingBench(
                texts="synthetic" if path is None else f"chunks of {path}",
                passages=len(texts),
                checker=measured.name,
                answers=answers,
                at_once_ms=milliseconds(at_once),
                live_ms=milliseconds([sum(sentences) for sentences in live]),
                live_sentence_ms=milliseconds([*chain.from_iterable(live)]),
                responses=responses,
                responses_per_second=round(responses / spent, 2),
                model=footnote.embedder.description,
            )


# --------------------------------------------------------------------------------------------- texts


def _synthetic(footnote: Footnote) -> list[str]:
    return Synthesizer(footnote.embedder.profile.dimension, seed=SEED + 4).passages(_SYNTHETIC)


def _chunks(footnote: Footnote, path: Path) -> list[str]:
    """The texts of the folder's chunks from which a sentence can be taken."""
    collection = footnote.open_collection(_COLLECTION)
    with build_ingestor(footnote) as ingestor:
        ingestor.sync(open_source(path), collection=collection)
    batches = footnote.catalog.chunks_added_since(collection.id, 0, upto=2**62)
    found = dict.fromkeys(chunk.text for batch in batches for chunk in batch)
    texts = [text for text in found if _sentence_of(text)]
    if len(texts) < 2 * PASSAGES:
        raise InvalidRequest(
            f"{path} gives {len(texts)} passages with a sentence to check; name a folder with at least "
            f"{2 * PASSAGES}, or none for synthetic passages."
        )
    return texts


def _answers(texts: Sequence[str]) -> Iterator[_Answer]:
    """Answers without end, each from passages drawn for it; the same texts give the same ones."""
    draw = random.Random(SEED)  # noqa: S311 (no secret depends on it)
    while True:
        passages = draw.sample(texts, PASSAGES)
        others = draw.sample(texts, SENTENCES)
        taken = [_sentence_of(passages[number % PASSAGES]) for number in range(SENTENCES)]
        sentences = [
            _crossed(words, _sentence_of(other)) if number % 2 else _thinned(words)
            for number, (words, other) in enumerate(zip(taken, others, strict=True))
        ]
        yield _Answer(sentences=tuple(sentences), passages=tuple(passages))


def _sentence_of(text: str) -> list[str]:
    """The words of the first sentence of a usual length; none where there is no such sentence."""
    for start, end in split_sentences(text):
        words = text[start:end].split()
        if _SHORTEST <= len(words) <= _LONGEST:
            return words
    return []


def _thinned(words: Sequence[str]) -> str:
    """The sentence with some words left out."""
    kept = [word for place, word in enumerate(words) if (place + 1) % _DROPPED or place + 1 == len(words)]
    return _sentence(kept)


def _crossed(words: Sequence[str], others: Sequence[str]) -> str:
    """The beginning of one sentence with the end of another one."""
    return _sentence([*words[: len(words) // 2], *others[len(others) // 2 :]])


def _sentence(words: Sequence[str]) -> str:
    text = " ".join(words).rstrip(" .:;,!?…")
    return f"{text[:1].upper()}{text[1:]}."


def _write(file: Path, answers: Sequence[_Answer]) -> None:
    """The answers as records of ``footnote eval groundedness``; their labels are of no account here."""
    with file.open("w", encoding="utf-8") as lines:
        for number, answer in enumerate(answers):
            record = {
                "id": str(number),
                "context": "\n\n".join(answer.passages[:CONTEXT_PASSAGES]),
                "response": answer.text,
                "supported": number % 2 == 0,
            }
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")


# -------------------------------------------------------------------------------------------- timing


def _seconds_at_once(checker: GroundednessChecker, answer: _Answer) -> float:
    started = time.perf_counter()
    checker.check(answer.text, _evidence(answer))
    return time.perf_counter() - started


def _seconds_live(checker: GroundednessChecker, answer: _Answer) -> list[float]:
    """Seconds of every sentence; the first one's include the beginning of the check."""
    seconds, before = [], ""
    started = time.perf_counter()
    session = checker.begin(_evidence(answer))
    for sentence in answer.sentences:
        session.judge(sentence, before=before)
        seconds.append(time.perf_counter() - started)
        before = f"{before}{sentence} "
        started = time.perf_counter()
    return seconds


def _evidence(answer: _Answer) -> list[Evidence]:
    return [Evidence(id=str(number), text=text) for number, text in enumerate(answer.passages, start=1)]
