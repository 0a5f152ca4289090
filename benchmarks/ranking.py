"""What each part of the ranking brings, on BEIR folders: ``python benchmarks/ranking.py FOLDER…``.

Ingests each set through the real pipeline and searches its real indexes; then ranks the same candidates by
one index alone, by the usual fusions, and by the product's score with parts of it left out. Prints nDCG@10, a
row per ranking and a column per set. The table of docs/quality.md comes from it, over the development sets
and what ``python benchmarks/alike_reports.py FOLDER`` makes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.readers import BeirDataset, read_beir
from eval.records import RecordSource, ingest_records
from eval.report import silent
from eval.retrieval import score_run
from rag.domain import Access, Collection, StoredChunk
from rag.factory import Footnote
from rag.retrieval.close_reading import CloseReader
from rag.retrieval.fusion import EncoderScale, Reading, first_scores, flatness, read_score
from rag.settings import load_settings
from rag.text.language import detect_language

CANDIDATES = 600
READ = 40
Scores = Mapping[int, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the indexes and the close reading say of one question's candidates."""

    dense: Scores
    keyword: Scores
    scale: EncoderScale
    flatness: float
    readings: Mapping[int, Reading]


def reciprocal_rank(found: Found) -> Scores:
    """Reciprocal rank fusion with the usual constant of 60 (Cormack et al. 2009)."""
    fused: dict[int, float] = {}
    for scores in (found.dense, found.keyword):
        for rank, chunk_id in enumerate(sorted(scores, key=lambda each: -scores[each]), start=1):
            fused[chunk_id] = fused.get(chunk_id, 0.0) + 1 / (60 + rank)
    return fused


def min_max(found: Found) -> Scores:
    """Both lists scaled from their worst to their best candidate, and averaged."""

    def scaled(scores: Scores) -> dict[int, float]:
        low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
        return {each: (score - low) / (high - low) if high > low else 1.0 for each, score in scores.items()}

    dense, keyword = scaled(found.dense), scaled(found.keyword)
    return {each: dense.get(each, 0.0) + keyword.get(each, 0.0) for each in {*dense, *keyword}}


def product(found: Found, *, coverage: bool = True, named: bool = True, share: float | None = None) -> Scores:
    """The product's score, with or without what close reading adds, and with another share of meaning."""
    scale = found.scale if share is None else replace(found.scale, share=share)
    scores = first_scores(found.dense, found.keyword, scale)
    best = sorted(scores, key=lambda each: -scores[each])[:READ]
    floor = max(scores.values(), default=0.0) + 1  # those that were read come first
    for chunk_id in best:
        reading = found.readings[chunk_id]
        kept = Reading(coverage=reading.coverage if coverage else 0.0, named=reading.named if named else 0.0)
        scores[chunk_id] += floor + read_score(kept, flatness=found.flatness, scale=scale)
    return scores


RANKINGS: Mapping[str, Callable[[Found], Scores]] = {
    "keyword alone": lambda found: found.keyword,
    "dense alone": lambda found: found.dense,
    "reciprocal rank fusion": reciprocal_rank,
    "min-max of each list, averaged": min_max,
    "product, not read closely": lambda found: product(found, coverage=False, named=False),
    "product, read for coverage": lambda found: product(found, named=False),
    "product, read for names": lambda found: product(found, coverage=False),
    "product": product,
    "product, share of meaning .3 everywhere": lambda found: product(found, share=0.3),
    "product, share of meaning .5 everywhere": lambda found: product(found, share=0.5),
    "product, share of meaning .7 everywhere": lambda found: product(found, share=0.7),
}


def found_in(footnote: Footnote, collection: Collection, query: str) -> Found:
    """Both indexes' candidates for a question, and every one of them read."""
    snapshot = footnote.indexes.snapshot(collection)
    vector = footnote.embedder.embed_query(query)
    language = detect_language(query)
    hits = snapshot.keyword.search(query, CANDIDATES, allowed=None)
    reader = CloseReader(query, language=language, keyword=snapshot.keyword)
    level = flatness([hit.score for hit in hits])
    keyword = {hit.chunk_id: hit.score for hit in hits}
    dense = {hit.chunk_id: hit.score for hit in snapshot.dense.search(vector, CANDIDATES, allowed=None)}
    ids = [*{*dense, *keyword}]
    chunks: Mapping[int, StoredChunk] = footnote.catalog.chunks_by_id(
        collection.id, ids, access=Access.everything()
    )
    return Found(
        dense=dense | snapshot.dense.similarities(vector, [each for each in keyword if each not in dense]),
        keyword=keyword,
        scale=footnote.encoders.scales(footnote.embedder).in_language(language),
        flatness=level,
        readings=reader.read(list(chunks.values())),
    )


def measure(dataset: BeirDataset) -> dict[str, float]:
    """nDCG@10 of every ranking on one set."""
    with TemporaryDirectory() as name, Footnote(load_settings(data_dir=name)) as footnote:
        files = Path(name) / "files"
        files.mkdir()
        collection = footnote.open_collection("ranking")
        source = RecordSource(dataset.documents, folder=files, label=dataset.name)
        records = ingest_records(footnote, source, collection=collection, progress=silent).record_ids
        collection = footnote.catalog.collection("ranking")
        owner = {
            chunk.id: records[document]
            for document in records
            for chunk in footnote.catalog.document_chunks(document, access=Access.everything())
        }
        found = {
            query_id: found_in(footnote, collection, dataset.queries[query_id].text)
            for query_id in dataset.qrels
        }
    return {name: _ndcg(dataset, found, rank, owner) for name, rank in RANKINGS.items()}


def _ndcg(
    dataset: BeirDataset,
    found: Mapping[str, Found],
    rank: Callable[[Found], Scores],
    owner: Mapping[int, str],
) -> float:
    run = {}
    for query_id, each in found.items():
        scores = rank(each)
        ranked = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
        run[query_id] = list(dict.fromkeys(owner[chunk_id] for chunk_id in ranked))[:100]
    values = score_run(dataset.qrels, run)["nDCG@10"]
    return sum(values) / len(values)


def show(tables: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    """Print a Markdown table."""
    print("| nDCG@10 | " + " | ".join(name for name, _ in tables) + " |")
    print("|---" * (len(tables) + 1) + "|")
    for ranking in RANKINGS:
        print(f"| {ranking} | " + " | ".join(f"{values[ranking]:.4f}" for _, values in tables) + " |")


def main() -> None:
    """Measure every folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="in BEIR layout")
    datasets = [read_beir(folder) for folder in parser.parse_args().folders]
    show([(dataset.name, measure(dataset)) for dataset in datasets])


if __name__ == "__main__":
    main()
