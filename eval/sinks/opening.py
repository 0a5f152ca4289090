"""A sink by what the user typed: ``mlflow[:URI]`` or ``wandb[:PROJECT]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec

from eval.sinks.sink import Sink
from rag.errors import InvalidRequest

EXPERIMENT = "footnote"
"""MLflow's experiment, and Weights & Biases' project unless another one is named."""


def open_sinks(specs: Sequence[str]) -> list[Sink]:
    """The sinks, ready: what is missing is said before an hour of questions, not after it.

    Raises:
        InvalidRequest: an unknown sink, or one whose package is not installed.
    """
    return [_open(spec) for spec in specs]


def _open(spec: str) -> Sink:
    name, _, target = spec.partition(":")
    if name not in _KINDS:
        raise InvalidRequest(f"--sink is {spec!r}, expected mlflow, mlflow:URI, wandb or wandb:PROJECT.")
    if find_spec(name) is None:
        raise InvalidRequest(
            f"The sink {name} needs a package that is not installed: pip install 'footnote[{name}]'."
        )
    return _KINDS[name](target or None)


def _mlflow(uri: str | None) -> Sink:
    from eval.sinks.mlflow_sink import MlflowSink  # its library takes seconds to import

    return MlflowSink(uri, experiment=EXPERIMENT)


def _wandb(project: str | None) -> Sink:
    from eval.sinks.wandb_sink import WandbSink  # its library takes seconds to import

    return WandbSink(project or EXPERIMENT)


_KINDS: Mapping[str, Callable[[str | None], Sink]] = {"mlflow": _mlflow, "wandb": _wandb}
