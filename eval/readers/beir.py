"""BEIR folders: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels.tsv``, each also gzip-compressed.

Thakur et al. (2021), *BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval
Models*, https://arxiv.org/abs/2104.08663.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from eval.readers.lines import FileRow, Id, LineFailure, Text, numbered_lines, read_records, require_good_line
from rag.errors import DatasetError

_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")
_QUERIES = ("queries.jsonl", "queries.jsonl.gz")
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,9}(\.0+)?")
_QRELS = ("qrels.tsv", "qrels.tsv.gz", "qrels/test.tsv")


@dataclass(frozen=True, kw_only=True, slots=True)
class BeirDocument:
    """A record of the corpus; ``title`` is empty where the corpus has none."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BeirQuery:
    """A query with the place it was read from."""

    id: str
    text: str
    file: str
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BeirDataset:
    """A corpus with queries and relevance judgements.

    Attributes:
        queries: by id, all of the file; those without judgements are not evaluated.
        qrels: judgements by query id, then document id; 0 or less is judged and not relevant.
        failures: unusable lines, and judgements that name a query or a document that is not there.
    """

    name: str
    documents: tuple[BeirDocument, ...]
    queries: dict[str, BeirQuery]
    qrels: dict[str, dict[str, int]]
    failures: tuple[LineFailure, ...]


class _CorpusRow(FileRow):
    id: Id = Field(alias="_id")
    title: Text | None = None
    text: Text


class _QueryRow(FileRow):
    id: Id = Field(alias="_id")
    text: Text


def read_beir(directory: Path) -> BeirDataset:
    """Read a BEIR folder; the header line of the judgements may be missing.

    Raises:
        DatasetError: the folder or one of its three files is missing, or holds no usable line.
    """
    if not directory.is_dir():
        expected = ", ".join((_CORPUS[0], _QUERIES[0], _QRELS[0]))
        raise DatasetError(f"{directory} is not a folder; expected one with {expected}.")
    corpus, queries, qrels = (_member(directory, names) for names in (_CORPUS, _QUERIES, _QRELS))
    documents, bad_documents = _read_documents(corpus)
    asked, bad_queries = _read_queries(queries)
    judged, bad_judgements = _read_qrels(qrels)
    dangling = _dangling(qrels.name, judged, documents=documents, queries=asked)
    return BeirDataset(
        name=directory.resolve().name,
        documents=tuple(documents.values()),
        queries=asked,
        qrels=judged,
        failures=(*bad_documents, *bad_queries, *bad_judgements, *dangling),
    )


def _member(directory: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (directory / name).is_file():
            return directory / name
    raise DatasetError(f"{directory} holds no {names[0]} (looked for {', '.join(names)}).")


def _read_documents(path: Path) -> tuple[dict[str, BeirDocument], list[LineFailure]]:
    documents: dict[str, BeirDocument] = {}

    def convert(line: int, row: _CorpusRow) -> None:
        _refuse_repeated(row.id, documents)
        documents[row.id] = BeirDocument(id=row.id, title=(row.title or "").strip(), text=row.text)

    _, failures = read_records(path, _CorpusRow, convert)
    return documents, failures


def _read_queries(path: Path) -> tuple[dict[str, BeirQuery], list[LineFailure]]:
    queries: dict[str, BeirQuery] = {}

    def convert(line: int, row: _QueryRow) -> None:
        _refuse_repeated(row.id, queries)
        queries[row.id] = BeirQuery(id=row.id, text=row.text, file=path.name, line=line)

    _, failures = read_records(path, _QueryRow, convert)
    return queries, failures


def _refuse_repeated(record_id: str, known: dict[str, Any]) -> None:
    if record_id in known:
        raise ValueError(f"the id {record_id!r} was used before; the first record with it is kept")


def _read_qrels(path: Path) -> tuple[dict[str, dict[str, int]], list[LineFailure]]:
    qrels: dict[str, dict[str, int]] = {}
    failures: list[LineFailure] = []
    for position, (number, line) in enumerate(numbered_lines(path)):
        try:
            query, document, score = _judgement(line)
            if qrels.get(query, {}).get(document, score) != score:
                raise ValueError(
                    f"{query!r} and {document!r} were judged differently before; the first stands"
                )
        except ValueError as exc:
            if position > 0 or not _is_header(line):
                failures.append(LineFailure(file=path.name, line=number, reason=str(exc)))
            continue
        qrels.setdefault(query, {})[document] = score
    require_good_line(path, bool(qrels), failures)
    return qrels, failures


def _judgement(line: bytes) -> tuple[str, str, int]:
    fields = [field.strip() for field in line.decode().split("\t")]
    if len(fields) != 3 or not all(fields):
        raise ValueError(
            f"expected query id, document id and score separated by tabs, got {len(fields)} fields"
        )
    if not _WHOLE_NUMBER.fullmatch(fields[2]):
        raise ValueError(f"expected a whole number as score, got {fields[2]!r}")
    return fields[0], fields[1], int(fields[2].split(".")[0])


def _is_header(line: bytes) -> bool:
    """Whether the third column of the first line is a word, as in ``query-id corpus-id score``."""
    fields = line.split(b"\t")
    return len(fields) == 3 and fields[2].strip().isalpha()


def _dangling(
    file: str,
    qrels: dict[str, dict[str, int]],
    *,
    documents: dict[str, BeirDocument],
    queries: dict[str, BeirQuery],
) -> list[LineFailure]:
    """Judgements that point nowhere stay in the scores, as what could not be found; here they are named."""
    missing_queries = [query for query in qrels if query not in queries]
    missing_documents = sorted(
        {
            document
            for judged in qrels.values()
            for document, score in judged.items()
            if score > 0 and document not in documents
        }
    )
    reasons = [f"the judged query {query!r} is not among the queries; scored 0" for query in missing_queries]
    reasons += [f"the relevant document {document!r} is not in the corpus" for document in missing_documents]
    return [LineFailure(file=file, line=0, reason=reason) for reason in reasons]
