"""Tuning an embedding model to a collection: ``mine ─► train ─► judge ─► re-embed, or throw away``.

The collection serves as before until the last step switches it over. However a tuning ends, the collection
is of the one model or of the other, and the next one clears up what it left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from ingest.factory import build_reembedder
from ingest.lock import collection_lock
from ingest.progress import Status
from ingest.reembed import clear_up
from ingest.reembed_run import Reembedded
from ingest.tuning.collecting import MinedPairs, collect
from ingest.tuning.judging import Exam, Marks, gain, is_better
from ingest.tuning.pairs import Pair
from ingest.tuning.progress import SILENT, TuningProgress, TuningStatus
from ingest.tuning.remembering import RememberingEmbedder
from rag.domain import Collection
from rag.embedding.tuned_models import (
    TuningRecord,
    is_tuned,
    read_record,
    remove_unused,
    tuned_folder,
    tuned_name,
    write_record,
)
from rag.errors import Conflict, FootnoteError
from rag.factory import Footnote

logger = logging.getLogger(__name__)

Step = Callable[[float], None]
"""Told which share of a stage is done, 0 to 1."""


class Trainer(Protocol):
    """Trains a model on pairs."""

    def __call__(self, model: str, pairs: Sequence[Pair], folder: Path, *, step: Step) -> object:
        """Train the model of that setting; ``folder`` appears when all of the result is in it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuned:
    """The outcome of a tuning.

    Attributes:
        pairs, held_out: learned from, and judged by.
        before, after: what the earlier and the tuned model found of the held-out pairs.
        model: the setting of the model that serves now.
    """

    collection: str
    pairs: int
    held_out: int
    before: Marks
    after: Marks
    kept: bool
    seconds: float
    model: str

    def to_json(self) -> dict[str, Any]:
        """As the command shows it; ``gain`` is ``[mean, what it exceeds with 95 % confidence]``."""
        gains = {
            "dense": gain(self.before.dense, self.after.dense),
            "hybrid": gain(self.before.hybrid, self.after.hybrid),
        }
        return {
            "collection": self.collection,
            "pairs": self.pairs,
            "held_out": self.held_out,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "gain": {name: [round(bound, 4) for bound in bounds] for name, bounds in gains.items()},
            "kept": self.kept,
            "seconds": round(self.seconds, 1),
            "model": self.model,
        }


