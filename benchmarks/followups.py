"""Rewriting of follow-up questions, measured: ``python benchmarks/followups.py FOLDER…``.

FOLDER is in BEIR layout; where its queries carry ``metadata.history`` (turns with ``speaker`` and ``text``),
each is searched as typed and rewritten. Where they carry none they stand alone: each is put behind another
question of the set, drawn at random, and must not get worse. nDCG@10 through the real pipeline, without a
language model. The table in docs/quality.md comes from it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.readers import BeirDataset, read_beir
from eval.records import RecordSource, ingest_records
from eval.report import silent
from eval.retrieval import score_run
from rag.conversation.rewriting import CarryOverRewriter
from rag.domain import Access, Turn
from rag.factory import Footnote
from rag.settings import load_settings

_PASSAGES = 100
History = Sequence[Turn]
Way = Callable[[str, History], str]

WAYS: Mapping[str, Way] = {
    "as typed": lambda question, history: question,
    "rewritten": CarryOverRewriter().rewrite,
    "last question always added": lambda question, history: " ".join(
        [question, *(turn.question for turn in history[-1:])]
    ),
}


def histories(folder: Path, dataset: BeirDataset) -> dict[str, History]:
    """The turns before each judged query, oldest first."""
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    told = {row["_id"]: row.get("metadata", {}).get("history") for row in rows}
    if any(told.values()):
        return {query: _turns(told[query] or []) for query in dataset.qrels}
    draw = random.Random(20261121)
    others = sorted(dataset.qrels)
    return {query: [Turn(question=dataset.queries[draw.choice(others)].text)] for query in dataset.qrels}


def _turns(said: Sequence[Mapping[str, str]]) -> History:
    turns: list[Turn] = []
    for part in said:
        if part["speaker"] == "user":
            turns.append(Turn(question=part["text"]))
        elif turns:
            turns[-1] = Turn(question=turns[-1].question, answer=part["text"])
    return turns


def compare(folder: Path) -> None:
    """Print one line a way."""
    dataset = read_beir(folder)
    before = histories(folder, dataset)
    with TemporaryDirectory() as name, Footnote(load_settings(data_dir=name)) as footnote:
        files = Path(name) / "files"
        files.mkdir()
        collection = footnote.open_collection("followups")
        source = RecordSource(dataset.documents, folder=files, label=dataset.name)
        records = ingest_records(footnote, source, collection=collection, progress=silent).record_ids

        def ranking(text: str) -> list[str]:
            found = footnote.retriever.retrieve(
                text, collection="followups", k=_PASSAGES, access=Access.everything()
            )
            return list(dict.fromkeys(records[passage.document_id] for passage in found.passages))

        print(f"{dataset.name}, {len(dataset.qrels)} questions")
        baseline: list[float] = []
        for label, way in WAYS.items():
            asked = {query: way(dataset.queries[query].text, before[query]) for query in dataset.qrels}
            values = score_run(dataset.qrels, {query: ranking(text) for query, text in asked.items()})
            scores = values["nDCG@10"]
            baseline = baseline or scores
            changed = sum(asked[query] != dataset.queries[query].text for query in asked)
            better = sum(new > old + 1e-9 for new, old in zip(scores, baseline, strict=True))
            worse = sum(new < old - 1e-9 for new, old in zip(scores, baseline, strict=True))
            print(
                f"  {label:28}{sum(scores) / len(scores):.4f}  changed {changed}, "
                f"of these better {better}, worse {worse}"
            )


def main() -> None:
    """Compare on each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders in BEIR layout")
    for folder in parser.parse_args().folders:
        compare(folder)


if __name__ == "__main__":
    main()
