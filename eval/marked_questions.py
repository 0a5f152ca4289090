"""Questions with passages, and which statements answer: marked, or known by their words or record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.readers import BeirDataset, read_beir, read_refusal
from eval.records import RecordSource, ingest_records
from eval.refusal import given_passages
from eval.report import silent
from rag.domain import Access, Passage, Question
from rag.factory import Footnote
from rag.text.language import detect_language

PASSAGES = 8
QUESTIONS_PER_SET = 500
_COLLECTION = "calibration"
IsGold = Callable[[Passage, str], bool]


@dataclass(frozen=True, kw_only=True)
class MarkedQuestion:
    """A question with passages, and which statement of which passage answers it."""

    question: Question
    passages: Sequence[Passage]
    is_gold: IsGold
    dataset: str
    group: str


def asked(text: str) -> Question:
    """The question as the answer path takes it."""
    return Question(text=text, collection=_COLLECTION, k=PASSAGES, language=detect_language(text))


def marks_sentence(marked: Sequence[str]) -> IsGold:
    """Right is what holds a marked sentence, or most of one."""
    wanted = [_plain(text) for text in marked]

    def is_gold(_: Passage, sentence: str) -> bool:
        held = _plain(sentence)
        return any(text in held or (len(held) > len(text) / 2 and held in text) for text in wanted)

    return is_gold


def marks_span(documents: Collection[str], answers: Sequence[str]) -> IsGold:
    """Right is what holds an answer, in one of ``documents``; without answers every statement of them."""
    spans = [re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)") for answer in answers]
    return lambda passage, sentence: (
        passage.document_id in documents and (not spans or any(span.search(sentence) for span in spans))
    )


def marked_in_refusal_file(file: Path) -> Iterator[MarkedQuestion]:
    """The answerable questions of a refusal file whose lines name the sentences that support the answer."""
    lines = (json.loads(line) for line in file.read_text().splitlines())
    support = {line["id"]: line["support"] for line in lines}
    for record in read_refusal(file).records:
        if record.answerable:
            yield MarkedQuestion(
                question=asked(record.question),
                passages=given_passages(record),
                is_gold=marks_sentence(support[record.id]),
                dataset=file.stem,
                group=f"{file.stem}/{record.id}",
            )


def marked_in_retrieval_set(folder: Path, footnote: Footnote, workspace: Path) -> Iterator[MarkedQuestion]:
    """The questions of a retrieval set with what a user's answer would be made from."""
    dataset = read_beir(folder)
    collection, ids = ingested_dataset(dataset, footnote, workspace)
    lines = (json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines())
    answers = {line["_id"]: line.get("metadata", {}).get("answers", ()) for line in lines}
    for query_id in [*dataset.qrels][:QUESTIONS_PER_SET]:
        if query_id not in dataset.queries:
            continue
        question = asked(dataset.queries[query_id].text)
        relevant = {record for record, grade in dataset.qrels[query_id].items() if grade > 0}
        passages = footnote.distinct_retriever.retrieve(
            question.text, collection=collection, k=PASSAGES, access=Access.everything()
        ).passages
        documents = {passage.document_id for passage in passages if ids[passage.document_id] in relevant}
        yield MarkedQuestion(
            question=question,
            passages=passages,
            is_gold=marks_span(documents, answers[query_id]),
            dataset=dataset.name,
            group=f"{dataset.name}/{query_id}",
        )


def ingested_dataset(
    dataset: BeirDataset, footnote: Footnote, workspace: Path
) -> tuple[str, Mapping[str, str]]:
    """Ingest a retrieval set; the collection's name, and the record's id by document id."""
    files = workspace / f"files-{dataset.name}"
    files.mkdir()
    collection = footnote.open_collection(f"{_COLLECTION}-{dataset.name}")
    source = RecordSource(dataset.documents, folder=files, label=dataset.name)
    found = ingest_records(footnote, source, collection=collection, progress=silent)
    return collection.name, found.record_ids


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
