"""Uploaded files on the disk: a folder for each job, and afterwards one file for each document.

When an upload's job has ended, the files that documents were made of move to ``kept``, each in the place of
its predecessor; the others (replaced meanwhile, repeated, unreadable, or never reached) are removed.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

from ingest.newcomers import file_sha256
from ingest.sources import UploadSource
from rag.domain import JobState
from rag.errors import CollectionNotFound
from rag.interfaces import Catalog

UPLOADS = "uploads"
KEPT = "kept"
_ABANDONED_SECONDS = 3600.0  # younger folders may belong to a request that has not made its job yet
_MANY_JOBS = 100_000
_log = logging.getLogger(__name__)


def uploads_of(data_dir: Path, collection: str) -> Path:
    """Where the uploads into a collection are kept."""
    return data_dir / UPLOADS / collection


def settle_upload(catalog: Catalog, folder: Path) -> None:
    """Keep the files of an ended job's ``folder`` that documents were made of, and remove the folder."""
    if not folder.is_dir():
        return
    try:
        collection = catalog.collection(folder.parent.name)
    except CollectionNotFound:
        shutil.rmtree(folder)
        return
    states = catalog.source_states(collection.id, UploadSource.root)
    kept = folder.parent / KEPT
    kept.mkdir(exist_ok=True)
    for file in UploadSource(folder).scan().files:
        state = states.get(file.path)
        if state is not None and state.sha256 == file_sha256(file):
            os.replace(file.local, kept / file.path)
    shutil.rmtree(folder)


def settle_abandoned(catalog: Catalog, data_dir: Path) -> None:
    """Settle the uploads whose job has ended without doing so, or that never had one."""
    unfinished = catalog.jobs(states=[JobState.QUEUED, JobState.RUNNING], limit=_MANY_JOBS)
    awaited = {job.request.get("upload") for job in unfinished}
    oldest = time.time() - _ABANDONED_SECONDS
    for folder in (data_dir / UPLOADS).glob("*/*"):
        if folder.name == KEPT or str(folder) in awaited or folder.stat().st_mtime > oldest:
            continue
        _log.info("The upload %s was left behind by its job; tidying up", folder.name)
        settle_upload(catalog, folder)
