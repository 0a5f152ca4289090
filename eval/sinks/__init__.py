"""Where reports are sent besides: MLflow and Weights & Biases, each an extra."""

from __future__ import annotations

from eval.sinks.opening import open_sinks
from eval.sinks.sink import Sink

__all__ = ["Sink", "open_sinks"]
