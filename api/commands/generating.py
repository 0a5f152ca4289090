"""``footnote eval generate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.console import AsJson, DataDir, command
from api.reports import counting, show_report
from rag.errors import InvalidRequest


def generate(
    collection: Annotated[str, typer.Argument(help="The collection to ask about.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write the question set here; unset: questions-COLLECTION.jsonl.", dir_okay=False
        ),
    ] = None,
    count: Annotated[int, typer.Option("--n", min=1, max=10_000, help="Questions wanted.")] = 50,
    llm: Annotated[
        str | None,
        typer.Option("--llm", help="A language model that writes questions; unset: made by rules, offline."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Another one chooses other questions.")
    ] = 20240229,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a starter question set from the documents of a collection, for people who have none.

    Such questions are easier than real ones: read them, mend them, and add those that people really ask.

    Example: footnote eval generate handbook --n 50 --out questions.jsonl
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from eval.generating.generate import generate as generated

        file = out or Path(f"questions-{collection}.jsonl")
        if file.exists() and not force:
            raise InvalidRequest(
                f"{file} is there already, maybe with questions of yours; name another file with --out, or "
                "replace it with --force."
            )
        with counting(run) as progress:
            found = generated(run.footnote, collection, wanted=count, seed=seed, llm=llm, progress=progress)
        try:
            file.write_text("".join(f"{line}\n" for line in found.lines()), encoding="utf-8")
        except OSError as exc:
            raise InvalidRequest(
                f"{file} cannot be written ({exc.strerror}); name another with --out."
            ) from exc
        show_report(run, replace(found, file=file), title="Question set")
