"""The ``footnote`` command: one module per group of commands in :mod:`api.commands`."""

from __future__ import annotations

import typer

from api.commands import (
    asking,
    benching,
    collections,
    comparing,
    connecting,
    conversations,
    doctor,
    documents,
    evaluating,
    generating,
    ingesting,
    jobs,
    serving,
    tuning,
)

app = typer.Typer(
    name="footnote",
    help="Answers over your documents: every sentence carries a footnote to the passage it rests on.\n\n"
    "Start with: footnote ingest FOLDER, then footnote ask 'How many days of leave do we have?'",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serving.serve)
app.command("mcp")(connecting.mcp)
app.command("ingest")(ingesting.ingest)
app.command("ask")(asking.ask)
app.command("search")(asking.search)
app.command("tune")(tuning.tune)
app.command("doctor")(doctor.doctor)
app.add_typer(documents.app, name="documents")
app.add_typer(collections.app, name="collections")
app.add_typer(conversations.app, name="conversations")
app.add_typer(jobs.app, name="jobs")
evaluating.app.command("compare")(comparing.compare)
evaluating.app.command("generate")(generating.generate)
app.add_typer(evaluating.app, name="eval")
app.add_typer(benching.app, name="bench")


def main() -> None:
    """Entry point of the ``footnote`` command."""
    app()
