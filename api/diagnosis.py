"""What ``footnote doctor`` looks at: one function per part, each giving findings with the next step."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence

from pydantic import Field

from api.findings import Finding, Health
from api.llm_diagnosis import PART, llm_findings
from api.release import SOURCE_TREE, release
from api.schemas.base import Body
from ingest.factory import build_reembedder
from ingest.parsing.sandbox import protections
from ingest.reembed import clear_up
from rag.domain import Collection
from rag.embedding.tuned_models import is_tuned, read_record, tuned_folder
from rag.errors import EmbeddingMismatch, FootnoteError, IndexBehind, IndexDamaged, ModelUnavailable
from rag.factory import NO_RERANKER, Footnote
from rag.index.device import WORTH_IT_FROM
from rag.index.manifest import describe_index_type

MEBIBYTE = 1024 * 1024
_PACKAGES = ("footnote", "torch", "sentence-transformers", "tantivy", "SQLAlchemy", "fastapi", "unstructured")
_FAISS = ("faiss-cpu", "faiss-gpu")


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


def _checker(footnote: Footnote) -> Iterator[Finding]:
    name = footnote.checker().name
    yield Finding(part="checker", health=Health.OK, message=f"Answers are checked by {name}.")


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

    from rag.embedding.sentence_transformer import choose_device

    device = choose_device(footnote.settings.device)
    if device == "cpu":
        threads = footnote.settings.threads or os.cpu_count() or 1  # PyTorch's own figure is not OpenVINO's
        is_left = torch.cuda.is_available()
        message = f"{'The GPU is not used' if is_left else 'No GPU'}; {threads} CPU threads."
    else:
        free, total = (size / 1e9 for size in torch.cuda.mem_get_info(device))
        message = (
            f"{device}, {torch.cuda.get_device_name(device)}, {free:.1f} of {total:.1f} GB free: models, and "
            f"segments of {WORTH_IT_FROM:,} vectors and more."
        )
    yield Finding(part="device", health=Health.OK, message=message)


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
    ("checker", _checker),
    ("device", _device),
    ("parsers", _parsers),
    (PART, llm_findings),
)
