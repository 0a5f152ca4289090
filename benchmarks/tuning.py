"""What `footnote tune` brings: ``python benchmarks/tuning.py FOLDER… [--minutes N] [--others BEIR…]``.

Ingests each folder into a throw-away data directory and tunes it. A folder in BEIR layout brings people's own
questions along: they are asked before and after, and the tuning never sees them. ``--others`` asks further
BEIR folders with the model that was tuned to this one: what it has forgotten.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.readers import BeirDataset, read_beir
from eval.records import RecordSource, ingest_records
from eval.retrieval import evaluate_retrieval, score_run
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from ingest.tuning.training import Recipe, train
from ingest.tuning.tune import Tuned, Tuner
from rag.domain import Access, SearchMode
from rag.factory import Footnote
from rag.settings import Settings, load_settings

MODES = (SearchMode.DENSE, SearchMode.HYBRID)
PASSAGES = 100


def ingest_folder(footnote: Footnote, folder: Path) -> None:
    with build_ingestor(footnote) as ingestor:
        ingestor.sync(FolderSource(folder), collection=footnote.open_collection(folder.name))


def ask(footnote: Footnote, dataset: BeirDataset, record_ids: dict[str, str], mode: SearchMode) -> float:
    """Mean nDCG@10 of the people's questions."""
    run: dict[str, list[str]] = {}
    for query in dataset.qrels:
        found = footnote.retriever.retrieve(
            dataset.queries[query].text,
            collection=dataset.name,
            k=PASSAGES,
            access=Access.everything(),
            mode=mode,
        )
        run[query] = list(dict.fromkeys(record_ids[passage.document_id] for passage in found.passages))
    scores = score_run(dataset.qrels, run)["nDCG@10"]
    return sum(scores) / len(scores)


def rows(tuned: Tuned, asked: Sequence[Sequence[float]]) -> Iterator[str]:
    shown = tuned.to_json()
    outcome = f"{'kept' if tuned.kept else 'not kept'}, {tuned.seconds:.0f} s"
    yield f"{tuned.collection}: {tuned.pairs} pairs, {tuned.held_out} held out: {outcome}"
    for place, mode in enumerate(MODES):
        before, after = (shown[moment][f"{mode}_nDCG@10"] for moment in ("before", "after"))
        gain, bound = shown["gain"][mode]
        yield f"  held out  {mode:<7} {before:.3f} → {after:.3f}  gain {gain:+.3f}, over {bound:+.3f} at 95 %"
        if asked:
            yield f"  questions {mode:<7} {asked[0][place]:.3f} → {asked[1][place]:.3f}"


def measure(folder: Path, settings: Settings, *, recipe: Recipe, others: Sequence[Path]) -> None:
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(prefix="footnote-tuning-")))
        private = settings.model_copy(update={"data_dir": place / "data", "catalog_url": None})
        footnote = stack.enter_context(Footnote(private))
        dataset, record_ids, asked = None, {}, []
        if (folder / "queries.jsonl").exists():
            dataset = read_beir(folder)
            (place / "files").mkdir()
            source = RecordSource(dataset.documents, folder=place / "files", label=dataset.name)
            collection = footnote.open_collection(dataset.name)
            record_ids = dict(
                ingest_records(
                    footnote, source, collection=collection, progress=lambda done, total: None
                ).record_ids
            )
            asked.append([ask(footnote, dataset, record_ids, mode) for mode in MODES])
        else:
            ingest_folder(footnote, folder)
        tuner = Tuner(footnote, trainer=partial(train, recipe=recipe, device=settings.device))
        tuned = tuner.tune(folder.name)
        if dataset is not None:
            asked.append([ask(footnote, dataset, record_ids, mode) for mode in MODES])
        print(*rows(tuned, asked), sep="\n", flush=True)
        for other in others if tuned.kept else ():
            model = footnote.embedder_named(tuned.model)
            for mode in MODES:
                before, after = (
                    evaluate_retrieval(other, settings=settings, mode=mode, embedder=embedder).metrics[
                        "nDCG@10"
                    ]
                    for embedder in (footnote.embedder, model)
                )
                print(f"  elsewhere {other.name} {mode:<7} {before:.3f} → {after:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, default=Recipe().minutes)
    parser.add_argument("--others", nargs="*", type=Path, default=[], help="BEIR folders")
    arguments = parser.parse_args()
    settings = load_settings()
    recipe = Recipe(minutes=arguments.minutes, threads=settings.threads)
    for folder in arguments.folders:
        measure(folder, settings, recipe=recipe, others=[one for one in arguments.others if one != folder])


if __name__ == "__main__":
    main()
