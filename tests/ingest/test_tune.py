"""Tuning a collection's model, as who searches it afterwards, undoes it or kills it would see it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

import pytest

from ingest.lock import collection_lock
from ingest.parsing.process import ParserPool
from ingest.pipeline import Ingestor
from ingest.result import IngestResult
from ingest.sources import FolderSource
from ingest.tuning.collecting import collect
from ingest.tuning.pairs import Pair
from ingest.tuning.progress import TuningStatus
from ingest.tuning.training import Recipe, train
from ingest.tuning.tune import Step, Trainer, Tuner
from rag.domain import Access, Collection, SearchMode
from rag.embedding.tuned_models import is_tuned, models_folder, tuned_folder
from rag.errors import Busy, Conflict, ModelUnavailable, TooFewPairs
from rag.factory import Footnote
from rag.settings import Settings, load_settings
from tests.encoders import write_encoder

pytestmark = pytest.mark.slow  # a real, tiny model is trained

EVERYONE = Access.everything()
DOCUMENTS = 136
ASKED = (
    "alfa bravo charlie delta echo fox golf hotel india juliet kilo lima mike oscar papa romeo xray".split()
)
TOLD = "un deux trois quatre cinq six sept huit neuf dix onze douze treize seize vingt trente cent".split()
HEADINGS = list(combinations(range(len(ASKED)), 2))
"""What headings say; what the text below says instead: nobody knows that they belong together, at first."""

Interrupt = Callable[[TuningStatus], None]


def note(number: int) -> str:
    first, second = HEADINGS[number]
    told = " ".join([TOLD[first], TOLD[second]] * 8)
    return f"## {ASKED[first]} {ASKED[second]}\n\n{told}\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that has learned nothing."""
    return write_encoder(tmp_path_factory.mktemp("model"), words=[*ASKED, *TOLD])


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, model: Path, parsers: ParserPool) -> Path:
    """A folder of notes and a data directory that holds them."""
    place = tmp_path_factory.mktemp("ingested")
    (place / "notes").mkdir()
    for number in range(DOCUMENTS):
        (place / f"notes/n{number:03}.md").write_text(note(number), encoding="utf-8")
    with Footnote(settings_of(place, model)) as footnote:
        assert sync(footnote, place, parsers).added == DOCUMENTS
    return place


@pytest.fixture
def place(tmp_path: Path, ingested: Path) -> Path:
    """The test's own copy."""
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def settings(place: Path, model: Path) -> Settings:
    return settings_of(place, model)


def settings_of(place: Path, model: Path) -> Settings:
    return load_settings(
        data_dir=place / "data",
        embedding_model=str(model),
        embedding_backend="torch",
        precision="float32",
        threads=1,
    )


def sync(footnote: Footnote, place: Path, parsers: ParserPool) -> IngestResult:
    ingestor = Ingestor(
        catalog=footnote.catalog,
        embedder=footnote.embedder,
        embedding_model=footnote.embedding_model,
        model_for=footnote.model_for,
        indexes=footnote.indexes,
        parsers=parsers,
        locks=footnote.settings.data_dir / "locks",
        max_file_mb=1,
    )
    source = FolderSource(place / "notes")
    source.root = "notes"  # the same one wherever the test's copy lies
    return ingestor.sync(source, collection=footnote.open_collection("notes"))


RECIPE = Recipe(learning_rate=0.02, texts=10_000, threads=1)
TRAIN: Trainer = partial(train, recipe=RECIPE, device="cpu")


def teach_nothing(model: str, pairs: Sequence[Pair], folder: Path, *, step: Step) -> None:
    """A training after which the model is what it was."""
    shutil.copytree(model, folder)


def notes(footnote: Footnote) -> Collection:
    return footnote.catalog.collection("notes")


def found(footnote: Footnote, number: int) -> list[str]:
    """Paths of the notes found for what note ``number`` tells, asked in the other words."""
    query = " ".join(ASKED[one] for one in HEADINGS[number])
    result = footnote.retriever.retrieve(
        query, collection="notes", k=3, access=EVERYONE, mode=SearchMode.DENSE
    )
    return [passage.source_uri for passage in result.passages]


def model_folders(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / "models").glob("*/*") if path.is_dir()]


def assert_as_before(settings: Settings) -> None:
    """The collection is of the first model, sound, and nothing else is left."""
    with Footnote(settings) as footnote:
        collection = notes(footnote)
        assert collection.embedding_model == settings.embedding_model
        assert collection.space == 0
        assert footnote.catalog.check() == []
        assert footnote.catalog.begun_space(collection.id) is None
        assert footnote.catalog.remove_left_over(collection.id) == 0
        assert model_folders(settings) == []
        assert found(footnote, 3)


