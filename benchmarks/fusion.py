"""Fusion methods side by side on BEIR folders: ``python benchmarks/fusion.py DATA/retrieval``.

Ingests each set through the real pipeline, then compares keyword, dense, reciprocal rank fusion, min-max
and the product's fusion at dense shares from .1 to .9, in nDCG@10. The table in docs/decisions/0002 comes
from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.readers import read_beir
from eval.records import RecordSource, ingest_records
from eval.report import silent
from eval.retrieval import score_run
from rag.domain import Access
from rag.factory import Footnote
from rag.fusion import fuse
from rag.settings import load_settings

CANDIDATES = 600
SHARES = [step / 10 for step in range(1, 10)]
Scores = Mapping[int, float]


def reciprocal_rank(dense: Scores, keyword: Scores) -> dict[int, float]:
    """Reciprocal rank fusion with the usual constant of 60 (Cormack et al. 2009)."""
    fused: dict[int, float] = {}
    for scores in (dense, keyword):
        for rank, chunk_id in enumerate(sorted(scores, key=lambda each: -scores[each]), start=1):
            fused[chunk_id] = fused.get(chunk_id, 0.0) + 1 / (60 + rank)
    return fused


def min_max(dense: Scores, keyword: Scores, *, weight: float) -> dict[int, float]:
    """Convex combination after scaling each list from its worst to its best candidate."""

    def scaled(scores: Scores) -> dict[int, float]:
        low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
        return {each: (score - low) / (high - low) if high > low else 1.0 for each, score in scores.items()}

    one, two = scaled(dense), scaled(keyword)
    return {each: weight * one.get(each, 0.0) + (1 - weight) * two.get(each, 0.0) for each in {*one, *two}}


def compare(folder: Path) -> None:
    """Print the table of one data set."""
    dataset = read_beir(folder)
    with TemporaryDirectory() as name, Footnote(load_settings(data_dir=name)) as footnote:
        files = Path(name) / "files"
        files.mkdir()
        collection = footnote.open_collection("fusion")
        source = RecordSource(dataset.documents, folder=files, label=dataset.name)
        records = ingest_records(footnote, source, collection=collection, progress=silent).record_ids
        collection = footnote.catalog.collection("fusion")
        owner = {
            chunk.id: records[document]
            for document in records
            for chunk in footnote.catalog.document_chunks(document, access=Access.everything())
        }
        snapshot = footnote.indexes.snapshot(collection)
        found: dict[str, tuple[dict[int, float], dict[int, float]]] = {}
        for query_id in dataset.qrels:
            query = dataset.queries[query_id].text
            vector = footnote.embedder.embed_query(query)
            keyword = {h.chunk_id: h.score for h in snapshot.keyword.search(query, CANDIDATES, allowed=None)}
            dense = {h.chunk_id: h.score for h in snapshot.dense.search(vector, CANDIDATES, allowed=None)}
            found[query_id] = (dense, keyword)

    def ndcg(rank: object) -> float:
        run = {}
        for query_id, (dense, keyword) in found.items():
            scores = rank(dense, keyword)  # type: ignore[operator]
            ranked = sorted(scores, key=lambda each: (-scores[each], each))
            run[query_id] = list(dict.fromkeys(owner[each] for each in ranked))[:100]
        values = score_run(dataset.qrels, run)["nDCG@10"]
        return sum(values) / len(values)

    print(dataset.name)
    print(f"  keyword {ndcg(lambda dense, keyword: keyword):.4f}")
    print(f"  dense   {ndcg(lambda dense, keyword: dense):.4f}")
    print(f"  rrf     {ndcg(reciprocal_rank):.4f}")
    for name, method in (("min-max", min_max), ("product", fuse)):
        row = [
            f"{share:.1f}: {ndcg(lambda d, k, m=method, w=share: m(d, k, weight=w)):.4f}" for share in SHARES
        ]
        print(f"  {name} ", "  ".join(row))


def main() -> None:
    """Compare on every BEIR folder below the given one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder whose sub-folders are in BEIR layout")
    for folder in sorted(parser.parse_args().data.iterdir()):
        if (folder / "qrels.tsv").is_file():
            compare(folder)


if __name__ == "__main__":
    main()
