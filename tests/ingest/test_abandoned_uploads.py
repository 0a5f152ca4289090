"""Uploads that a dead server left on the disk are tidied up by the next one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ingest.uploads import settle_abandoned, uploads_of
from rag.interfaces import Catalog


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """An upload of two hours ago into a collection that is not there any more."""
    folder = uploads_of(tmp_path, "handbook") / "0123abcd"
    folder.mkdir(parents=True)
    (folder / "leave.md").write_text("27 days")
    age(folder, hours=2)
    return folder


def age(folder: Path, *, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(folder, (moment, moment))


def test_an_upload_without_a_job_is_removed(catalog: Catalog, upload: Path, tmp_path: Path) -> None:
    settle_abandoned(catalog, tmp_path)
    assert not upload.exists()


def test_an_upload_that_is_just_arriving_is_left_alone(
    catalog: Catalog, upload: Path, tmp_path: Path
) -> None:
    age(upload, hours=0.1)
    settle_abandoned(catalog, tmp_path)
    assert (upload / "leave.md").exists()


def test_an_upload_that_a_job_waits_for_is_left_alone(catalog: Catalog, upload: Path, tmp_path: Path) -> None:
    request = {"upload": str(upload), "groups": []}
    catalog.create_job(kind="ingestion", collection="handbook", request=request, idempotency_key=None)
    settle_abandoned(catalog, tmp_path)
    assert (upload / "leave.md").exists()


def test_kept_files_stay(catalog: Catalog, tmp_path: Path) -> None:
    kept = uploads_of(tmp_path, "handbook") / "kept"
    kept.mkdir(parents=True)
    (kept / "leave.md").write_text("27 days")
    age(kept, hours=1000)
    settle_abandoned(catalog, tmp_path)
    assert (kept / "leave.md").exists()
