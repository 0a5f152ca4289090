"""The parts of a suite that read files of their own: retrieval, groundedness, refusal."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.decisions import Decision
from eval.groundedness import GroundednessReport, evaluate_groundedness
from eval.readers import LineFailure, read_beir
from eval.refusal import RefusalReport, evaluate_refusal
from eval.report import number
from eval.retrieval import DEPTH, evaluate_retrieval, score_run
from eval.suite.report import Case, FailureBody, Figure, Record, RecordSet
from eval.suite.statistics import value_and_interval
from eval.suite.steps import Steps
from rag.factory import Footnote


@dataclass(frozen=True, kw_only=True, slots=True)
class PartResult:
    """What one part of a suite came to."""

    figures: tuple[Figure, ...]
    records: RecordSet
    failures: tuple[FailureBody, ...]
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """A figure as people read of it."""

    title: str
    explained: str
    better: str = "higher"


_RANKING = "Share of what is relevant that stands among the first {k} documents of the ranking."
RETRIEVAL_FIGURES: Mapping[str, Explained] = {
    "nDCG@10": Explained(
        title="nDCG@10",
        explained="How good the first ten documents are, the higher ones counting more; 1 is the best order.",
    ),
    "RR@10": Explained(
        title="reciprocal rank",
        explained="1 if the first document is relevant, 1/2 if the second is the first such, 1/3 … "
        "0 if none of ten.",
    ),
    **{f"R@{k}": Explained(title=f"recall at {k}", explained=_RANKING.format(k=k)) for k in (1, 5, 10, 100)},
}
GROUNDEDNESS_FIGURES: Mapping[str, Explained] = {
    "auroc": Explained(
        title="AUROC",
        explained="How often the check scores a response with an unsupported part as more doubtful than one "
        "without. 0.5 is guessing.",
    ),
    "balanced_accuracy": Explained(
        title="balanced accuracy",
        explained="Mean of the shares of unsupported and of supported responses that are told rightly. "
        "0.5 is guessing.",
    ),
    "precision": Explained(
        title="precision", explained="Of the responses that the check objects to, the share that deserve it."
    ),
    "recall": Explained(
        title="recall", explained="Of the unsupported responses, the share that the check objects to."
    ),
    "f1": Explained(title="F1", explained="Harmonic mean of precision and recall."),
}
REFUSAL_FIGURES: Mapping[str, Explained] = {
    "refusal_recall": Explained(
        title="refusal recall", explained="Of the questions without an answer, the share that is refused."
    ),
    "false_refusal_rate": Explained(
        title="false refusals",
        explained="Of the questions with an answer, the share that is refused all the same.",
        better="lower",
    ),
    "balanced_accuracy": Explained(
        title="balanced accuracy",
        explained="Mean of the shares of unanswerable and answerable questions that are told rightly. "
        "0.5 is guessing.",
    ),
    "auroc": Explained(
        title="AUROC",
        explained="How often a question without an answer is judged less answerable than one with. "
        "0.5 is guessing.",
    ),
}


def part_name(key: str, path: Path) -> str:
    """What a file's part is called: ``retrieval/scifact``."""
    return f"{key}/{path.name}"


def run_retrieval(folder: Path, footnote: Footnote, *, seed: int, steps: Steps) -> PartResult:
    """Ingest a BEIR folder and score what its queries find. Raises: DatasetError."""
    part = part_name("retrieval", folder)
    report = evaluate_retrieval(
        folder, settings=footnote.settings, embedder=footnote.embedder, progress=steps.counting(part)
    )
    records = RecordSet(
        part=part,
        kind="means",
        fingerprint=_hash_of(
            path for path in folder.rglob("*") if path.name.startswith(("queries", "qrels"))
        ),
        records=tuple(
            Record(id=query, cluster=query, values=dict(values)) for query, values in report.per_query.items()
        ),
    )
    trivial = {"random order": _random_order(folder, seed=seed)}
    failures = _failures(part, report.failures)
    failures += [
        FailureBody(
            part=part, file=folder.name, line=0, reason=f"{each.id!r} was not ingested: {each.message}"
        )
        for each in report.ingest.failures
    ]
    return _result(records, RETRIEVAL_FIGURES, trivial, failures, seed=seed)


