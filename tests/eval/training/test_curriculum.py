"""The curriculum: carried and corrupted claims on real sentences, with what is wrong marked."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from eval.training.agreement import replace_words
from eval.training.corruptions import CORRUPTIONS
from eval.training.curriculum import generate, marked_up
from eval.training.drafts import Draft, tokenize
from eval.training.examples import Group
from eval.training.paraphrases import PARAPHRASES
from eval.training.scene import Scene
from eval.training.sentences_pool import Document, SentencePool
from eval.training.sources import plain_text, read_documents, read_handbook, unspaced

HANDBOOK = Path(__file__).parents[3] / "samples" / "handbook"


@pytest.fixture(scope="module")
def groups() -> list[Group]:
    return list(generate(read_handbook(HANDBOOK), seed=1, groups=300))


def edited(kind: str, text: str, *others: str, language: str = "en") -> Draft | None:
    """``text`` after the first draw in which the edit ``kind`` changes it."""
    edit = next(edit for name, edit, _ in (*PARAPHRASES, *CORRUPTIONS) if name == kind)
    said = " ".join([text, *others, *[text] * 8])
    pool = SentencePool([Document(id="one", text=said, language=language)], language)
    return edit(Draft(text), Scene(pool=pool, rng=random.Random(3), passages=[pool.documents[0]]))


def test_the_same_seed_gives_the_same_groups() -> None:
    documents = read_handbook(HANDBOOK)
    first, again, other = (list(generate(documents, seed=seed, groups=20)) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_spans_mark_what_is_wrong_and_carried_claims_have_none(groups: list[Group]) -> None:
    for claim in (claim for group in groups for claim in group.claims):
        assert claim.spans is not None
        assert (claim.label == "supported") == (not claim.spans)
        for span in claim.spans:
            assert 0 <= span.start < span.end <= len(claim.text)
            assert claim.text[span.start : span.end].strip() == claim.text[span.start : span.end]
        assert all(a.end <= b.start for a, b in zip(claim.spans, claim.spans[1:], strict=False))


def test_a_corrupted_claim_is_not_in_its_evidence(groups: list[Group]) -> None:
    for group in groups:
        for claim in group.claims:
            assert claim.label == "supported" or claim.text not in "\n".join(group.evidence)


def test_about_half_of_the_claims_are_corrupted_in_both_languages(groups: list[Group]) -> None:
    for language in ("en", "fr"):
        labels = Counter(c.label for group in groups if group.language == language for c in group.claims)
        assert 0.4 < labels["supported"] / labels.total() < 0.6
        assert min(labels["contradicted"], labels["unsupported"]) > 0.15 * labels.total()


def test_every_way_to_be_wrong_occurs(groups: list[Group]) -> None:
    kinds = {kind for group in groups for claim in group.claims for kind in claim.kind.split("+")}
    composed = {"added_clause", "tail_replaced", "mixed_sources", "foreign", "unread", "causality"}
    assert {name for name, _, _ in CORRUPTIONS} | composed <= kinds


def test_what_happens_to_claims_tells_nothing_of_their_label(groups: list[Group]) -> None:
    claims = [claim for group in groups for claim in group.claims]
    for kind in ("introduced", "sentence"):
        carried, corrupted = (
            [kind in claim.kind for claim in claims if (claim.label == "supported") is is_carried]
            for is_carried in (True, False)
        )
        assert sum(carried) / len(carried) == pytest.approx(sum(corrupted) / len(corrupted), abs=0.1)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("negation_inserted", "The visitor must sign the book.", "The visitor [!must not!] sign the book."),
        ("negation_removed", "Guests cannot enter the lab alone.", "Guests [!can!] enter the lab alone."),
        ("comparison", "Lock the door before you go home.", "Lock the door [!after!] you go home."),
        (
            "roles_swapped",
            "The bridge was painted by Owen Pryce.",
            "[!Owen Pryce!] was painted by [!the bridge!].",
        ),
        ("active_voice", "The bridge was painted by Owen Pryce.", "Owen Pryce painted the bridge."),
        ("clauses_swapped", "If you are ill, the nurse calls you.", "The nurse calls you if you are ill."),
        ("without_parenthesis", "The desk (room 4) opens at noon today.", "The desk opens at noon today."),
        (
            "number_words",
            "The trip takes 12 hours by night train.",
            "The trip takes twelve hours by night train.",
        ),
    ],
)
def test_an_edit_of_an_english_sentence(kind: str, text: str, expected: str) -> None:
    draft = edited(kind, text)
    assert draft
    assert marked_up(draft.text, draft.spans) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            "negation_inserted",
            "Le visiteur doit signer le registre.",
            "Le visiteur [!ne doit pas!] signer le registre.",
        ),
        (
            "negation_removed",
            "Les invités ne peuvent pas entrer seuls.",
            "Les invités [!peuvent!] entrer seuls.",
        ),
        ("comparison", "Fermez la porte avant la fin du jour.", "Fermez la porte [!après!] la fin du jour."),
        (
            "quantifier",
            "Le salarié doit remettre sa clé lundi.",
            "Le salarié [!peut!] remettre sa clé lundi.",
        ),
        (
            "clauses_swapped",
            "Si la porte est ouverte, le gardien la ferme.",
            "Le gardien la ferme si la porte est ouverte.",
        ),
    ],
)
def test_an_edit_of_a_french_sentence(kind: str, text: str, expected: str) -> None:
    draft = edited(kind, text, language="fr")
    assert draft
    assert marked_up(draft.text, draft.spans) == expected


def test_a_figure_becomes_another_one() -> None:
    draft = edited("number", "The fee for a late return is 40 euros a week.")
    assert draft
    (span,) = draft.spans
    assert draft.text[span.start : span.end].isdigit()
    assert draft.text[span.start : span.end] != "40"


def test_documents_without_a_passage_are_named_as_the_reason() -> None:
    with pytest.raises(ValueError, match="1 documents hold no passage"):
        next(generate([Document(id="short", text="Too short.", language="en")], seed=1, groups=1))


def test_markdown_becomes_prose() -> None:
    text = '---\ntitle: Travel\n---\n# Booking\n\n{% include "x" %}\nBook the **train**\nin [Passerelle](https://x).\n'
    text += "\n- One\n- Two"
    assert plain_text(text) == "Booking\nBook the train in Passerelle.\nOne\nTwo"


def test_text_published_with_blanks_between_tokens_is_joined() -> None:
    assert (
        unspaced("The dog 's bowl , says Ann , is `` empty '' .") == 'The dog\'s bowl, says Ann, is "empty".'
    )


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        read_documents(tmp_path / "nowhere")


def test_a_folder_without_the_corpora_gives_the_sample_handbook(tmp_path: Path) -> None:
    assert {document.language for document in read_documents(tmp_path)} == {"en", "fr"}


def test_articles_follow_the_word_that_is_put_in() -> None:
    tokens = tokenize("C'est fait selon les règles.", "fr")
    draft = replace_words(Draft("C'est fait selon les règles."), tokens, (11, 16), "en fonction de", "fr")
    assert draft == Draft("C'est fait en fonction des règles.")
    tokens = tokenize("She took a car.", "en")
    assert replace_words(Draft("She took a car."), tokens, (11, 14), "auto", "en") == Draft(
        "She took an auto."
    )
