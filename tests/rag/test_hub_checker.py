"""Checkers made of any classifier: its labels, its pair, its limits, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.domain import Evidence, Verdict
from rag.errors import ModelUnavailable
from rag.grounding.claim_model import ClaimModel
from rag.grounding.hub_checker import model_checker
from tests.claim_models import write_nli_model, write_word_model
from tests.cross_encoders import write_encoder

TEXT = "Staff in Leeds have many days of annual leave. The key of the VPN is kept in the safe."
WORDS = sorted({word.strip(".").lower() for word in TEXT.split()} | {".", "question", "passage", ":"})
EVIDENCE = [Evidence(id="leave", text=TEXT)]


def opened(folder: Path, **options: Any) -> ClaimModel:
    return ClaimModel(str(folder), device="cpu", precision="float32", threads=1, **options)


def verdict(model: ClaimModel, answer: str, *, name: str = "hub:model", **options: Any) -> Verdict:
    (sentence,) = model_checker(name, model, **options).check(answer, EVIDENCE).sentences
    return sentence.verdict


def test_a_model_of_inference_judges_sentences(tmp_path: Path) -> None:
    model = opened(write_nli_model(tmp_path, WORDS))
    assert verdict(model, "Annual leave of staff in Leeds.", name="nli:model") is Verdict.SUPPORTED
    assert verdict(model, "Submarines of staff in Leeds.", name="nli:model") is Verdict.UNSUPPORTED


def test_a_model_of_words_shows_which_are_not_supported(tmp_path: Path) -> None:
    model = opened(write_word_model(tmp_path, WORDS))
    report = model_checker("hub:words", model).check("Staff have many submarines of leave.", EVIDENCE)
    (sentence,) = report.sentences
    assert sentence.verdict is Verdict.UNSUPPORTED
    assert [sentence.text[span.start : span.end] for span in sentence.unsupported_spans] == ["submarines"]
    assert sentence.evidence[0].evidence_id == "leave"


@pytest.mark.parametrize(
    ("labels", "given", "entails"),
    [
        (("not_entailment", "entailment"), {}, 1),
        (("supported", "hallucinated"), {}, 0),
        (("LABEL_0", "LABEL_1"), {}, 1),
        (("LABEL_0", "LABEL_1"), {"LABEL_0": "supported", "LABEL_1": "contradicted"}, 0),
        (
            ("LABEL_0", "LABEL_1", "LABEL_2"),
            {"label_0": "contradicted", "label_1": "unsupported", "label_2": "supported"},
            2,
        ),
    ],
)
def test_labels_are_read_by_name_or_as_the_settings_say(
    tmp_path: Path, labels: Sequence[str], given: dict[str, Any], entails: int
) -> None:
    model = opened(write_nli_model(tmp_path, WORDS, labels=labels, entails=entails), labels=given)
    assert verdict(model, "Annual leave of staff in Leeds.") is Verdict.SUPPORTED
    assert verdict(model, "Submarines of staff in Leeds.") is not Verdict.SUPPORTED


def test_labels_that_tell_nothing_are_asked_for(tmp_path: Path) -> None:
    folder = write_nli_model(tmp_path, WORDS, labels=("LABEL_0", "LABEL_1", "LABEL_2"))
    with pytest.raises(ModelUnavailable, match=r"LABEL_0, LABEL_1, LABEL_2.*FOOTNOTE_CHECKER_LABELS"):
        opened(folder)


def test_evidence_longer_than_the_model_reads_is_read_in_pieces(tmp_path: Path) -> None:
    model = opened(write_nli_model(tmp_path, WORDS))
    assert model.max_tokens == 64
    far = "Zebras graze. " * 60
    evidence = [Evidence(id="long", text=f"{far}{TEXT} {far}")]
    (sentence,) = model_checker("hub:model", model).check("Annual leave of staff.", evidence).sentences
    assert any("annual leave" in span.quote for span in sentence.evidence)
    long_answer = "Annual leave " + "of staff " * 100 + "."
    assert model_checker("hub:model", model).check(long_answer, evidence).sentences


def test_the_pair_is_shown_as_the_settings_say(tmp_path: Path) -> None:
    model = opened(write_word_model(tmp_path, WORDS), claim_first=True)
    assert verdict(model, "Staff have annual leave.") is Verdict.SUPPORTED
    assert verdict(model, "Staff have annual submarines.") is Verdict.UNSUPPORTED
    template = "Question: {question} Passage: {evidence}"
    assert verdict(model, "Staff have annual leave.", template=template) is Verdict.SUPPORTED
    assert verdict(model, "Staff have annual leave.", threshold=0.99999) is Verdict.UNSUPPORTED


def test_figures_are_compared_beside_the_model(tmp_path: Path) -> None:
    model = opened(write_nli_model(tmp_path, [*WORDS, "25", "28", "days"]))
    evidence = [Evidence(id="leave", text="Staff in Leeds have 25 days of annual leave.")]
    (sentence,) = (
        model_checker("nli:model", model)
        .check("Leeds staff have 28 days of annual leave.", evidence)
        .sentences
    )
    assert sentence.verdict is Verdict.CONTRADICTED
    assert [sentence.text[span.start : span.end] for span in sentence.unsupported_spans] == ["28 days"]


def test_an_nli_checker_needs_a_model_of_inference(tmp_path: Path) -> None:
    model = opened(write_nli_model(tmp_path, WORDS, labels=("unsupported", "supported")))
    with pytest.raises(ModelUnavailable, match="Name it as hub:mine"):
        model_checker("nli:mine", model)


def test_what_is_no_classifier_or_no_safetensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="classifies neither"):
        opened(write_encoder(tmp_path / "encoder"))
    folder = write_nli_model(tmp_path / "pickled", WORDS)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="safetensors"):
        opened(folder)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelUnavailable, match="of no named kind"):
        opened(tmp_path / "broken")


def test_a_model_that_gives_no_number_is_told_of(tmp_path: Path) -> None:
    model = opened(write_nli_model(tmp_path, WORDS, nan=True))
    with pytest.raises(ModelUnavailable, match="no number"):
        verdict(model, "Annual leave of staff.")