def run_groundedness(file: Path, footnote: Footnote, *, seed: int, steps: Steps) -> PartResult:
    """Compare the groundedness check with people's labels. Raises: DatasetError."""
    part = part_name("groundedness", file)
    report = evaluate_groundedness(file, checker=footnote.checker(), progress=steps.counting(part))
    records = _decided(part, file, report)
    trivial = {
        "word overlap": {"auroc": number(report.scores.word_overlap_auroc)},
        "always unsupported": {
            "f1": number(report.scores.decisions.always_positive_f1),
            "balanced_accuracy": 0.5,
            "recall": 1.0,
        },
    }
    return _result(records, GROUNDEDNESS_FIGURES, trivial, _failures(part, report.failures), seed=seed)


def run_refusal(file: Path, footnote: Footnote, *, llm: str | None, seed: int, steps: Steps) -> PartResult:
    """Ask questions with given passages and see which are refused. Raises: DatasetError."""
    part = part_name("refusal", file)
    answerer = footnote.answerer(llm, fallbacks=False)
    report = evaluate_refusal(file, answerer=answerer, progress=steps.counting(part))
    trivial: dict[str, dict[str, float | None]] = {
        "always refusing": {"refusal_recall": 1.0, "false_refusal_rate": 1.0, "balanced_accuracy": 0.5},
        "never refusing": {"refusal_recall": 0.0, "false_refusal_rate": 0.0, "balanced_accuracy": 0.5},
    }
    records = _decided(part, file, report)
    return _result(records, REFUSAL_FIGURES, trivial, _failures(part, report.failures), seed=seed)


def _result(
    records: RecordSet,
    explained: Mapping[str, Explained],
    trivial: Mapping[str, Mapping[str, float | None]],
    failures: Sequence[FailureBody],
    *,
    seed: int,
) -> PartResult:
    figures = []
    for name, text in explained.items():
        value, bounds, n = value_and_interval(records.kind, records.records, name, seed=seed)
        figures.append(
            Figure(
                part=records.part,
                name=name,
                title=text.title,
                value=value,
                ci95=bounds,
                n=n,
                better="lower" if text.better == "lower" else "higher",
                explained=text.explained,
                trivial={system: values[name] for system, values in trivial.items() if name in values},
            )
        )
    return PartResult(figures=tuple(figures), records=records, failures=tuple(failures))


def _decided(part: str, file: Path, report: GroundednessReport | RefusalReport) -> RecordSet:
    return RecordSet(
        part=part,
        kind="decisions",
        fingerprint=_hash_of([file]),
        records=tuple(_record(decision) for decision in report.decided),
    )


def _record(decision: Decision) -> Record:
    values = {
        "positive": float(decision.positive),
        "score": decision.score,
        "predicted": float(decision.predicted),
    }
    return Record(id=decision.id, cluster=decision.cluster, values=values)


def _random_order(folder: Path, *, seed: int) -> dict[str, float | None]:
    """What documents drawn by lot come to."""
    dataset = read_beir(folder)
    documents = [document.id for document in dataset.documents]
    lots = random.Random(seed)  # noqa: S311 (no secret)
    run = {query: lots.sample(documents, min(DEPTH, len(documents))) for query in dataset.qrels}
    scores = score_run(dataset.qrels, run)
    return {name: number(sum(values) / len(values)) for name, values in scores.items()}


def _failures(part: str, failures: Iterable[LineFailure]) -> list[FailureBody]:
    return [FailureBody(part=part, file=each.file, line=each.line, reason=each.reason) for each in failures]


def _hash_of(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()
