"""Fits the small weights that Footnote carries, on development data: ``python -m eval.calibrate WHAT DATA``.

``sentences``: questions whose answering sentences are marked, or known by the answer's words or its record;
fits how statements are ordered. ``answerability``, to be fitted after it: answerable and unanswerable
questions. From a refusal file as labelled; from retrieval sets by retrieving twice: as a user would, and with
the relevant records taken away, so that what is left is the nearest the documents have without the answer.
Fitted is a logistic regression with balanced classes; printed are scores on folds that share no source with
what they were fitted on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

import rag.answering.answerability as answerability_module
import rag.answering.evidence as evidence_module
from eval.fitting import Array, Example, fit, named, say_scores
from eval.marked_questions import (
    PASSAGES,
    QUESTIONS_PER_SET,
    asked,
    ingested_dataset,
    marked_in_refusal_file,
    marked_in_retrieval_set,
)
from eval.readers import read_beir, read_refusal
from eval.refusal import given_passages
from eval.sentence_ranking import fit_model
from rag.answering.answerability import FEATURES, AnswerabilityModel, CalibratedAnswerabilityJudge
from rag.answering.evidence import SentenceScorer
from rag.domain import Access
from rag.factory import Footnote
from rag.logistic import Weights
from rag.settings import load_settings

app = typer.Typer(help=__doc__, add_completion=False)
_FALSE_REFUSALS = 0.06
"""Share of answerable questions that may be refused: a wrong refusal costs more than a quote too many."""

Data = Annotated[Path, typer.Argument(help="Folder that holds retrieval/, groundedness/ and refusal/.")]


# ---------------------------------------------------------------------------------------- sentences


@app.command()
def sentences(data: Data) -> None:
    """Fit rag/answering/sentences.json."""
    with TemporaryDirectory() as folder, Footnote(load_settings(data_dir=folder)) as footnote:
        marked = [*marked_in_refusal_file(data / "refusal" / "clapnq-dev.jsonl")]
        for name in ("xquad-en", "mtrag-un-dev", "cnil-fr"):
            marked += marked_in_retrieval_set(data / "retrieval" / name, footnote, Path(folder))
        model = fit_model(marked, lambda model: SentenceScorer(footnote.embedder, model))
    _write(Path(evidence_module.__file__).with_name("sentences.json"), model.model_dump_json(indent=1))


# ------------------------------------------------------------------------------------ answerability


@app.command()
def answerability(data: Data) -> None:
    """Fit rag/answering/answerability.json."""
    neutral = AnswerabilityModel(threshold=0.0, signals=Weights(intercept=0.0, weights={}))
    with TemporaryDirectory() as folder, Footnote(load_settings(data_dir=folder)) as footnote:
        judge = CalibratedAnswerabilityJudge(footnote.scorer, neutral)
        examples = list(_from_refusal_file(data / "refusal" / "clapnq-dev.jsonl", judge))
        for name in ("xquad-en", "mtrag-un-dev"):
            examples += _from_retrieval(data / "retrieval" / name, footnote, judge, Path(folder))
    intercept, weights, held_out = fit(examples)
    say_scores(examples, held_out, typer.echo)
    model = AnswerabilityModel(
        threshold=_refusal_threshold(examples, held_out), signals=named(intercept, FEATURES, weights)
    )
    _write(
        Path(answerability_module.__file__).with_name("answerability.json"), model.model_dump_json(indent=1)
    )


def _refusal_threshold(examples: Sequence[Example], held_out: Array) -> float:
    """The highest threshold, in steps of .01, that refuses few answerable questions over the data sets."""
    labels = np.array([example.good for example in examples])
    names = np.array([example.dataset for example in examples])
    chosen = 0.0
    for threshold in np.arange(0.1, 0.51, 0.01):
        refused = held_out < threshold
        wrongly = [refused[labels & (names == name)].mean() for name in sorted(set(names))]
        rightly = [refused[~labels & (names == name)].mean() for name in sorted(set(names))]
        typer.echo(
            f"threshold {threshold:.2f}: refused rightly {np.mean(rightly):.2f}, "
            f"wrongly {np.mean(wrongly):.2f}"
        )
        if np.mean(wrongly) <= _FALSE_REFUSALS:
            chosen = round(float(threshold), 2)
    return chosen


def _from_refusal_file(file: Path, judge: CalibratedAnswerabilityJudge) -> Iterator[Example]:
    for record in read_refusal(file).records:
        question = asked(record.question)
        yield _answerability_example(
            judge.features(question, given_passages(record)),
            record.answerable,
            f"{file.stem}/{record.id}",
            file.stem,
        )


def _from_retrieval(
    folder: Path, footnote: Footnote, judge: CalibratedAnswerabilityJudge, workspace: Path
) -> Iterator[Example]:
    dataset = read_beir(folder)
    collection, ids = ingested_dataset(dataset, footnote, workspace)
    for query_id in list(dataset.qrels)[:QUESTIONS_PER_SET]:
        query = dataset.queries.get(query_id)
        if query is None:
            continue
        question = asked(query.text)
        relevant = {record for record, grade in dataset.qrels[query_id].items() if grade > 0}
        found = footnote.retriever.retrieve(
            question.text, collection=collection, k=PASSAGES + 40, access=Access.everything()
        ).passages
        without = [passage for passage in found if ids[passage.document_id] not in relevant][:PASSAGES]
        group = f"{dataset.name}/{query_id}"
        if any(ids[passage.document_id] in relevant for passage in found[:PASSAGES]):
            yield _answerability_example(
                judge.features(question, found[:PASSAGES]), True, group, dataset.name
            )
        if without:
            yield _answerability_example(judge.features(question, without), False, group, dataset.name)


def _answerability_example(values: dict[str, float], good: bool, group: str, dataset: str) -> Example:
    return Example(values=tuple(values[name] for name in FEATURES), good=good, group=group, dataset=dataset)


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
    typer.echo(f"wrote {path.name}")


if __name__ == "__main__":
    app()
