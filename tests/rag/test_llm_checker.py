"""The checker that asks a language model: what it is asked, and what becomes of its replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rag.domain import Evidence, Verdict
from rag.errors import GenerationFailed, InvalidRequest, ModelUnavailable
from rag.grounding.llm_checker import llm_checker
from rag.grounding.opening import CheckerParts, check_requested, known_checkers, open_checker
from rag.settings import Settings, load_settings
from tests.judging_llm import JudgingLlm

LEAVE = "Staff have 25 days of leave. Up to 5 days may be carried over until March."
EVIDENCE = [Evidence(id="vpn", text="The VPN needs a key."), Evidence(id="leave", text=LEAVE)]


def reply(*claims: dict[str, Any]) -> str:
    """The model's reply on one sentence."""
    return json.dumps({"sentences": [{"n": 1, "claims": list(claims)}]})


def test_sentences_go_together_with_numbered_evidence() -> None:
    llm = JudgingLlm()
    cities = ("Paris", "Lyon", "Nice", "Lille", "Brest", "Nantes", "Tours", "Metz")
    answer = "Hello! " + " ".join(f"Members of staff have 25 days of leave in {city}." for city in cities)
    llm_checker(llm).check(answer, EVIDENCE, question="How much leave?")
    assert len(llm.prompts) == 2
    asked = json.loads(llm.prompts[0].user)
    assert asked["question"] == "How much leave?"
    assert asked["evidence"] == [{"n": 1, "text": EVIDENCE[0].text}, {"n": 2, "text": LEAVE}]
    assert [each["n"] for each in asked["sentences"]] == [1, 2, 3, 4, 5, 6]
    assert "JSON" in llm.prompts[0].system


def test_the_worst_claim_decides_and_is_shown_where_it_stands() -> None:
    llm = JudgingLlm(
        reply(
            {
                "claim": "Staff have 25 days",
                "verdict": "supported",
                "evidence": 2,
                "quote": "25 days of leave",
            },
            {"claim": "in June", "verdict": "contradicted", "evidence": 2, "confidence": 1.0},
        )
    )
    (sentence,) = llm_checker(llm).check("Staff have 25 days, in June.", EVIDENCE).sentences
    assert sentence.verdict is Verdict.CONTRADICTED
    assert sentence.score == 0.0
    assert [sentence.text[span.start : span.end] for span in sentence.unsupported_spans] == ["in June"]
    assert [(span.evidence_id, span.quote) for span in sentence.evidence] == [("leave", "25 days of leave")]


def test_a_sentence_without_claims_asserts_nothing() -> None:
    (sentence,) = llm_checker(JudgingLlm(reply())).check("What a pleasure to work here.", EVIDENCE).sentences
    assert sentence.verdict is Verdict.NOT_CHECKABLE


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("I think it is fine.", "no JSON object"),
        ('{"sentences": []}', "Sentences 1 are missing"),
        ('{"sentences": [{"n": 1}]}', "claims"),
        (reply({"claim": "a", "verdict": "perhaps"}), "verdict"),
        (reply({"claim": "a", "verdict": "supported", "confidence": 7}), "confidence"),
        ("{" * 5000, "no JSON object"),
    ],
)
def test_a_reply_that_cannot_be_used_is_asked_for_again(broken: str, problem: str) -> None:
    llm = JudgingLlm(broken)
    report = llm_checker(llm).check("All staff have 25 days of leave.", EVIDENCE)
    assert report.sentences[0].verdict is Verdict.SUPPORTED
    assert problem in llm.prompts[1].user


def test_json_in_a_code_block_is_read() -> None:
    fenced = f"Here it is:\n```json\n{reply({'claim': 'Staff', 'verdict': 'supported', 'evidence': 9})}\n```"
    llm = JudgingLlm(fenced)
    (sentence,) = llm_checker(llm).check("All staff have leave.", EVIDENCE).sentences
    assert (sentence.verdict, sentence.evidence, len(llm.prompts)) == (Verdict.SUPPORTED, (), 1)


def test_a_model_that_never_replies_in_json_fails_the_check() -> None:
    llm = JudgingLlm("no", "no", "no", name="mute")
    with pytest.raises(GenerationFailed, match=r"mute was asked 3 times.*FOOTNOTE_CHECKER"):
        llm_checker(llm).check("All staff have 25 days of leave.", EVIDENCE)


def test_of_long_evidence_the_nearest_parts_are_shown() -> None:
    rules = " ".join(f"Rule {n} sets {n * 3} euros for item {n * 7}." for n in range(1000))
    llm = JudgingLlm()
    report = llm_checker(llm).check("For item 4900 rule 700 sets 2100 euros.", [Evidence(id="r", text=rules)])
    shown = json.loads(llm.prompts[0].user)["evidence"]
    assert sum(len(each["text"]) for each in shown) < 4000
    (span,) = report.sentences[0].evidence
    assert span.quote == "Rule 700 sets 2100 euros for item 4900."
    assert rules[span.start : span.end] == span.quote


# ------------------------------------------------------------------------------------ by name


def parts(**settings: Any) -> CheckerParts:
    return CheckerParts(
        settings=load_settings(**settings),
        language_model=lambda name, max_tokens, timeout_s: JudgingLlm(name=name),
    )


def test_checkers_are_opened_by_name() -> None:
    assert open_checker("lexical", parts()).name == "lexical"
    assert open_checker("llm", parts(llm="openai:a")).name == "llm"
    assert open_checker("llm:openai:b", parts()).name == "llm:openai:b"
    assert known_checkers().endswith("local, lexical, llm, llm:NAME, nli:MODEL, hub:MODEL")


@pytest.mark.parametrize("name", ["oracle", "", "nli", "hub:", "lexical:x", "llm:", "LEXICAL"])
def test_a_name_that_means_nothing_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"known are .*lexical, .*nli:MODEL"):
        open_checker(name, parts())


def test_without_a_language_model_there_is_no_llm_checker() -> None:
    with pytest.raises(InvalidRequest, match="FOOTNOTE_LLM"):
        open_checker("llm", parts())


def test_a_model_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(ModelUnavailable, match="neither a folder nor reachable"):
        open_checker("hub:/nowhere/at/all", parts())


def test_a_request_names_no_model_of_its_own() -> None:
    settings: Settings = load_settings(checker="hub:/models/mine", llms={"judge": {"model": "openai:a"}})
    for name in ("lexical", "local", "llm", "llm:judge", "hub:/models/mine"):
        check_requested(name, settings)
    for name in ("hub:/etc", "nli:someone/model", "llm:openai:b"):
        with pytest.raises(InvalidRequest, match=r"only hub:/models/mine, .*lexical, llm, llm:judge;"):
            check_requested(name, settings)
