"""``footnote doctor``."""

from __future__ import annotations

import typer
from rich.text import Text

from api.console import FAILURE, AsJson, DataDir, command


def doctor(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Check catalog, indexes, model, disk, device and LLM, and say what to do next.

    Example: footnote doctor
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.diagnosis import diagnose
        from api.findings import Health

        styles = {Health.OK: "green", Health.WARNING: "yellow", Health.PROBLEM: "bold red"}
        diagnosis = diagnose(run.footnote)
        if as_json:
            run.print_json(diagnosis.to_json())
        else:
            for finding in diagnosis.findings:
                line = Text(f"{finding.health.value:<8}", style=styles[finding.health])
                line.append(f"{finding.part:<9}{finding.message}", style="default")
                if finding.next_step:
                    line.append(f" → {finding.next_step}", style="bold")
                run.out.print(line)
        if not diagnosis.healthy:
            raise typer.Exit(FAILURE)
