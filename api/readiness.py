"""Is the server ready: catalog, index generations, model and disk, each one line."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Sequence

from pydantic import Field

from api.schemas.base import Body
from ingest.reembed import clear_up
from rag.domain import Collection
from rag.errors import FootnoteError
from rag.factory import Footnote
from rag.llm.circuit_breaker import BreakerState

log = logging.getLogger(__name__)
MEBIBYTE = 1024 * 1024


class ReadinessCheck(Body):
    """One thing that must work before questions can be answered."""

    name: str
    ok: bool
    detail: str


class Readiness(Body):
    """Whether the server can answer; the details name nothing a stranger may not know."""

    ready: bool
    checks: Sequence[ReadinessCheck] = Field(
        description="catalog, indexes, model, device, disk, and how the LLMs do."
    )


class Warmup:
    """Loads the models and the indexes in the background, so that the first question is quick."""

    def __init__(self, footnote: Footnote) -> None:
        self._footnote = footnote
        self._thread = threading.Thread(target=self._run, name="footnote-warmup", daemon=True)
        self.state = "not started"

    def start(self) -> None:
        """Begin loading; returns at once."""
        self.state = "loading"
        self._thread.start()

    def wait(self) -> None:
        """Block until loading ended, well or badly."""
        self._thread.join()

    @property
    def loaded(self) -> bool:
        """Whether the model answered."""
        return self.state == "loaded"

    def _run(self) -> None:
        try:
            self._footnote.embedder.embed_query("ready")
            log.info("reranker: %s", self._footnote.reranker.description)
            self.state = "loaded"
            for collection in self._footnote.catalog.collections():
                self._warm(collection)
            log.info("checker: %s", self._footnote.checker().name)
        except FootnoteError as exc:
            if not self.loaded:
                self.state = "failed"
            log.error("warming up: %s", exc)

    def _warm(self, collection: Collection) -> None:
        """Its index and the model that made it; and clear up what a killed re-embedding left."""
        try:
            self._footnote.indexes.snapshot(collection)
            self._footnote.embedder_for(collection).embed_query("ready")
            clear_up(self._footnote.catalog, self._footnote.indexes, collection)
        except FootnoteError as exc:
            log.error("warming up the collection %r: %s", collection.name, exc)


def readiness(footnote: Footnote, warmup: Warmup) -> Readiness:
    """Run every check; one that fails does not stop the others."""
    rows: Sequence[tuple[str, Callable[[], tuple[bool, str]]]] = (
        ("catalog", lambda: _catalog(footnote)),
        ("indexes", lambda: _indexes(footnote)),
        ("model", lambda: (warmup.loaded, f"The embedding model is {warmup.state}.")),
        ("device", lambda: (True, _device(footnote, warmup))),
        ("disk", lambda: _disk(footnote)),
        ("llm", lambda: (True, _llm(footnote))),
    )
    checks = [_checked(name, check) for name, check in rows]
    return Readiness(ready=all(check.ok for check in checks), checks=checks)


def _checked(name: str, check: Callable[[], tuple[bool, str]]) -> ReadinessCheck:
    try:
        ok, detail = check()
    except (FootnoteError, OSError) as exc:
        log.warning("readiness of %s: %s", name, exc)
        ok, detail = False, "It failed; the log names the cause, `footnote doctor` the next step."
    return ReadinessCheck(name=name, ok=ok, detail=detail)


def _catalog(footnote: Footnote) -> tuple[bool, str]:
    return True, f"It answers and holds {len(footnote.catalog.collections())} collections."


def _indexes(footnote: Footnote) -> tuple[bool, str]:
    collections = footnote.catalog.collections()
    for collection in collections:
        footnote.indexes.snapshot(collection)
    return True, f"{len(collections)} of {len(collections)} are loaded."


def _device(footnote: Footnote, warmup: Warmup) -> str:
    """For information; asked once PyTorch is loaded anyway."""
    if not warmup.loaded:
        return "Not known before the embedding model is loaded."
    from rag.embedding.sentence_transformer import choose_device

    return f"Models run on {choose_device(footnote.settings.device)}."


def _disk(footnote: Footnote) -> tuple[bool, str]:
    free = shutil.disk_usage(footnote.settings.data_dir).free // MEBIBYTE
    floor = footnote.settings.disk_floor_mb
    return free >= floor, f"{free:,} MB are free, {floor:,} are needed."


def _llm(footnote: Footnote) -> str:
    """For information: without its language models the server still answers, with the passages' own words."""
    states = [breaker.state for breaker in footnote.llms.breakers.values()]
    resting = sum(state is not BreakerState.CLOSED for state in states)
    if not states:
        return "No language model is in use."
    if not resting:
        return f"Language models in use: {len(states)}, none left alone."
    return f"Left alone after failures in a row: {resting} of {len(states)} language models."
