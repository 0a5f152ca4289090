"""`footnote jobs`: what the server's background work is at, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from rag.domain import Job, JobFile, JobFileState
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{tmp_path / 'data' / 'catalog.sqlite3'}")
    yield opened
    opened.close()


@pytest.fixture
def job(catalog: Catalog) -> Job:
    """A job at work, with a file that failed."""
    job, _ = catalog.create_job(kind="ingestion", collection="hr", request={}, idempotency_key=None)
    catalog.next_queued_job(owner="worker", lease_s=60)
    failed = JobFile(path="a.pdf", state=JobFileState.FAILED, code="damaged_file", message="Save it again.")
    catalog.record_job_files(job.id, [failed], owner="worker")
    return job


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["jobs", *arguments])


def as_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_jobs_are_listed(job: Job) -> None:
    assert [item["id"] for item in as_json("list")["items"]] == [job.id]
    assert as_json("list", "--state", "failed")["items"] == []
    assert "running" in run("list").stdout
    assert run("list", "--state", "lost").exit_code == 2


def test_no_jobs(catalog: Catalog) -> None:
    assert run("list").stdout == "No jobs: POST /v1/ingestions makes one.\n"


def test_a_job_is_shown_with_the_files_it_could_not_take(job: Job) -> None:
    shown = as_json("show", job.id)
    assert (shown["files_total"], shown["files"][0]["code"]) == (1, "damaged_file")
    assert "failed  a.pdf: Save it again. (damaged_file)" in run("show", job.id).stdout
    assert run("show", "unknown").exit_code == 1


def test_a_job_is_cancelled(job: Job) -> None:
    assert run("cancel", job.id).stdout == "The job is cancelled.\n"
    assert as_json("cancel", job.id)["state"] == "cancelled"


@pytest.mark.parametrize("name", ["list", "show", "cancel"])
def test_every_command_is_explained_with_an_example(name: str) -> None:
    help_text = run(name, "--help").stdout
    assert f"Example: footnote jobs {name}" in " ".join(help_text.split())
    assert "--json" in help_text
    assert "--data-dir" in help_text
