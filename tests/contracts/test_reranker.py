"""What every reranker promises; cross-encoders are real ones, a few numbers large."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.errors import ModelUnavailable, SettingsError
from rag.interfaces import Reranker
from rag.retrieval.reranking import NoReranker
from tests.cross_encoders import write_cross_encoder, write_encoder
from tests.passages import LEAVE, VPN, passage, question

ASKED = question("How many days may I carry over?")
PASSAGES = [
    passage(VPN, number=1, score=0.9, scores={"dense": 0.4, "keyword": 7.0}),
    passage(LEAVE, number=2, score=0.8, scores={"dense": 0.3}),
    passage("Ask your line manager.", number=3, score=0.1),
]


@pytest.fixture(scope="module")
def likes_leave(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cross_encoder(tmp_path_factory.mktemp("model"), likes=["days", "leave", "carried", "over"])


def cross_encoder(folder: Path | str, *, precision: str = "float32") -> Reranker:
    from rag.retrieval.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(str(folder), device="cpu", precision=precision, threads=1)


@pytest.fixture(
    params=[
        "none",
        pytest.param("float32", marks=pytest.mark.slow, id="cross-encoder in float32"),
        pytest.param("bfloat16", marks=pytest.mark.slow, id="cross-encoder in bfloat16"),
    ]
)
def reranker(request: pytest.FixtureRequest) -> Reranker:
    if request.param == "none":
        return NoReranker()
    return cross_encoder(request.getfixturevalue("likes_leave"), precision=request.param)


# ------------------------------------------------------------------------------- every reranker


def test_the_same_passages_come_out_best_first(reranker: Reranker) -> None:
    reread = reranker.rerank(ASKED, PASSAGES)
    assert sorted(found.chunk_id for found in reread) == [1, 2, 3]
    assert [found.score for found in reread] == sorted((found.score for found in reread), reverse=True)
    by_id = {found.chunk_id: found for found in PASSAGES}
    for found in reread:
        before = by_id[found.chunk_id]
        assert (found.text, found.document_id, found.start, found.end, found.version) == (
            before.text,
            before.document_id,
            before.start,
            before.end,
            before.version,
        )
        assert before.scores.items() <= found.scores.items()


def test_no_passages_stay_none_and_one_stays_one(reranker: Reranker) -> None:
    assert reranker.rerank(ASKED, []) == []
    assert [found.chunk_id for found in reranker.rerank(ASKED, PASSAGES[:1])] == [1]


def test_equal_passages_keep_their_order(reranker: Reranker) -> None:
    copies = [passage(LEAVE, number=number, title="Leave") for number in (5, 3, 9, 1)]
    assert [found.chunk_id for found in reranker.rerank(ASKED, copies)] == [5, 3, 9, 1]


def test_the_order_does_not_depend_on_the_run(reranker: Reranker) -> None:
    assert reranker.rerank(ASKED, PASSAGES) == reranker.rerank(ASKED, PASSAGES)


def test_it_says_what_it_is(reranker: Reranker) -> None:
    assert reranker.description


# ------------------------------------------------------------------------------- cross-encoders


@pytest.mark.slow
def test_the_model_decides_whatever_retrieval_said(likes_leave: Path) -> None:
    for order in (PASSAGES, PASSAGES[::-1]):
        reread = cross_encoder(likes_leave).rerank(ASKED, order)
        assert reread[0].text == LEAVE
        assert all(found.score == found.scores["rerank"] for found in reread)
    assert reread[0].scores["dense"] == 0.3


@pytest.mark.slow
def test_title_and_heading_are_read_with_the_text(likes_leave: Path) -> None:
    under = [passage("Ask first.", number=1), passage("Ask first.", number=2, title="", heading="Leave")]
    assert [found.chunk_id for found in cross_encoder(likes_leave).rerank(ASKED, under)] == [2, 1]


@pytest.mark.slow
def test_many_long_passages_and_a_long_question_are_cut_to_what_the_model_reads(likes_leave: Path) -> None:
    long = [passage(f"{number} " + "nothing " * 500, number=number) for number in range(1, 40)]
    best = passage("leave " * 500, number=99)
    reread = cross_encoder(likes_leave).rerank(question("why " * 900), [*long, best])
    assert (len(reread), reread[0].chunk_id) == (40, 99)


@pytest.mark.slow
def test_other_threads_settings_are_left_alone(likes_leave: Path) -> None:
    import torch

    before = torch.get_num_threads()
    cross_encoder(likes_leave).rerank(ASKED, PASSAGES)
    assert torch.get_num_threads() == before


# ------------------------------------------------------------------------ models that are no good


@pytest.mark.slow
def test_a_model_that_is_nowhere_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="FOOTNOTE_RERANKER, or set it to none"):
        cross_encoder("no-such/model")
    with pytest.raises(ModelUnavailable, match="holds no model"):
        cross_encoder(tmp_path)


@pytest.mark.slow
def test_an_embedding_model_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"BertModel.*is no cross-encoder"):
        cross_encoder(write_encoder(tmp_path))


@pytest.mark.slow
def test_a_classifier_of_several_classes_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="3 numbers a pair, a reranker gives one"):
        cross_encoder(write_cross_encoder(tmp_path, likes=["leave"], labels=3))


@pytest.mark.slow
def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    write_cross_encoder(tmp_path, likes=["leave"])
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="must be safetensors"):
        cross_encoder(tmp_path)


@pytest.mark.slow
def test_code_beside_the_weights_is_not_run(tmp_path: Path) -> None:
    write_cross_encoder(tmp_path, likes=["leave"])
    (tmp_path / "own_model.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: ...\n")
    described = json.loads((tmp_path / "config.json").read_text())
    described |= {"auto_map": {"AutoConfig": "own_model.Own", "AutoModel": "own_model.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(described | {"model_type": "own"}))
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        cross_encoder(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_model_that_gives_no_number_is_said_not_sorted_by(tmp_path: Path) -> None:
    broken = cross_encoder(write_cross_encoder(tmp_path, likes=["leave"], nan=True))
    with pytest.raises(ModelUnavailable, match="gives no number in float32"):
        broken.rerank(ASKED, PASSAGES)


@pytest.mark.slow
def test_a_device_that_is_not_there_is_a_wrong_setting(likes_leave: Path) -> None:
    from rag.retrieval.cross_encoder import CrossEncoderReranker

    with pytest.raises(SettingsError, match="use auto or cpu"):
        CrossEncoderReranker(str(likes_leave), device="cuda:99")
