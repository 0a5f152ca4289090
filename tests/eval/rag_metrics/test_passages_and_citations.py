"""Context, citations, faithfulness and noise, on answers small enough to count by hand."""

from __future__ import annotations

from itertools import permutations
from statistics import mean
from typing import Any

import pytest

from eval.answered import AnsweredQuestion
from eval.rag_metrics import rag_metrics
from eval.rag_metrics.citations import CitationChecks
from eval.rag_metrics.context import average_precision, context_precision, context_recall, random_precision
from eval.rag_metrics.gold import gold_passages, holds, overlap
from eval.rag_metrics.grounding import faithfulness, noise_sensitivity
from eval.rag_metrics.relevance import relevance
from tests.eval.rag_metrics.answers import (
    NOT_CHECKABLE,
    UNSUPPORTED,
    WordChecker,
    answered,
    citation,
    found,
    gold,
)
from tests.fakes import HashedEmbedder

LEAVE = "Annual leave is twenty-five days a year."
CARRIED = "Five days may be carried over."
VPN = "The VPN needs a hardware key."


def values(each: AnsweredQuestion) -> dict[str, float | None]:
    return {metric.name: metric.per_question(each) for metric in rag_metrics(WordChecker(), HashedEmbedder())}


# ------------------------------------------------------------------------------------------ passages


@pytest.mark.parametrize(
    ("facts", "is_gold"),
    [
        ({"quotes": (LEAVE,)}, [False, True, False]),
        ({"quotes": (LEAVE, VPN)}, [True, True, False]),
        ({"quotes": (LEAVE,), "documents": ("2.md",)}, [False, True, False]),
        ({"quotes": (LEAVE,), "documents": ("1.md",)}, [False, False, False]),
        ({"documents": ("srv/3.md", "document-1")}, [True, False, True]),
    ],
)
def test_gold_passages_are_known_by_quote_and_document(facts: dict[str, Any], is_gold: list[bool]) -> None:
    asked = answered(gold(**facts), "x", passages=found(VPN, f"{LEAVE} {CARRIED}", CARRIED))
    assert gold_passages(asked) == is_gold


def test_context_precision_and_recall() -> None:
    asked = answered(gold(quotes=(LEAVE,)), "x", passages=found(VPN, LEAVE, CARRIED))
    assert (context_precision(asked), context_recall(asked)) == (0.5, 1.0)
    lost = answered(gold(quotes=("Nowhere to be found.",)), "x", passages=found(VPN, LEAVE))
    assert (context_precision(lost), context_recall(lost)) == (0.0, 0.0)
    several = answered(gold(documents=("1.md", "2.md", "9.md")), "x", passages=found(VPN, LEAVE, CARRIED))
    assert context_recall(several) == pytest.approx(2 / 3)
    assert context_precision(several) == 1.0
    unknown = answered(gold(answers=("25",)), "x", passages=found(VPN))
    assert (context_precision(unknown), context_recall(unknown), random_precision(unknown)) == (None,) * 3


@pytest.mark.parametrize("is_gold", [[True], [True, False, False, False], [True, True, False, False, True]])
def test_random_order_is_the_mean_over_all_orders(is_gold: list[bool]) -> None:
    passages = found(*[LEAVE if each else VPN for each in is_gold])
    asked = answered(gold(quotes=(LEAVE,)), "x", passages=passages)
    expected = mean(average_precision(order) for order in permutations(is_gold))
    assert random_precision(asked) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "quote", "held"),
    [
        ("Name | Days\nLeeds | 25", "Leeds 25", True),
        ("- Five days\n- may be  carried over.", CARRIED, True),
        ("One.\nFive days may be carried\n", CARRIED, True),
        ("68\nSomething else", "Leeds has 68 people", False),
        ("Anything", "…", False),
    ],
)
def test_a_text_holds_a_quote_whatever_its_signs_and_blanks(text: str, quote: str, held: bool) -> None:
    assert holds(text, quote) is held


def test_a_citation_may_be_a_part_of_the_quote() -> None:
    assert overlap("Five days", CARRIED)
    assert overlap(f"{LEAVE} {CARRIED}", CARRIED)
    assert not overlap(VPN, CARRIED)


# ----------------------------------------------------------------------------------------- citations


def test_citations_that_carry_and_statements_that_are_carried() -> None:
    asked = answered(
        gold(),
        f"{LEAVE} {CARRIED} {VPN} Is that all?",
        verdicts=[*[UNSUPPORTED] * 3, NOT_CHECKABLE],
        cited=[(1,), (2,), (), (1,)],
        citations=[citation(1, LEAVE), citation(2, VPN)],
    )
    checks = CitationChecks(WordChecker())
    assert checks.precision(asked) == 1 / 2  # the second footnote carries nothing of its sentence
    assert checks.recall(asked) == pytest.approx(
        1 / 3
    )  # the third sentence has none; a question asserts nothing


