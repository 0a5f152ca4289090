"""Reports as runs of MLflow."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.sinks.sink import logged
from rag.errors import StorageError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when the library is imported

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

_LONGEST_PARAMETER = 500


class MlflowSink:
    """One run a report.

    Args:
        uri: of the tracking server, or ``sqlite:///FILE``; ``None``: what ``MLFLOW_TRACKING_URI`` says, or
            MLflow's own place in the working directory.
    """

    def __init__(self, uri: str | None, *, experiment: str) -> None:
        self._uri = uri
        self._experiment = experiment

    def log(self, report: Mapping[str, Any], files: Sequence[Path]) -> None:
        """See :class:`eval.sinks.sink.Sink`."""
        try:
            self._log(report, files)
        except (MlflowException, OSError) as exc:
            raise StorageError(
                f"MLflow did not take the report ({exc}). Check --sink mlflow:URI or MLFLOW_TRACKING_URI; "
                "the report's own files are written."
            ) from exc

    def _log(self, report: Mapping[str, Any], files: Sequence[Path]) -> None:
        found = logged(report)
        client = MlflowClient(tracking_uri=self._uri)
        known = client.get_experiment_by_name(self._experiment)
        experiment = client.create_experiment(self._experiment) if known is None else known.experiment_id
        run = client.create_run(experiment, run_name=found.name).info.run_id
        now = int(time.time() * 1000)
        client.log_batch(
            run,
            metrics=[Metric(name, value, now, 0) for name, value in found.metrics.items()],
            params=[Param(name, value[:_LONGEST_PARAMETER]) for name, value in found.parameters.items()],
        )
        for file in files:
            client.log_artifact(run, str(file))
        client.set_terminated(run)
