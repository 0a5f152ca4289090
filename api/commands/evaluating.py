"""``footnote eval``: what is measured here, and the commands of modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.running_suites import run_suite
from api.console import AsJson, DataDir, command
from api.reports import counting, show_report
from rag.domain import SearchMode

app = typer.Typer(help="Measure retrieval, the groundedness check and refusals.", no_args_is_help=True)
app.command("run")(run_suite)


@app.command()
def retrieval(
    directory: Annotated[
        Path, typer.Argument(help="Folder in BEIR layout: corpus.jsonl[.gz], queries.jsonl, qrels.tsv.")
    ],
    mode: Annotated[SearchMode, typer.Option("--mode", help="Which index answers.")] = SearchMode.HYBRID,
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="A cutoff to report besides.")] = 10,
    run_file: Annotated[
        Path | None, typer.Option("--run-file", help="Write the ranking in TREC format here.", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Ingest a data set's corpus into a throw-away data directory and score what its queries find.

    Example: footnote eval retrieval datasets/scifact --mode hybrid
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.retrieval import evaluate_retrieval

        with counting(run) as count:
            report = evaluate_retrieval(
                directory, settings=run.settings, mode=mode, k=k, run_file=run_file, progress=count
            )
        show_report(run, report, title=f"Retrieval, {mode}")


@app.command()
def groundedness(
    file: Annotated[
        Path,
        typer.Argument(
            help="Lines {id, context, response, spans|supported|label}; or {premise, hypothesis, label}, as "
            "JSONL or with tabs (.tsv); or a folder of RAGTruth as published."
        ),
    ],
    checker: Annotated[
        str | None,
        typer.Option("--checker", help="local, lexical, llm[:NAME], nli:MODEL or hub:MODEL."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Compare the groundedness check with people's labels; the positive class is "unsupported".

    Example: footnote eval groundedness ragtruth.jsonl
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.groundedness import evaluate_groundedness

        with counting(run) as count:
            report = evaluate_groundedness(file, checker=run.footnote.checker(checker), progress=count)
        show_report(run, report, title="Groundedness")


@app.command()
def refusal(
    file: Annotated[Path, typer.Argument(help="Lines {id, question, passages, answerable, answers?}.")],
    llm: Annotated[
        str | None, typer.Option("--llm", help="extractive, a name of llms, or provider:model.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Ask questions with given passages, and see whether those without an answer are refused.

    Example: footnote eval refusal questions.jsonl
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.refusal import evaluate_refusal

        with counting(run) as count:
            answerer = run.footnote.answerer(llm, fallbacks=False)
            report = evaluate_refusal(file, answerer=answerer, progress=count)
        show_report(run, report, title="Refusal")