def test_two_citations_that_only_carry_together_are_both_precise() -> None:
    both = answered(
        gold(),
        "Leave is five days.",
        cited=[(1, 2)],
        citations=[citation(1, "Leave is short"), citation(2, "five days")],
    )
    assert CitationChecks(WordChecker()).precision(both) == 1.0


def test_a_citation_that_the_others_can_do_without_is_not_precise() -> None:
    asked = answered(
        gold(), LEAVE, cited=[(1, 2)], citations=[citation(1, LEAVE), citation(2, "Nothing of it")]
    )
    checks = CitationChecks(WordChecker())
    assert (checks.precision(asked), checks.recall(asked)) == (1 / 2, 1.0)


def test_each_answer_is_checked_once_and_a_changed_one_anew() -> None:
    checker = WordChecker()
    checks = CitationChecks(checker)
    asked = answered(gold(), LEAVE, cited=[(1,)], citations=[citation(1, LEAVE)], answer_id="a")
    assert (checks.precision(asked), checks.recall(asked)) == (1.0, 1.0)
    assert checker.asked == 1
    refused = answered(gold(), None, answer_id="a")
    assert (checks.precision(refused), checks.recall(refused)) == (None, None)


def test_citations_by_gold() -> None:
    asked = answered(
        gold(quotes=(LEAVE,)),
        f"{LEAVE} {VPN}",
        cited=[(1,), (2,)],
        citations=[citation(1, LEAVE), citation(2, VPN)],
    )
    found_values = values(asked)
    assert (found_values["citation_precision_gold"], found_values["citation_recall_gold"]) == (0.5, 1.0)
    bare = values(answered(gold(quotes=(LEAVE,)), LEAVE))
    assert (bare["citation_precision_gold"], bare["citation_recall_gold"]) == (None, 0.0)


def test_a_refusal_has_no_citations_to_judge() -> None:
    refused = values(answered(gold(quotes=(LEAVE,), answers=("25",)), None, passages=found(LEAVE)))
    silent = "faithfulness noise_sensitivity citation_precision citation_recall citation_precision_gold"
    assert {refused[name] for name in f"{silent} citation_recall_gold answer_relevance".split()} == {None}
    assert (refused["false_refusal_rate"], refused["token_f1"], refused["context_recall"]) == (1.0, 0.0, 1.0)


# --------------------------------------------------------------------------- faithfulness, noise, relevance


def test_faithfulness_is_the_share_of_statements_that_the_check_found_supported() -> None:
    asked = answered(
        gold(), f"{LEAVE} {CARRIED} Hello!", verdicts=[UNSUPPORTED, *answered_supported(), NOT_CHECKABLE]
    )
    assert faithfulness(asked) == 1 / 2
    assert faithfulness(answered(gold(), "Hello!", verdicts=[NOT_CHECKABLE])) is None


def answered_supported() -> list[Any]:
    return [each.verdict for each in answered(gold(), CARRIED).answer.sentences]


def test_noise_is_what_only_passages_beside_the_gold_carry() -> None:
    measured = noise_sensitivity(WordChecker())
    question = gold(quotes=(LEAVE,), documents=("2.md",))
    passages = found(VPN, f"{LEAVE} {CARRIED}")
    # from the gold passage, from its other sentence, from the noise, and from nowhere
    text = f"{LEAVE} {CARRIED} {VPN} Submarines are repaired in Brest."
    assert measured(answered(question, text, passages=passages)) == 1 / 4
    assert measured(answered(question, LEAVE, passages=found(VPN))) == 0.0  # the gold quote itself carries it
    assert measured(answered(question, VPN, passages=found(VPN))) == 1.0
    assert measured(answered(gold(answers=("25",)), VPN, passages=found(VPN))) is None


def test_relevance_by_hand() -> None:
    embedder = HashedEmbedder(dimension=4096)
    question = "annual leave Leeds"
    assert relevance(question, question, "en", embedder) == pytest.approx(1.0)
    # three words and one shared: cosine 1 / (√3 · 1), one of three content words taken up
    assert relevance(question, "leave", "en", embedder) == pytest.approx((3**-0.5 + 1 / 3) / 2)
    assert relevance(question, "submarines", "en", embedder) == 0.0
    assert relevance("???", "???", "en", embedder) == 0.0
