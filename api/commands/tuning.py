"""``footnote tune``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from api.console import AsJson, DataDir, Run, command

if TYPE_CHECKING:
    from ingest.tuning.tune import Tuned, Tuner

KEPT = "The collection serves as before; what was begun is removed."
STILL_TUNED = "The tuned model serves as before; the same command goes on."


def tune(
    name: Annotated[str, typer.Argument(help="Name of the collection.", metavar="COLLECTION")],
    undo: Annotated[
        bool, typer.Option("--undo", help="Go back to the model that the collection had before.")
    ] = False,
    minutes: Annotated[
        float,
        typer.Option("--minutes", min=0.1, help="End the training after so many; judging comes on top."),
    ] = 10.0,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Adapt the embedding model to a collection, with pairs mined from it; kept only if search gets better.

    Titles, headings, questions and first sentences become questions, the text below them their answers. The
    model learns from most documents and is judged by the others. Searches go on meanwhile.

    Example: footnote tune handbook, and footnote tune handbook --undo
    """
    with command(as_json=as_json, data_dir=data_dir, kept=STILL_TUNED if undo else KEPT) as run:
        from api.tuning_progress import TuningBar

        with TuningBar(run.err, shown=run.err.is_terminal) as bar:
            tuner = _tuner(run, minutes)
            if undo:
                undone = tuner.undo(name, progress=bar)
                shown, sentence = undone.to_json(), f"{name!r} is back to {undone.after.embedding_model}"
                sentence += f": {undone.documents:,} documents re-embedded in {undone.seconds:.0f} s."
            else:
                tuned = tuner.tune(name, progress=bar)
                shown, sentence = tuned.to_json(), _told(tuned)
        if as_json:
            run.print_json(shown)
        else:
            run.out.print(sentence, markup=False)


def _tuner(run: Run, minutes: float) -> Tuner:
    from ingest.tuning.training import Recipe, train
    from ingest.tuning.tune import Tuner

    settings = run.settings
    recipe = Recipe(minutes=minutes, threads=settings.threads)
    return Tuner(run.footnote, trainer=partial(train, recipe=recipe, device=settings.device))


def _told(tuned: Tuned) -> str:
    """What came of it, in one sentence with its figures."""
    before, after = tuned.before.to_json(), tuned.after.to_json()
    figures = ", ".join(
        f"{name.removesuffix('_nDCG@10')} {before[name]:.3f} → {after[name]:.3f}" for name in before
    )
    learned = (
        f"{tuned.pairs:,} pairs learned from in {tuned.seconds:.0f} s, judged by {tuned.held_out:,} others"
    )
    if tuned.kept:
        verdict = f"{tuned.collection!r} is tuned; `footnote tune {tuned.collection} --undo` takes it back"
    else:
        verdict = f"Not kept: no gain beyond chance; {tuned.collection!r} serves as before"
    return f"{verdict}. nDCG@10 {figures} ({learned})."
