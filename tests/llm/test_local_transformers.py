"""A model of the transformers library that really runs here: made by the test, asked as any other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag.domain import Draft, Prompt
from rag.errors import GenerationFailed, ModelUnavailable
from rag.llm.chat_model import ChatModelGenerator, open_chat_model
from rag.llm.named import spec_of
from rag.settings import load_settings
from tests.llm.tiny_model import CONTEXT, make_tiny_model
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S

pytestmark = pytest.mark.slow

SYSTEM = "Answer from the passages."
HOW_MANY, CARRIED = "How many days?", "How many are carried over?"
ANSWERS = {HOW_MANY: "Twenty-five days a year [1].", CARRIED: "Five days carry over [1]."}


def asked(question: str, system: str = SYSTEM) -> Prompt:
    return replace(prompt(question, passage(LEAVE)), system=system, user=question)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    make_tiny_model(made, system=SYSTEM, answers=ANSWERS)
    return made


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, **fields: object) -> ChatModelGenerator:
    llm = {"model": f"huggingface_local:{folder}", "max_tokens": 40, "timeout_s": LONG_S} | fields
    monkeypatch.setenv("FOOTNOTE_LLMS", json.dumps({"local": llm}))
    return open_chat_model(spec_of("local", load_settings()))


@pytest.fixture
def local(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ChatModelGenerator:
    return opened(folder, monkeypatch)


@pytest.mark.parametrize("question", ANSWERS)
def test_a_local_model_streams_its_answer_and_counts_its_tokens(
    local: ChatModelGenerator, question: str
) -> None:
    *pieces, draft = local.stream(asked(question))
    assert isinstance(draft, Draft)
    assert draft.text == "".join(map(str, pieces)) == ANSWERS[question]
    assert len(pieces) > 3
    assert draft.usage is not None
    assert draft.usage["input_tokens"] > 5 < draft.usage["output_tokens"] <= 40


def test_an_answer_is_no_longer_than_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, draft = opened(folder, monkeypatch, max_tokens=3).stream(asked(HOW_MANY))
    assert isinstance(draft, Draft)
    assert draft.usage is not None
    assert draft.usage["output_tokens"] == 3
    assert ANSWERS[HOW_MANY].startswith(draft.text)


def test_an_answer_that_is_given_up_leaves_the_model_free(local: ChatModelGenerator) -> None:
    stream = local.stream(asked(HOW_MANY))
    assert next(stream)
    stream.close()  # type: ignore[attr-defined]
    *_, draft = local.stream(asked(CARRIED))
    assert isinstance(draft, Draft)
    assert draft.text == ANSWERS[CARRIED]


def test_a_temperature_makes_it_choose(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm = opened(folder, monkeypatch, temperature=2.0, options={"device": "cpu", "dtype": "float32"})
    texts = {
        draft.text for _ in range(4) for draft in warm.stream(asked(HOW_MANY)) if isinstance(draft, Draft)
    }
    assert texts - {ANSWERS[HOW_MANY]}


def test_a_prompt_beyond_its_context_is_said_so(local: ChatModelGenerator) -> None:
    with pytest.raises(GenerationFailed, match=r"too long for it\. Lower prompt_tokens"):
        list(local.stream(asked(HOW_MANY, system="passages " * CONTEXT)))


def test_what_cannot_be_loaded_is_said_at_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelUnavailable, match="safetensors weights"):
        opened(tmp_path / "gone", monkeypatch)
    with pytest.raises(ModelUnavailable, match="unset its base_url"):
        opened(folder, monkeypatch, base_url="http://127.0.0.1:9")
    for file in folder.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelUnavailable, match="no chat template"):
        opened(tmp_path, monkeypatch)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        opened(tmp_path, monkeypatch)
