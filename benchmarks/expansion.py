"""Fusing the findings of query variants, without a language model: ``python benchmarks/expansion.py FOLDER``.

What a model writes can be good or beside the point. Bad variants are other questions of the set, drawn at
random; good ones, where the queries carry ``metadata.history``, the follow-ups rewritten to stand alone.
nDCG@10 through the real pipeline, for reciprocal rank fusion, the maximum and the product's fusion.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from followups import histories

from eval.readers import read_beir
from eval.records import RecordSource, ingest_records
from eval.report import silent
from eval.retrieval import score_run
from rag.conversation.rewriting import CarryOverRewriter
from rag.domain import Access, Passage
from rag.factory import Footnote
from rag.retrieval.expansion import fuse_findings
from rag.settings import load_settings

_DEPTH = 50
Findings = Sequence[Sequence[Passage]]
Variants = Mapping[str, Sequence[str]]


def _ranked(findings: Findings, scores: Mapping[int, float]) -> list[Passage]:
    passages = {passage.chunk_id: passage for found in findings for passage in found}
    return [passages[chunk_id] for chunk_id in sorted(scores, key=lambda each: -scores[each])]


def reciprocal_rank(findings: Findings) -> list[Passage]:
    """Reciprocal rank fusion, every list alike."""
    scores: dict[int, float] = {}
    for found in findings:
        for rank, passage in enumerate(found, start=1):
            scores[passage.chunk_id] = scores.get(passage.chunk_id, 0.0) + 1 / (60 + rank)
    return _ranked(findings, scores)


def maximum(findings: Findings) -> list[Passage]:
    """The best share in any list."""
    scores: dict[int, float] = {}
    for found in findings:
        for passage in found:
            share = passage.score / found[0].score
            scores[passage.chunk_id] = max(scores.get(passage.chunk_id, 0.0), share)
    return _ranked(findings, scores)


FUSIONS: Mapping[str, Callable[[Findings], list[Passage]]] = {
    "reciprocal rank": reciprocal_rank,
    "maximum": maximum,
    "product": lambda findings: fuse_findings(findings[0], findings[1:]),
}


def variants_of(texts: Mapping[str, str], good: Variants) -> Mapping[str, Variants]:
    """What a model could have written, by name."""
    draw = random.Random(20261121)
    others = [*texts.values()]
    bad = {query: [draw.choice(others) for _ in range(3)] for query in texts}
    kinds: dict[str, Variants] = {"none": {query: [] for query in texts}, "3 unrelated": bad}
    if any(good.values()):
        kinds["1 good"] = good
        kinds["1 good, 2 unrelated"] = {query: [*good[query], *bad[query][:2]] for query in texts}
    return kinds


def compare(folder: Path) -> None:
    """Print one line for each kind of variants."""
    dataset = read_beir(folder)
    texts = {query: dataset.queries[query].text for query in dataset.qrels}
    rewriter = CarryOverRewriter()
    rewritten = {
        query: rewriter.rewrite(texts[query], past) for query, past in histories(folder, dataset).items()
    }
    has_history = '"history"' in (folder / "queries.jsonl").read_text(encoding="utf-8")
    good = {
        query: [text] if has_history and text != texts[query] else [] for query, text in rewritten.items()
    }
    with TemporaryDirectory() as name, Footnote(load_settings(data_dir=name)) as footnote:
        files = Path(name) / "files"
        files.mkdir()
        collection = footnote.open_collection("expansion")
        source = RecordSource(dataset.documents, folder=files, label=dataset.name)
        records = ingest_records(footnote, source, collection=collection, progress=silent).record_ids

        @cache
        def search(text: str) -> Sequence[Passage]:
            return footnote.retriever.retrieve(
                text, collection="expansion", k=_DEPTH, access=Access.everything()
            ).passages

        print(f"{dataset.name}, {len(texts)} questions")
        for label, variants in variants_of(texts, good).items():
            cells = []
            for fusion, fuse in FUSIONS.items():
                run = {}
                for query, text in texts.items():
                    findings = [search(text), *(search(variant) for variant in variants[query])]
                    ranked = fuse([found for found in findings if found])
                    run[query] = list(dict.fromkeys(records[passage.document_id] for passage in ranked))
                values = score_run(dataset.qrels, run)["nDCG@10"]
                cells.append(f"{fusion} {sum(values) / len(values):.4f}")
            print(f"  {label:22}", "  ".join(cells))


def main() -> None:
    """Compare on each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders in BEIR layout")
    for folder in parser.parse_args().folders:
        compare(folder)


if __name__ == "__main__":
    main()
