"""``footnote eval compare``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from api.console import FAILURE, AsJson, CollectionName, DataDir, command, print_json
from api.reports import SinkSpecs, counting


def compare(
    questions: Annotated[
        Path, typer.Argument(help="Lines {id, question, answers?, documents?, quotes?, answerable?}.")
    ],
    llm: Annotated[
        list[str] | None,
        typer.Option("--llm", help="extractive, a name of llms, or provider:model; give it several times."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--setting",
            metavar="KEY=VALUE",
            help="A setting that differs, e.g. k=4; values of one setting are alternatives.",
        ),
    ] = None,
    collection: CollectionName = None,
    checker: Annotated[
        str | None, typer.Option("--checker", help="Judges all of them; unset: the default one.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="Your price table, TOML; unset: the shipped examples.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write comparison.json, comparison.html and answers.csv here.", file_okay=False
        ),
    ] = None,
    sink: SinkSpecs = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Ask several language models, or one under several settings, the same questions, and rank them.

    The first one given is what the others are compared with.

    Example: footnote eval compare questions.jsonl --llm extractive --llm openai:gpt-5-mini --out compared
    """
    with command(as_json=as_json, data_dir=data_dir, checker=checker) as run:
        from eval.compare.comparison import compare as compared
        from eval.compare.files import prepared, write_files
        from eval.compare.prices import read_prices
        from eval.compare.table import print_comparison
        from eval.compare.variants import variants
        from eval.question_set import read_question_set
        from eval.sinks import open_sinks

        sinks = open_sinks(sink or [])
        folder = None if out is None else prepared(out)
        table = read_prices(prices)
        contestants = variants(llm or [], setting or [], settings=run.settings)
        asked = read_question_set(questions)
        with counting(run) as count:
            comparison = compared(
                asked,
                contestants,
                collection=collection or run.collection,
                prices=table,
                footnote=run.footnote,
                progress=count,
            )
        if folder is not None:
            write_files(comparison, folder)
        if as_json:
            print_json(comparison.to_json())
        else:
            print_comparison(comparison, run.out)
        if sinks:
            with TemporaryDirectory() as scratch:
                files = write_files(comparison, folder or Path(scratch))
                for each in sinks:
                    each.log(comparison.to_json(), files)
        if not comparison.ranking:
            raise typer.Exit(FAILURE)
