"""What ``footnote doctor`` looks at: one function per part, each giving findings with the next step."""

from __future__ import annotations

import os
import platform
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field

from api.release import SOURCE_TREE, release
from api.schemas.base import Body, optional
from ingest.factory import build_reembedder
from ingest.parsing.sandbox import protections
from ingest.reembed import clear_up
from rag.domain import Collection
from rag.embedding.tuned_models import is_tuned, read_record, tuned_folder
from rag.errors import EmbeddingMismatch, FootnoteError, IndexBehind, IndexDamaged, ModelUnavailable
from rag.factory import NO_RERANKER, Footnote
from rag.index.manifest import describe_index_type
from rag.settings import Settings

MEBIBYTE = 1024 * 1024
LLM_TIMEOUT_SECONDS = 5
EXTRACTIVE = "extractive"
_PACKAGES = ("footnote", "torch", "sentence-transformers", "tantivy", "SQLAlchemy", "fastapi", "unstructured")
_FAISS = ("faiss-cpu", "faiss-gpu")


class Health(StrEnum):
    """How a part is doing; a problem makes the command exit with 1."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Body):
    """One line of the report."""

    part: str
    health: Health
    message: str
    next_step: str | None = optional("What to do about it.")


class Diagnosis(Body):
    """The whole report."""

    healthy: bool = Field(description="Whether there is no problem; warnings are allowed.")
    findings: Sequence[Finding]


Check = Callable[[Footnote], Iterator[Finding]]


def diagnose(footnote: Footnote) -> Diagnosis:
    """Look at every part; one that fails does not stop the others."""
    findings = [finding for part, check in _CHECKS for finding in _guarded(part, check, footnote)]
    return Diagnosis(healthy=all(found.health is not Health.PROBLEM for found in findings), findings=findings)


def _guarded(part: str, check: Check, footnote: Footnote) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(footnote))
    except (FootnoteError, OSError) as exc:
        found.append(Finding(part=part, health=Health.PROBLEM, message=str(exc)))
    return found


def _versions(_: Footnote) -> Iterator[Finding]:
    shown = [f"Python {platform.python_version()}", *(f"{name} {release(name)}" for name in _PACKAGES)]
    faiss = [f"{name} {found}" for name in _FAISS if (found := release(name)) != SOURCE_TREE]
    if faiss:
        yield Finding(part="versions", health=Health.OK, message=", ".join(shown + faiss))
    else:
        yield Finding(
            part="versions",
            health=Health.PROBLEM,
            message="faiss is not installed.",
            next_step="pip install 'footnote[cpu]', or 'footnote[gpu]' with an NVIDIA GPU",
        )


def _settings(footnote: Footnote) -> Iterator[Finding]:
    given = sorted(footnote.settings.model_fields_set)
    key = "set" if footnote.settings.api_key else "not set: only this machine is served"
    message = f"Set: {', '.join(given) or 'none'}; API key {key}."
    yield Finding(part="settings", health=Health.OK, message=message)
    for root in footnote.settings.allowed_roots:
        if not root.is_dir():
            yield Finding(
                part="settings",
                health=Health.WARNING,
                message=f"The allowed root {str(root)!r} is not a folder.",
                next_step="correct FOOTNOTE_ALLOWED_ROOTS",
            )


def _data_dir(footnote: Footnote) -> Iterator[Finding]:
    folder = footnote.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            part="data dir",
            health=Health.PROBLEM,
            message=f"{folder} is not writable.",
            next_step="correct its owner, or name another one with --data-dir",
        )
    free, floor = shutil.disk_usage(folder).free // MEBIBYTE, footnote.settings.disk_floor_mb
    enough = free >= floor
    yield Finding(
        part="disk",
        health=Health.OK if enough else Health.PROBLEM,
        message=f"{free:,} MB free at {folder}, {floor:,} MB wanted.",
        next_step=None if enough else "free some space, or lower FOOTNOTE_DISK_FLOOR_MB",
    )


def _catalog(footnote: Footnote) -> Iterator[Finding]:
    problems = footnote.catalog.check()
    for problem in problems:
        yield Finding(
            part="catalog",
            health=Health.PROBLEM,
            message=problem,
            next_step="restore the catalog from a backup, or move it away and ingest again",
        )
    if not problems:
        found = footnote.catalog.collections()
        documents = sum(collection.documents for collection in found)
        message = f"Sound; {len(found)} collections, {documents:,} documents."
        yield Finding(part="catalog", health=Health.OK, message=message)


def _indexes(footnote: Footnote) -> Iterator[Finding]:
    for collection in footnote.catalog.collections():
        try:
            manifest = footnote.indexes.verify(collection)
        except (IndexDamaged, IndexBehind) as exc:
            yield _index_trouble(collection, exc)
            continue
        message = (
            f"{collection.name}: generation {manifest.generation}, {manifest.chunks:,} chunks, hashes right; "
            f"{describe_index_type(manifest)}."
        )
        yield Finding(part="index", health=Health.OK, message=message)


def _index_trouble(collection: Collection, exc: FootnoteError) -> Finding:
    if not collection.chunks:
        return Finding(part="index", health=Health.OK, message=f"{collection.name}: nothing to index yet.")
    return Finding(
        part="index",
        health=Health.WARNING if isinstance(exc, IndexBehind) else Health.PROBLEM,
        message=str(exc),
        next_step=f"footnote search anything --collection {collection.name} brings it up to date",
    )


def _model(footnote: Footnote) -> Iterator[Finding]:
    embedder = footnote.embedder
    profile = embedder.profile
    message = (
        f"{embedder.description}; {profile.dimension} dimensions, fingerprint {profile.fingerprint[:40]}."
    )
    yield Finding(part="model", health=Health.OK, message=message)
    scales = footnote.encoders.scales(embedder).describe()
    yield Finding(part="ranking", health=Health.OK, message=f"Hybrid search, {scales}.")
    reembedder = build_reembedder(footnote)
    for collection in footnote.catalog.collections():
        if is_tuned(collection.embedding_model):
            yield _tuned_model(footnote, collection)
        elif reembedder.is_due(collection):
            yield _other_model(footnote, collection)
        yield from _unfinished(footnote, collection)


def _reranker(footnote: Footnote) -> Iterator[Finding]:
    message = f"{footnote.reranker.description}."
    if footnote.settings.reranker != NO_RERANKER:
        message = f"{footnote.reranker.description}; reads {footnote.settings.rerank_candidates} passages."
    yield Finding(part="reranker", health=Health.OK, message=message)


def _other_model(footnote: Footnote, collection: Collection) -> Finding:
    next_step = f"footnote collections reembed {collection.name}"
    try:
        held = footnote.embedder_for(collection).description
    except (ModelUnavailable, EmbeddingMismatch) as exc:
        return Finding(part="model", health=Health.PROBLEM, message=str(exc), next_step=next_step)
    message = (
        f"{collection.name}: answered with {held}, chunker {collection.chunker}, which the settings "
        "have given up."
    )
    return Finding(part="model", health=Health.WARNING, message=message, next_step=next_step)


def _tuned_model(footnote: Footnote, collection: Collection) -> Finding:
    try:
        held = footnote.embedder_for(collection).description
    except (ModelUnavailable, EmbeddingMismatch) as exc:
        next_step = f"footnote tune {collection.name} --undo"
        return Finding(part="model", health=Health.PROBLEM, message=str(exc), next_step=next_step)
    record = read_record(tuned_folder(footnote.settings.data_dir, collection.embedding_model))
    message = f"{collection.name}: {held}, tuned to it"
    if record is not None:
        gains = (f"{name} {record.before[name]:.3f} → {record.after[name]:.3f}" for name in record.after)
        message += f" from {record.base} with {record.pairs:,} pairs; {', '.join(gains)} on others"
    return Finding(part="model", health=Health.OK, message=f"{message}.")


def _unfinished(footnote: Footnote, collection: Collection) -> Iterator[Finding]:
    """What a re-embedding that has not ended, or was killed at its end, left behind."""
    begun = footnote.catalog.begun_space(collection.id)
    if begun is not None:
        goes_on, how = f"footnote collections reembed {collection.name}", "goes on"
        if is_tuned(begun.embedding_model):
            goes_on, how = f"footnote tune {collection.name}", "begins anew"
        yield Finding(
            part="model",
            health=Health.WARNING,
            message=f"{collection.name}: {begun.documents:,} of {collection.documents:,} documents are "
            f"re-embedded with {begun.fingerprint[:40]}; the old chunks serve until all are.",
            next_step=f"{goes_on} {how}, unless it is still running",
        )
    removed = clear_up(footnote.catalog, footnote.indexes, collection)
    if removed:
        message = f"{collection.name}: {removed:,} chunks of an earlier model or chunker removed."
        yield Finding(part="model", health=Health.OK, message=message)


def _device(footnote: Footnote) -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield Finding(part="device", health=Health.OK, message=f"GPU {torch.cuda.get_device_name()}.")
    else:
        threads = footnote.settings.threads or os.cpu_count() or 1  # PyTorch's own figure is not OpenVINO's
        message = f"No GPU; {threads} CPU threads."
        yield Finding(part="device", health=Health.OK, message=message)


def _llm(footnote: Footnote) -> Iterator[Finding]:
    settings = footnote.settings
    if settings.llm == EXTRACTIVE:
        yield Finding(
            part="llm", health=Health.OK, message="extractive: the best sentences themselves, no model."
        )
    elif settings.llm_base_url is None:
        message = f"{settings.llm} at its provider; not called, to spend nothing."
        yield Finding(part="llm", health=Health.OK, message=message)
    else:
        yield _llm_server(settings, settings.llm_base_url)
    if settings.query_expansion != "none":
        message = (
            f"Expands searches ({settings.query_expansion}), {settings.expansion_timeout_s:g} s at most."
        )
        yield Finding(part="llm", health=Health.OK, message=message)


def _llm_server(settings: Settings, base_url: str) -> Finding:
    next_step = "start the server, or correct FOOTNOTE_LLM_BASE_URL"
    if urlsplit(base_url).scheme not in ("http", "https"):
        message = f"The base URL {base_url!r} is neither http nor https."
        return Finding(part="llm", health=Health.PROBLEM, message=message, next_step=next_step)
    request = urllib.request.Request(base_url.rstrip("/") + "/models")  # noqa: S310  # scheme checked above
    if settings.llm_api_key:
        request.add_header("Authorization", f"Bearer {settings.llm_api_key.get_secret_value()}")
    try:
        with urllib.request.urlopen(request, timeout=LLM_TIMEOUT_SECONDS):  # noqa: S310
            return Finding(part="llm", health=Health.OK, message=f"{settings.llm} at {base_url} answers.")
    except urllib.error.HTTPError as exc:
        exc.close()
        message = f"{base_url} answers GET /models with status {exc.code}; {settings.llm} may still work."
        return Finding(
            part="llm", health=Health.WARNING, message=message, next_step="check the key and the URL"
        )
    except OSError as exc:
        message = f"{base_url} does not answer ({exc})."
        return Finding(part="llm", health=Health.PROBLEM, message=message, next_step=next_step)


def _parsers(_: Footnote) -> Iterator[Finding]:
    found = protections()
    kept = {"a network namespace": found.network, "a kernel that confines writing (Landlock)": found.files}
    missing = [name for name, is_offered in kept.items() if not is_offered]
    limits = "Limits on memory, time and unpacked size"
    if not missing:
        message = f"{limits}, no network, no writing outside a temporary folder."
        yield Finding(part="parsers", health=Health.OK, message=message)
    else:
        yield Finding(
            part="parsers",
            health=Health.WARNING,
            message=f"{limits}, but this system lacks {' and '.join(missing)} for parser processes.",
            next_step="allow user namespaces, use Linux 5.13 or later, or ingest trusted files only",
        )


_CHECKS: Sequence[tuple[str, Check]] = (
    ("versions", _versions),
    ("settings", _settings),
    ("data dir", _data_dir),
    ("catalog", _catalog),
    ("index", _indexes),
    ("model", _model),
    ("reranker", _reranker),
    ("device", _device),
    ("parsers", _parsers),
    ("llm", _llm),
)
