"""Reports in trackers: what they keep, what is missing is said first; the real libraries where installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from eval.sinks import open_sinks
from eval.sinks.sink import logged
from rag.errors import InvalidRequest, StorageError

COMPARISON = {
    "kind": "comparison",
    "dataset": "questions.jsonl",
    "collection": "handbook",
    "checker": "lexical",
    "questions": 3,
    "variants": [
        {
            "name": "openai:gpt-5-mini, k=4",
            "metrics": {"points": {"mean": 0.75}, "token_f1": {"mean": None}},
            "latency_ms": {"p50": 120.0, "p95": None},
            "cost": {"per_thousand_questions": 0.4},
            "failed": 1,
        }
    ],
    "ranking": [{"name": "openai:gpt-5-mini, k=4", "bradley_terry": 1010.0, "elo": 1008.5}],
}
SUITE = {
    "suite": "handbook",
    "figures": [
        {"part": "questions", "name": "faithfulness", "value": 0.9},
        {"part": "questions", "name": "bleu", "value": None},
    ],
    "environment": {"llm": "extractive", "seed": 7, "settings": {"k": "8"}},
}


def test_a_comparison_is_kept_by_contestant() -> None:
    found = logged(COMPARISON)
    assert found.name == "compare questions.jsonl"
    assert found.metrics == {
        "openai_gpt-5-mini_ k_4/points": 0.75,
        "openai_gpt-5-mini_ k_4/latency_ms_p50": 120.0,
        "openai_gpt-5-mini_ k_4/cost_per_thousand": 0.4,
        "openai_gpt-5-mini_ k_4/failed": 1.0,
        "openai_gpt-5-mini_ k_4/bradley_terry": 1010.0,
        "openai_gpt-5-mini_ k_4/elo": 1008.5,
    }
    assert found.parameters["variants"] == "openai:gpt-5-mini, k=4"


def test_a_suite_is_kept_by_part() -> None:
    found = logged(SUITE)
    assert found.metrics == {"questions/faithfulness": 0.9}
    assert found.parameters == {"llm": "extractive", "seed": "7", "k": "8"}


def test_an_unknown_sink_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="expected mlflow, mlflow:URI, wandb or wandb:PROJECT"):
        open_sinks(["tensorboard"])


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_package_is_named_with_the_way_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.sinks.opening.find_spec", lambda _: None)
    with pytest.raises(InvalidRequest) as refused:
        open_sinks([name])
    assert f"pip install 'footnote[{name}]'" in str(refused.value)


def report_file(folder: Path, report: dict[str, Any]) -> Path:
    file = folder / "report.json"
    file.write_text(json.dumps(report))
    return file


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="the extra mlflow is not installed")
def test_mlflow_keeps_figures_parameters_and_the_report(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'runs.db'}"
    (sink,) = open_sinks([f"mlflow:{uri}"])
    sink.log(COMPARISON, [report_file(tmp_path, COMPARISON)])
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("footnote")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["openai_gpt-5-mini_ k_4/points"] == 0.75
    assert run.data.params["checker"] == "lexical"
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["report.json"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="the extra mlflow is not installed")
def test_a_tracker_that_does_not_answer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (sink,) = open_sinks(["mlflow:http://127.0.0.1:9"])
    with pytest.raises(StorageError, match="MLflow did not take the report"):
        sink.log(SUITE, [])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="the extra wandb is not installed")
def test_wandb_keeps_a_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    (sink,) = open_sinks(["wandb:trial"])
    sink.log(SUITE, [report_file(tmp_path, SUITE)])
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
