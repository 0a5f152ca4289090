"""``footnote bench ingest|query|answer|index|grounding``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.console import AsJson, DataDir, command
from api.reports import show_report

app = typer.Typer(
    help="Measure speed on this machine; its data go to a throw-away folder.", no_args_is_help=True
)

Chunks = Annotated[int, typer.Option("--chunks", min=1, max=20_000_000, help="Synthetic chunks to search.")]
Keep = Annotated[
    Path | None,
    typer.Option("--keep", help="Keep the chunks in this folder, for another run; default: throw them away."),
]
Queries = Annotated[int, typer.Option("--queries", min=1, max=10_000, help="Searches to time.")]


@app.command()
def ingest(
    path: Annotated[Path | None, typer.Argument(help="Folder or file to ingest.")] = None,
    files: Annotated[
        int, typer.Option("--files", min=0, max=10_000_000, help="Generate this many small files instead.")
    ] = 0,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=100, help="Ingest it all this often.")] = 2,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Ingest a folder, embed the same chunks bare, by turns, and give the ratio of the two rates.

    Example: footnote bench ingest samples/handbook
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.bench_ingest import bench_ingest

        report = bench_ingest(path, settings=run.settings, files=files, rounds=rounds)
        show_report(run, report, title="Ingestion")


@app.command()
def query(
    chunks: Chunks = 10_000,
    queries: Queries = 200,
    clients: Annotated[int, typer.Option("--clients", min=1, max=256, help="Who search at once.")] = 16,
    keep: Keep = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Time searches over synthetic chunks: by mode, by one client and by many; recall, cold start, memory.

    Example: footnote bench query --chunks 100000
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.bench import bench_query

        report = bench_query(chunks, queries=queries, clients=clients, settings=run.settings, keep=keep)
        show_report(run, report, title="Search")


@app.command()
def answer(
    chunks: Chunks = 10_000,
    queries: Queries = 200,
    keep: Keep = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Time answers without a language model over synthetic chunks, and every part of them.

    Example: footnote bench answer --chunks 100000
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.bench_answer import bench_answer

        report = bench_answer(chunks, queries=queries, settings=run.settings, keep=keep)
        show_report(run, report, title="Answers")


@app.command()
def index(
    chunks: Chunks = 10_000,
    queries: Queries = 200,
    keep: Keep = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            help="Search bare vectors in this device's memory instead: cuda, cuda:N, or cpu.",
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Time building, opening and searching the indexes of synthetic chunks.

    Example: footnote bench index --chunks 100000

    Example: footnote bench index --chunks 1000000 --device cuda
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        if device is not None:
            from eval.bench_device import bench_device
            from rag.embedding.sentence_transformer import choose_device

            show_report(run, bench_device(chunks, device=choose_device(device)), title="Vectors on a device")
            return
        from eval.bench import bench_index

        report = bench_index(chunks, queries=queries, settings=run.settings, keep=keep)
        show_report(run, report, title="Index")


@app.command()
def grounding(
    path: Annotated[
        Path | None, typer.Argument(help="Folder whose chunks are the passages; none: synthetic ones.")
    ] = None,
    checker: Annotated[str | None, typer.Option("--checker", help="Checker; unset: the default one.")] = None,
    answers: Annotated[int, typer.Option("--answers", min=1, max=10_000, help="Answers to time.")] = 50,
    responses: Annotated[int, typer.Option("--responses", min=1, max=100_000, help="Of the batch.")] = 1000,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Time the groundedness check: an answer at once, sentence by sentence, and a file of responses.

    Example: footnote bench grounding samples/handbook
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.bench_grounding import bench_grounding

        report = bench_grounding(
            path, settings=run.settings, checker=checker, answers=answers, responses=responses
        )
        show_report(run, report, title="Groundedness check")