def test_a_model_that_learned_something_is_kept_and_serves(settings: Settings) -> None:
    stages: list[str] = []

    class Watcher:
        def update(self, status: TuningStatus) -> None:
            assert 0 <= status.share <= 1
            stages.append(status.stage)

    with Footnote(settings) as footnote:
        before = notes(footnote)
        tuned = Tuner(footnote, trainer=TRAIN).tune("notes", progress=Watcher())
        collection = notes(footnote)
        assert tuned.kept
        shown = json.loads(json.dumps(tuned.to_json()))
        assert shown["after"]["dense_nDCG@10"] > shown["before"]["dense_nDCG@10"] + 0.1
        assert shown["gain"]["hybrid"][0] >= shown["gain"]["hybrid"][1] > 0
        assert (shown["pairs"], shown["held_out"], shown["model"]) == (
            tuned.pairs,
            tuned.held_out,
            collection.embedding_model,
        )
        assert is_tuned(collection.embedding_model)
        assert collection.fingerprint != before.fingerprint
        assert (collection.documents, collection.chunks) == (before.documents, before.chunks)
        assert footnote.embedder_for(collection).profile.fingerprint == collection.fingerprint
        assert footnote.catalog.check() == []
        assert list(dict.fromkeys(stages)) == ["mine", "train", "judge", "reembed"]


def test_the_model_is_saved_without_pickle_and_read_again_by_another_process(settings: Settings) -> None:
    with Footnote(settings) as footnote:
        Tuner(footnote, trainer=TRAIN).tune("notes")
        (folder,) = model_folders(settings)
        names = {path.name for path in folder.rglob("*") if path.is_file()}
        assert "model.safetensors" in names
        assert not any(name.endswith((".bin", ".pt", ".pkl", ".pickle")) for name in names)
        answers = found(footnote, 3)
    with Footnote(settings) as other:
        assert found(other, 3) == answers


