"""The stages of training the groundedness model, each kept in a folder so that a broken run goes on.

First the curriculum of generated claims, for the words' sake; then the labelled sets with some of the
curriculum between, once for each fold without its sources and once on everything. What a fold's model says of
the sources that it never saw is what probabilities are fitted on and what the model card reports.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from eval.training.calibrating import ReadResponse, fit_checker, read_responses
from eval.training.curriculum import generate
from eval.training.examples import Group
from eval.training.labelled import LabelledResponse, labelled_groups, labelled_responses
from eval.training.model_card import count_generated, count_labelled
from eval.training.reading import Row, batches, rows
from eval.training.sources import read_documents
from eval.training.trainer import Progress, Recipe, from_encoder, train
from rag.embedding.sentence_transformer import DEFAULT_MODEL, choose_precision, locate_model
from rag.grounding.local.checker import LocalModel
from rag.grounding.local.loading import DTYPES, WORDS, open_tokenizer
from rag.grounding.local.reader import EvidenceReader
from rag.grounding.local.reading import ClaimReader

FOLDS = 2
SEED = 20261121
CURRICULUM_CLAIMS = 140_000
_PIECES_A_STEP = 4096
_EPOCHS = 2
_ENDLESS = 10**9
_GROUPS_COUNTED = 1000
_CLAIMS_A_GROUP = 6.5
_REPLAYED = 0.25
"""Claims of the curriculum between the labelled ones, so that nothing is unlearnt."""

_SUPPORTED_KEPT = 0.5
"""Share of the supported claims of a long row that an epoch shows: of RAGTruth's nine of ten are."""

_MANY = 10

_FIRST = Recipe(learning_rate=3e-4, warm_up=60)
_SECOND = Recipe(learning_rate=1e-4, warm_up=30)

Say = Callable[[str], None]


class Training:
    """Trains into ``folder``; what lies there already is not trained again.

    Args:
        data: the development data, with corpora/, retrieval/, refusal/ and groundedness/.
        claims: how many claims of the curriculum the first stage reads.
        device: ``cpu`` or ``cuda``.
    """

    def __init__(self, data: Path, folder: Path, *, claims: int, device: str, say: Say) -> None:
        self._data = data
        self._folder = folder
        self._claims = claims
        self._device = device
        self._say = say
        self._encoder = locate_model(DEFAULT_MODEL)
        self._tokenizer: Tokenizer = open_tokenizer(self._encoder)
        self._responses: list[LabelledResponse] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def curriculum(self) -> Path:
        """The first stage."""
        return self._stage("curriculum", self._train_curriculum)

    def fold(self, number: int) -> Path:
        """The second stage without the sources of fold ``number``."""
        return self._stage(f"fold-{number}", lambda: self._train_labelled(number))

    def final(self) -> Path:
        """The second stage on everything."""
        return self._stage("final", lambda: self._train_labelled(None))

    def calibrate(self) -> LocalModel:
        """Probabilities from what each fold's model finds in the sources that it never saw."""
        read: list[ReadResponse] = []
        for number in range(FOLDS):
            reader = ClaimReader(self._load(self.fold(number), fast=True), self._tokenizer)
            mine = [each for each in self._labelled() if fold_of(each.source) == number]
            self._say(f"reading {len(mine):,} responses of fold {number}")
            read += read_responses(mine, reader)
        return fit_checker(read, self._say)

    def counts(self) -> list[str]:
        """The settings of this training, and what its data consist of."""
        return [
            f"seed {SEED}, {self._claims:,} claims of the curriculum, {_EPOCHS} epochs of the labelled sets, "
            f"{FOLDS} folds by source",
            *count_generated(list(islice(self._generated(SEED), _GROUPS_COUNTED))),
            *count_labelled(self._labelled()),
        ]

    def _train_curriculum(self) -> EvidenceReader:
        torch.manual_seed(SEED)
        groups = self._generated(SEED)
        steps = batches(rows(groups, self._tokenizer), pieces=_PIECES_A_STEP)
        reader = from_encoder(self._encoder, dropout=0.0)
        self._train(reader, steps, lambda progress: progress.claims / self._claims, _FIRST)
        return reader

    def _train_labelled(self, left_out: int | None) -> EvidenceReader:
        torch.manual_seed(SEED)
        reader = self._load(self.curriculum(), fast=False)
        groups = labelled_groups(each for each in self._labelled() if fold_of(each.source) != left_out)
        shown = [row for group in groups for row in rows([group], self._tokenizer)]
        plan = list(self._epochs(shown))
        self._train(reader, iter(plan), lambda progress: progress.steps / len(plan), _SECOND)
        return reader

    def _epochs(self, shown: Sequence[Row]) -> Iterator[list[Row]]:
        choose = random.Random(SEED)  # noqa: S311 - an order that can be repeated, no secret
        replayed = rows(self._generated(SEED + 1), self._tokenizer)
        for _ in range(_EPOCHS):
            epoch = [_shown(row, choose) for row in shown]
            claims = sum(len(row.claims) for row in epoch)
            between = list(islice(replayed, int(claims * _REPLAYED / _CLAIMS_A_GROUP)))
            mixed = [*epoch, *between]
            choose.shuffle(mixed)
            yield from batches(mixed, pieces=_PIECES_A_STEP)

    def _generated(self, seed: int) -> Iterator[Group]:
        return generate(read_documents(self._data), seed=seed, groups=_ENDLESS)

    def _train(
        self,
        reader: EvidenceReader,
        steps: Iterator[list[Row]],
        done: Callable[[Progress], float],
        recipe: Recipe,
    ) -> None:
        train(reader, steps, done=done, recipe=recipe, device=self._device, say=self._say)
        reader.to("cpu")

    def _stage(self, name: str, trained: Callable[[], EvidenceReader]) -> Path:
        path = self._folder / f"{name}.safetensors"
        if not path.exists():
            self._say(f"training {name}")
            save_reader(trained(), path)
        return path

    def _load(self, path: Path, *, fast: bool) -> EvidenceReader:
        reader = from_encoder(self._encoder, dropout=0.0)
        stored = {name: tensor.float() for name, tensor in load_file(path).items()}
        reader.load_state_dict(stored, strict=False)
        return reader.to(DTYPES[choose_precision("auto", "cpu")]) if fast else reader

    def _labelled(self) -> list[LabelledResponse]:
        if self._responses is None:
            self._responses = list(labelled_responses(self._data / "groundedness"))
        return self._responses


def _shown(row: Row, choose: random.Random) -> Row:
    """What an epoch shows of ``row``; the few claims of a short one are all needed."""
    return row if len(row.claims) < _MANY else row.thinned(choose, _SUPPORTED_KEPT)


def fold_of(source: str) -> int:
    """Which fold a source is held out in."""
    return zlib.crc32(source.encode()) % FOLDS


def save_reader(reader: EvidenceReader, path: Path) -> None:
    """Write the weights that training changed, in half precision; whole or not at all."""
    stored = {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in reader.state_dict().items()
        if name != WORDS
    }
    draft = path.with_suffix(".part")
    save_file(stored, draft)
    draft.replace(path)
