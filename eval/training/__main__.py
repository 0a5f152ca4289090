"""Trains the checker ``local``: ``make train-grounding``, or ``python -m eval.training DATA``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import rag.grounding.local as home
from eval.training.model_card import write_card
from eval.training.stages import CURRICULUM_CLAIMS, FOLDS, Training
from rag.grounding.local.loading import MODEL_FILE, WEIGHTS_FILE


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the development data.")],
    work: Annotated[
        Path, typer.Option(help="Where finished stages are kept; delete it to train anew.")
    ] = Path(".training"),
    claims: Annotated[int, typer.Option(help="Claims of the generated curriculum.")] = CURRICULUM_CLAIMS,
    device: Annotated[str, typer.Option(help="cpu, or cuda where there is one.")] = "cpu",
    stage: Annotated[str, typer.Option(help="Only this stage: curriculum, fold-N or final.")] = "",
) -> None:
    """Train, cross-validate, calibrate, and write weights, probabilities and model card."""
    started = time.monotonic()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)  # noqa: T201

    training = Training(data, work, claims=claims, device=device, say=say)
    stages: dict[str, Callable[[], Path]] = {
        "curriculum": training.curriculum,
        **{f"fold-{number}": partial(training.fold, number) for number in range(FOLDS)},
        "final": training.final,
    }
    if stage:
        stages[stage]()
        return
    for run in stages.values():
        run()
    model = training.calibrate()
    folder = Path(home.__file__).parent
    shutil.copyfile(training.final(), folder / WEIGHTS_FILE)
    (folder / MODEL_FILE).write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
    write_card(lines, training.counts(), seconds=time.monotonic() - started)
    say(f"wrote {WEIGHTS_FILE}, {MODEL_FILE} and docs/grounding-model.md")


if __name__ == "__main__":
    typer.run(main)
