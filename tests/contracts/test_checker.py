"""What every groundedness checker promises: verbatim text is carried, changed text is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Evidence, GroundingReport, Verdict
from rag.grounding.claim_model import ClaimModel
from rag.grounding.hub_checker import model_checker
from rag.grounding.llm_checker import llm_checker
from rag.grounding.opening import CHECKERS, CheckerParts, open_checker
from rag.interfaces import GroundednessChecker
from rag.settings import load_settings
from tests.claim_models import write_nli_model, write_word_model
from tests.judging_llm import JudgingLlm

LEAVE = (
    "Employees in Leeds have 25 days of annual leave a year. "
    "Up to 5 days may be carried over until 31 March. "
    "Part-time staff have a proportional share. Requests go to the line manager two weeks ahead."
)
CONGES = (
    "Les salariés à plein temps ont 25 jours de congés payés par an. "
    "Cinq jours au plus peuvent être reportés jusqu’au 31 mars. "
    "La demande est adressée au responsable deux semaines à l’avance."
)
EVIDENCE = [
    Evidence(id="vpn", text="The VPN needs a hardware key. Report a lost key within one hour."),
    Evidence(id="leave", text=LEAVE),
    Evidence(id="conges", text=CONGES),
]


FIGURE_OF_ANOTHER = "5 days of annual leave a year."
"""The evidence holds the figure, but of leave that is carried over."""

WORDS = sorted({word.lower() for text in EVIDENCE for word in re.findall(r"\w+|[^\w\s]+", text.text)})


def _opened(name: str) -> Callable[[Path], GroundednessChecker]:
    def open_it(_: Path) -> GroundednessChecker:
        parts = CheckerParts(
            settings=load_settings(),
            language_model=lambda *_: JudgingLlm(),
        )
        return open_checker(name, parts)

    return open_it


def _of_model(
    name: str, write: Callable[[Path, Sequence[str]], Path]
) -> Callable[[Path], GroundednessChecker]:
    def open_it(folder: Path) -> GroundednessChecker:
        model = ClaimModel(str(write(folder / name, WORDS)), device="cpu", precision="float32", threads=1)
        return model_checker(f"{name}:model", model)

    return open_it


MAKERS: dict[str, Callable[[Path], GroundednessChecker]] = {
    "local": _opened("local"),
    "lexical": _opened("lexical"),
    "llm": lambda _: llm_checker(JudgingLlm()),
    "nli": _of_model("nli", write_nli_model),
    "hub": _of_model("hub", write_word_model),
}
"""Every kind of checker, ready to check."""


@pytest.fixture(scope="module", params=sorted(MAKERS))
def checker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GroundednessChecker:
    return MAKERS[request.param](tmp_path_factory.mktemp("models"))


def test_every_checker_of_the_table_is_held_to_these_promises() -> None:
    assert sorted(MAKERS) == sorted(CHECKERS)


def verdicts(report: GroundingReport) -> list[Verdict]:
    return [sentence.verdict for sentence in report.sentences]


def assert_sound(report: GroundingReport, answer: str, evidence: Sequence[Evidence]) -> None:
    """Scores are probabilities, and every offset gives back what it points at."""
    texts = {text.id: text.text for text in evidence}
    assert 0 <= report.score <= 1
    assert 0 < report.threshold < 1
    place = 0
    for sentence in report.sentences:
        assert 0 <= sentence.score <= 1
        assert answer[place : sentence.start].strip() == ""
        assert answer[sentence.start : sentence.end] == sentence.text
        place = sentence.end
        for span in sentence.evidence:
            assert texts[span.evidence_id][span.start : span.end] == span.quote
        for unsupported in sentence.unsupported_spans:
            assert sentence.start <= unsupported.start < unsupported.end <= sentence.end
    assert answer[place:].strip() == ""


def test_an_answer_is_judged_alike_as_it_is_written(checker: GroundednessChecker) -> None:
    answer = (
        "Up to 5 days may be carried over until 31 March. A lost key is reported within one hour. Any more?"
    )
    whole = checker.check(answer, EVIDENCE)
    session = checker.begin(EVIDENCE)
    verdicts = []
    for sentence in whole.sentences:
        verdict = session.judge(sentence.text, before=answer[: sentence.start])
        assert (verdict.start, verdict.end) == (0, len(sentence.text))
        verdicts.append(replace(verdict, start=sentence.start, end=sentence.end))
    report = session.report(verdicts)
    assert [(each.verdict, each.score) for each in report.sentences] == [
        (each.verdict, each.score) for each in whole.sentences
    ]
    assert (report.score, report.threshold, report.checker) == (whole.score, whole.threshold, whole.checker)


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("Up to 5 days may be carried over until 31 March.", "leave"),
        ("Report a lost key within one hour.", "vpn"),
        ("Cinq jours au plus peuvent être reportés jusqu’au 31 mars.", "conges"),
        ("Up to 5 days may be\ncarried  over until 31 March.".replace("\n", " "), "leave"),
    ],
)
def test_a_verbatim_sentence_is_supported_and_its_place_shown(
    checker: GroundednessChecker, answer: str, source: str
) -> None:
    report = checker.check(answer, EVIDENCE)
    assert_sound(report, answer, EVIDENCE)
    assert verdicts(report) == [Verdict.SUPPORTED]
    assert report.score >= report.threshold
    (span,) = report.sentences[0].evidence
    assert (span.evidence_id, span.quote.split()) == (source, answer.split())
    assert report.checker == checker.name


@pytest.mark.parametrize(
    "answer",
    [
        "Up to 8 days may be carried over until 31 March.",
        "Employees in Leeds have 28 days of annual leave a year.",
        FIGURE_OF_ANOTHER,
        "Cinq jours au plus peuvent être reportés jusqu’au 30 avril.",
        "Les salariés à plein temps ont 35 jours de congés payés par an.",
    ],
)
def test_a_changed_figure_is_not_supported(checker: GroundednessChecker, answer: str) -> None:
    report = checker.check(answer, EVIDENCE)
    assert_sound(report, answer, EVIDENCE)
    assert verdicts(report)[0] in {Verdict.UNSUPPORTED, Verdict.CONTRADICTED}
    assert report.score < report.threshold
    assert report.sentences[0].unsupported_spans


@pytest.mark.parametrize(
    "answer",
    [
        "The canteen serves lunch from noon.",
        "Submarines are repaired in Brest by the navy.",
        "La cantine ouvre à midi pour tous.",
    ],
)
def test_what_no_evidence_speaks_of_is_not_supported(checker: GroundednessChecker, answer: str) -> None:
    report = checker.check(answer, EVIDENCE)
    assert verdicts(report) == [Verdict.UNSUPPORTED]
    assert report.score < report.threshold


def test_empty_evidence_supports_nothing(checker: GroundednessChecker) -> None:
    for evidence in ([], [Evidence(id="blank", text="")], [Evidence(id="blank", text=" \n ")]):
        report = checker.check(LEAVE, evidence)
        assert_sound(report, LEAVE, evidence)
        assert set(verdicts(report)) == {Verdict.UNSUPPORTED}
        assert report.score < report.threshold


@pytest.mark.parametrize(
    "answer",
    [
        "Hello!",
        "Bonjour,",
        "I hope this helps.",
        "Would you like more details?",
        "Souhaitez-vous en savoir plus ?",
    ],
)
def test_questions_and_greetings_are_not_checked(checker: GroundednessChecker, answer: str) -> None:
    report = checker.check(answer, EVIDENCE)
    assert verdicts(report) == [Verdict.NOT_CHECKABLE]
    assert_sound(report, answer, EVIDENCE)


def test_an_answer_without_assertions_is_not_unsupported(checker: GroundednessChecker) -> None:
    for answer in ("", "   ", "Hello!"):
        report = checker.check(answer, EVIDENCE)
        assert report.score >= report.threshold


def test_one_unsupported_sentence_lowers_the_whole_answer(checker: GroundednessChecker) -> None:
    right = "Up to 5 days may be carried over until 31 March. Report a lost key within one hour."
    wrong = right + " The canteen serves submarines on Tuesdays."
    assert checker.check(wrong, EVIDENCE).score < checker.check(right, EVIDENCE).score
    assert verdicts(checker.check(wrong, EVIDENCE))[:2] == [Verdict.SUPPORTED] * 2


def test_the_same_answer_gets_the_same_report(checker: GroundednessChecker) -> None:
    answer = "Employees carry over 5 days of leave, until March at the latest. Ask the manager."
    assert checker.check(answer, EVIDENCE) == checker.check(answer, EVIDENCE)


def test_the_order_of_the_evidence_does_not_matter(checker: GroundednessChecker) -> None:
    answer = "Employees carry over 5 days of leave, until March at the latest."
    forth, back = checker.check(answer, EVIDENCE), checker.check(answer, EVIDENCE[::-1])
    assert back.score == pytest.approx(forth.score, abs=0.005)  # bfloat16 adds up in another order


def test_a_context_of_200_000_characters_is_checked(checker: GroundednessChecker) -> None:
    rules = [
        f"Rule {n} of chapter {n % 17} sets {n * 3} euros for item {n * 7} in room {n % 91}."
        for n in range(3300)
    ]
    evidence = [Evidence(id="long", text=" ".join(rules))]
    assert len(evidence[0].text) > 200_000
    answer = f"{rules[3000]} Rule 12 sets 99999 euros for the item. Nothing is said of submarines in Brest."
    report = checker.check(answer, evidence)
    assert_sound(report, answer, evidence)
    assert verdicts(report)[0] is Verdict.SUPPORTED
    assert verdicts(report)[2] is Verdict.UNSUPPORTED


_TEXT = st.text(alphabet="aà5.,!?\n «»[]’-XYZ leave days 25", max_size=120)


@settings(max_examples=60, deadline=None)
@given(answer=_TEXT, texts=st.lists(_TEXT, max_size=3))
def test_any_text_gets_a_sound_report(checker: GroundednessChecker, answer: str, texts: list[str]) -> None:
    evidence = [Evidence(id=str(place), text=text) for place, text in enumerate(texts)]
    report = checker.check(answer, evidence)
    assert_sound(report, answer, evidence)
    assert report.count(Verdict.SUPPORTED) <= len(report.sentences)