class Tuner:
    """Tunes collections' embedding models, and takes that back."""

    def __init__(self, footnote: Footnote, *, trainer: Trainer) -> None:
        self._footnote = footnote
        self._train = trainer
        self._data_dir = footnote.settings.data_dir

    def tune(self, name: str, *, progress: TuningProgress = SILENT) -> Tuned:
        """Train on pairs of the collection, and switch it over if held-out ones are found better.

        Ingestions into the collection wait meanwhile; searches do not. Ctrl-C leaves it as it was.

        Raises:
            CollectionNotFound: there is none of that name.
            Busy: an ingestion into it is running.
            TooFewPairs: it holds too little to learn from.
            ModelError, StorageError: the collection serves as before.
        """
        started = time.monotonic()
        with self._locked(name) as collection:
            self._clear_up(collection)
            progress.update(TuningStatus(stage="mine"))
            mined = collect(self._footnote.catalog, collection)
            base, tuned = self._base(collection), _new_name(collection)
            try:
                kept, before, after = self._try(collection, mined, base, tuned, progress)
            finally:  # of a tuning that was not kept, or not finished, nothing stays
                self._clear_up(collection)
        return Tuned(
            collection=name,
            pairs=len(mined.training),
            held_out=len(mined.held_out),
            before=before,
            after=after,
            kept=kept,
            seconds=time.monotonic() - started,
            model=self._footnote.catalog.collection_by_id(collection.id).embedding_model,
        )

    def undo(self, name: str, *, progress: TuningProgress = SILENT) -> Reembedded:
        """Bring a tuned collection back to the model it had before.

        Raises:
            CollectionNotFound, Busy: as for :meth:`tune`.
            Conflict: the collection is not tuned.
            ModelError, StorageError: it serves with the tuned model as before.
        """
        with self._locked(name) as collection:
            if not is_tuned(collection.embedding_model):
                raise Conflict(f"The collection {name!r} is not tuned; `footnote tune {name}` would tune it.")
            base = self._base(collection)
            reembedder = build_reembedder(self._footnote, (self._footnote.embedder_named(base), base))
            done = reembedder.run_locked(collection, progress=_Reembedding(progress), cancelled=lambda: False)
            self._clear_up(collection)
        return done

    @contextmanager
    def _locked(self, name: str) -> Iterator[Collection]:
        catalog = self._footnote.catalog
        with collection_lock(self._data_dir / "locks", catalog.collection(name)):
            yield catalog.collection(name)  # again: it may have been switched in between

    def _try(
        self, collection: Collection, mined: MinedPairs, base: str, tuned: str, progress: TuningProgress
    ) -> tuple[bool, Marks, Marks]:
        """Train, judge, and switch over if that is better; returns whether, and the marks."""
        footnote = self._footnote
        folder = tuned_folder(self._data_dir, tuned)
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._train(base, mined.training, folder, step=_Stage(progress, "train"))
        exam, stage = Exam(mined), _Stage(progress, "judge")
        texts = exam.texts()
        serving = RememberingEmbedder(
            footnote.embedder_for(collection), footnote.catalog.known_vectors(collection.fingerprint, texts)
        )
        learned = RememberingEmbedder(footnote.embedder_named(tuned))
        before, after = (
            exam.mark(embedder, embedder.vectors(texts, step=stage.half(half)), settings=footnote.settings)
            for half, embedder in enumerate((serving, learned))
        )
        if not is_better(before, after):
            return False, before, after
        write_record(
            folder,
            TuningRecord(
                base=base,
                pairs=len(mined.training),
                held_out=len(mined.held_out),
                before=before.to_json(),
                after=after.to_json(),
            ),
        )
        build_reembedder(footnote, (learned, tuned)).run_locked(
            collection, progress=_Reembedding(progress), cancelled=lambda: False
        )
        return True, before, after

    def _base(self, collection: Collection) -> str:
        """The setting of the model to train, or to go back to: never a tuned one."""
        if not is_tuned(collection.embedding_model):
            return collection.embedding_model or self._footnote.embedding_model
        record = read_record(tuned_folder(self._data_dir, collection.embedding_model))
        return record.base if record else self._footnote.embedding_model

    def _clear_up(self, collection: Collection) -> None:
        """Forget a tuned model that did not come to serve, with the chunks it may have embedded."""
        catalog = self._footnote.catalog
        try:
            begun = catalog.begun_space(collection.id)
            if begun is not None and is_tuned(begun.embedding_model):
                catalog.abandon_space(collection.id)
            clear_up(catalog, self._footnote.indexes, collection)
            remove_unused(self._data_dir, catalog, collection)
        except (FootnoteError, OSError) as exc:  # it must not hide why the tuning failed
            logger.warning("What the tuning left over stays until the next one: %s", exc)


class _Stage:
    """Passes the shares of a stage on, with the time that is left of it."""

    def __init__(self, progress: TuningProgress, stage: str) -> None:
        self._progress = progress
        self._stage = stage
        self._started = time.monotonic()
        progress.update(TuningStatus(stage=stage))

    def __call__(self, share: float) -> None:
        elapsed = time.monotonic() - self._started
        left = elapsed / share - elapsed if share else None
        self._progress.update(TuningStatus(stage=self._stage, share=share, eta_s=left))

    def half(self, number: int) -> Step:
        """The same for one of the stage's two halves."""
        return lambda share: self((number + share) / 2)


class _Reembedding:
    """Shows a re-embedding as the last stage of a tuning."""

    def __init__(self, progress: TuningProgress) -> None:
        self._progress = progress

    def update(self, status: Status) -> None:
        """Called by the re-embedding."""
        share = status.files_done / status.files_total if status.files_total else 1.0
        self._progress.update(TuningStatus(stage="reembed", share=share, eta_s=status.eta_s))


def _new_name(collection: Collection) -> str:
    return tuned_name(collection, f"{collection.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
