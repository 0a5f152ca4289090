"""Reports as runs of Weights & Biases; with ``WANDB_MODE=offline`` they are kept for ``wandb sync``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.sinks.sink import logged
from rag.errors import StorageError

os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read when the library is imported

import wandb
from wandb.errors import Error

_ARTIFACT_NAME = re.compile(r"[^\w.-]+")


class WandbSink:
    """One run a report, its files as an artifact of the type ``report``."""

    def __init__(self, project: str) -> None:
        self._project = project

    def log(self, report: Mapping[str, Any], files: Sequence[Path]) -> None:
        """See :class:`eval.sinks.sink.Sink`."""
        try:
            self._log(report, files)
        except (Error, OSError) as exc:
            raise StorageError(
                f"Weights & Biases did not take the report ({exc}). Log in with `wandb login`, or set "
                "WANDB_MODE=offline; the report's own files are written."
            ) from exc

    def _log(self, report: Mapping[str, Any], files: Sequence[Path]) -> None:
        found = logged(report)
        settings = wandb.Settings(silent=True, console="off")
        with wandb.init(
            project=self._project, name=found.name, config=dict(found.parameters), settings=settings
        ) as run:
            run.log(dict(found.metrics))
            artifact = wandb.Artifact(_ARTIFACT_NAME.sub("-", found.name), type="report")
            for file in files:
                artifact.add_file(str(file))
            run.log_artifact(artifact)