def test_the_same_pairs_train_the_same_model_and_the_time_is_kept(settings: Settings, place: Path) -> None:
    with Footnote(settings) as footnote:
        mined = collect(footnote.catalog, notes(footnote))
    shares: list[float] = []
    folders = [place / "one", place / "other"]
    for folder in folders:
        TRAIN(settings.embedding_model, mined.training, folder, step=shares.append)
    one, other = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert one == other
    assert shares == sorted(shares[: len(shares) // 2]) * 2
    at_once = replace(RECIPE, minutes=1e-6)
    done = train(
        settings.embedding_model,
        mined.training,
        place / "third",
        recipe=at_once,
        device="cpu",
        step=lambda share: None,
    )
    assert done.pairs == at_once.batch_size  # one batch, and it was over


def test_a_moved_data_directory_takes_its_tuned_models_along(settings: Settings, place: Path) -> None:
    with Footnote(settings) as footnote:
        Tuner(footnote, trainer=TRAIN).tune("notes")
        answers = found(footnote, 5)
    moved = settings.model_copy(update={"data_dir": (place / "data").rename(place / "elsewhere")})
    with Footnote(moved) as footnote:
        assert found(footnote, 5) == answers


def test_a_model_that_learned_nothing_is_thrown_away(settings: Settings) -> None:
    with Footnote(settings) as footnote:
        tuned = Tuner(footnote, trainer=teach_nothing).tune("notes")
    assert not tuned.kept
    assert tuned.before.to_json() == tuned.after.to_json()
    assert tuned.model == settings.embedding_model
    assert_as_before(settings)


def test_undoing_brings_the_earlier_model_back(settings: Settings) -> None:
    with Footnote(settings) as footnote:
        before, answers = notes(footnote), found(footnote, 7)
        tuner = Tuner(footnote, trainer=TRAIN)
        with pytest.raises(Conflict, match="not tuned"):
            tuner.undo("notes")
        tuner.tune("notes")
        undone = tuner.undo("notes")
        assert undone.after.fingerprint == before.fingerprint
        assert undone.after.embedding_model == before.embedding_model
        assert found(footnote, 7) == answers
        assert model_folders(settings) == []
        assert footnote.catalog.check() == []


def test_ingestions_go_on_with_the_tuned_model(settings: Settings, place: Path, parsers: ParserPool) -> None:
    with Footnote(settings) as footnote:
        Tuner(footnote, trainer=TRAIN).tune("notes")
        tuned = notes(footnote)
    (place / "notes/new.md").write_text("## golf kilo\n\n" + "sept onze " * 8, encoding="utf-8")
    with Footnote(settings) as footnote:
        result = sync(footnote, place, parsers)
        collection = notes(footnote)
        assert (result.added, result.unchanged, result.reembedded) == (1, DOCUMENTS, 0)
        assert (collection.space, collection.fingerprint) == (tuned.space, tuned.fingerprint)
        document = next(
            one
            for one in footnote.catalog.documents(collection.id, access=EVERYONE, limit=500)
            if one.path == "new.md"
        )
        (chunk,) = footnote.catalog.document_chunks(document.id, access=EVERYONE)
        known = footnote.catalog.known_vectors(tuned.fingerprint, [f"{chunk.context}\n{chunk.text}"])
        assert len(known) == 1  # embedded by the tuned model, not by that of the settings
        assert model_folders(settings) == [tuned_folder(settings.data_dir, collection.embedding_model)]


def test_tuning_again_begins_with_the_first_model_and_leaves_one_tuned_model(settings: Settings) -> None:
    bases: list[str] = []

    def train_and_tell(model: str, pairs: Sequence[Pair], folder: Path, *, step: Step) -> None:
        bases.append(model)
        TRAIN(model, pairs, folder, step=step)

    with Footnote(settings) as footnote:
        tuner = Tuner(footnote, trainer=train_and_tell)
        first = tuner.tune("notes")
        again = tuner.tune("notes")
        assert bases == [settings.embedding_model] * 2
        assert again.before.to_json() == first.after.to_json()
        assert len(model_folders(settings)) == 1
        assert tuner.undo("notes").after.embedding_model == settings.embedding_model


def test_a_tuned_model_that_disappears_is_told_with_the_way_out(
    settings: Settings, place: Path, parsers: ParserPool
) -> None:
    with Footnote(settings) as footnote:
        Tuner(footnote, trainer=TRAIN).tune("notes")
        shutil.rmtree(models_folder(settings.data_dir, notes(footnote).id))
    with Footnote(settings) as footnote:
        with pytest.raises(ModelUnavailable, match="footnote tune notes --undo"):
            found(footnote, 3)
        with pytest.raises(ModelUnavailable, match="footnote tune notes --undo"):
            sync(footnote, place, parsers)
        undone = Tuner(footnote, trainer=TRAIN).undo("notes")
        assert undone.after.embedding_model == settings.embedding_model
        assert found(footnote, 3)


def test_a_collection_of_few_documents_is_refused_with_figures(
    settings: Settings, place: Path, parsers: ParserPool
) -> None:
    for number in range(20, DOCUMENTS):
        (place / f"notes/n{number:03}.md").unlink()
    with Footnote(settings) as footnote:
        sync(footnote, place, parsers)
        with pytest.raises(
            TooFewPairs, match=r"The 20 documents of 'notes' give 16 pairs .* 4 to judge by; 100"
        ):
            Tuner(footnote, trainer=TRAIN).tune("notes")


def test_no_tuning_while_an_ingestion_runs(settings: Settings) -> None:
    with (
        Footnote(settings) as footnote,
        collection_lock(settings.data_dir / "locks", notes(footnote)),
        pytest.raises(Busy),
    ):
        Tuner(footnote, trainer=TRAIN).tune("notes")


@pytest.mark.parametrize("stage", ["mine", "train", "judge", "reembed"])
def test_ctrl_c_at_any_stage_loses_nothing(settings: Settings, stage: str) -> None:
    class Impatient:
        def update(self, status: TuningStatus) -> None:
            if status.stage == stage:
                raise KeyboardInterrupt

    with Footnote(settings) as footnote, pytest.raises(KeyboardInterrupt):
        Tuner(footnote, trainer=TRAIN).tune("notes", progress=Impatient())
    assert_as_before(settings)


KILLED = """
import os, signal, sys
from tests.ingest.test_tune import TRAIN, Footnote, Path, Tuner, settings_of

place, model, stage = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

class Killer:
    def update(self, status):
        if status.stage == stage and (status.share > 0 or stage == "mine"):
            os.kill(os.getpid(), signal.SIGKILL)

with Footnote(settings_of(place, model)) as footnote:
    Tuner(footnote, trainer=TRAIN).tune("notes", progress=Killer())
"""


@pytest.mark.parametrize("stage", ["train", "judge", "reembed"])
def test_a_kill_leaves_the_collection_serving_and_the_next_run_starts_clean(
    settings: Settings, place: Path, model: Path, parsers: ParserPool, stage: str
) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(place), str(model), stage]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    with Footnote(settings) as footnote:
        assert notes(footnote).embedding_model == settings.embedding_model
        assert found(footnote, 3)
        assert sync(footnote, place, parsers).reembedded == 0
        assert not Tuner(footnote, trainer=teach_nothing).tune("notes").kept
    assert_as_before(settings)
