"""Imports point inward, and no library leaves the module that adapts it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
OUTER = {"ingest", "api", "eval"}
MODELS = {
    "rag/embedding/device_embedding.py",
    "rag/embedding/device_lane.py",
    "rag/embedding/sentence_transformer.py",
    "rag/embedding/token_batches.py",
    "rag/embedding/openvino_embedding.py",
    "rag/retrieval/cross_encoder.py",
    "rag/grounding/claim_model.py",
    "ingest/tuning/training.py",
}
ADAPTERS = {
    "faiss": {"rag/index/segments.py", "rag/index/sketch.py", "rag/index/device/faiss_rows.py"},
    "tantivy": {"rag/index/analysis.py", "rag/index/keyword.py"},
    "sqlalchemy": {"rag/store/"},
    "alembic": {"rag/store/"},
    "sentence_transformers": MODELS,
    "torch": {
        *MODELS,
        "rag/grounding/local/",
        "rag/index/device/",
        "eval/training/",
        "rag/llm/local_transformers.py",
        "api/diagnosis.py",  # the doctor: a GPU?
        "eval/bench_device.py",
    },
    "transformers": {*MODELS, "rag/llm/local_transformers.py"},
    "openvino": {"rag/embedding/openvino_embedding.py"},
    "fsspec": {"ingest/remote.py"},
    "watchfiles": {"ingest/watch.py"},
    "psutil": {"eval/memory.py"},
    "rouge_score": {"eval/rag_metrics/texts.py"},
    "sacrebleu": {"eval/rag_metrics/texts.py"},
    "langchain": {"rag/llm/providers.py"},
    "langchain_core": {
        "api/langchain.py",
        "rag/llm/chat_model.py",
        "rag/llm/event_stream.py",
        "rag/llm/local_transformers.py",
        "rag/llm/providers.py",
        "rag/llm/pump.py",
        "rag/llm/replicate.py",
        "rag/llm/sagemaker.py",
    },
    "langsmith": {"rag/llm/pump.py"},
    "langchain_openai": {"rag/llm/openai_dialect.py"},
    "langchain_aws": {"rag/llm/sagemaker.py"},
    "botocore": {"rag/llm/sagemaker.py"},
    "langchain_cohere": {"rag/llm/cohere_chat.py"},
    "langchain_litellm": {"rag/llm/litellm_library.py"},
    "litellm": {"rag/llm/litellm_library.py"},
    "google": {"rag/llm/gemini.py"},
    "langchain_google_genai": {"rag/llm/gemini.py"},
    "httpx_sse": {"rag/llm/event_stream.py", "rag/llm/replicate.py"},
    "tenacity": {"rag/llm/chat_model.py"},
    "unstructured": {"ingest/parsing/"},
    "pypdfium2": {"ingest/parsing/"},
    "langdetect": {"rag/text/language.py"},
    "fastapi": {"api/"},
    "mcp": {"api/mcp_server.py"},
    "mcp_types": {"api/mcp_server.py"},
}
"""Library to the only modules, or folders, that may import it."""


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((HOUSE / package).rglob("*.py"))]


@cache
def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def name(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def test_the_core_imports_none_of_the_outer_rooms() -> None:
    assert len(modules("rag")) > 30
    assert {name(path): imported(path) & OUTER for path in modules("rag") if imported(path) & OUTER} == {}


def test_ingestion_and_evaluation_do_not_import_the_doors() -> None:
    assert [name(path) for path in modules("ingest", "eval") if "api" in imported(path)] == []


@pytest.mark.parametrize("library", sorted(ADAPTERS))
def test_a_library_stays_in_the_modules_that_adapt_it(library: str) -> None:
    users = {name(path) for path in modules("rag", *OUTER) if library in imported(path)}
    assert users, f"nothing imports {library}: drop its row"
    assert {user for user in users if not user.startswith(tuple(ADAPTERS[library]))} == set()


def test_nothing_unpickles() -> None:
    everything = modules("rag", *OUTER)
    assert [
        name(path) for path in everything if imported(path) & {"pickle", "dill", "joblib", "shelve"}
    ] == []
