"""What of a passage could be an answer, and what a question asks for."""

from __future__ import annotations

import pytest

from rag.answering.asked import wanted_kind
from rag.answering.statements import block_after, statements

SECTION = (
    "3. Sick pay\n\nPay goes on for six weeks. Is a note needed?\n\n"
    "Site | Phone\nLeeds | 5000\nLyon | 6000\n\n"
    "Certificates\n\nSend the note to reception:\nby post\nby e-mail to notes@orvellan.example\n\nThank you."
)


def read(text: str) -> list[str]:
    return [each.read for each in statements(text)]


def test_headings_questions_and_labels_of_columns_are_no_statements() -> None:
    assert read(SECTION)[:3] == [
        "Pay goes on for six weeks.",
        "Site Leeds, Phone 5000",
        "Site Lyon, Phone 6000",
    ]


def test_a_statement_knows_its_caption_the_sentence_before_and_its_columns() -> None:
    pay, leeds, *_ = found = statements(SECTION)
    assert pay.caption == "3. Sick pay"
    assert leeds.header is not None
    assert SECTION[slice(*leeds.header)] == "Site | Phone"
    post = next(each for each in found if each.read.startswith("Send"))
    assert (post.caption, post.before) == ("Certificates", "Certificates")
    assert all(SECTION[each.start : each.end].strip() for each in found)


def test_a_list_ends_where_its_lines_do_or_after_so_many() -> None:
    start = SECTION.index("reception:") + len("reception:")
    whole = SECTION[start : block_after(SECTION, start, most=8)]
    assert whole.split("\n")[1:] == ["by post", "by e-mail to notes@orvellan.example"]
    assert SECTION[start : block_after(SECTION, start, most=1)] == "\nby post"
    assert block_after("Nothing follows:", 16, most=8) == 16
    apart = "To be sent:\n\nthe note\nthe form\n\nLater."
    assert apart[: block_after(apart, 11, most=8)].endswith("the form")


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        (
            "How many days of leave are there?",
            "There are twenty-five or thirty.",
            "Leave is asked for early.",
        ),
        ("When is the alarm tested?", "It is tested every Wednesday.", "The alarm is loud."),
        ("Combien de temps garde-t-on un CV ?", "Deux semestres.", "Les CV sont rangés."),
        ("Quel jour tombe le salaire ?", "Le 27 du mois.", "Le salaire est viré."),
        ("Who approves a trip?", "It needs the approval of the site manager.", "Trips are approved early."),
    ],
)
def test_a_question_asks_for_a_kind_of_thing_that_its_answer_holds(
    question: str, answer: str, other: str
) -> None:
    kind = wanted_kind(question)
    assert kind is not None
    assert kind.search(answer)
    assert not kind.search(other)


def test_most_questions_ask_for_anything() -> None:
    assert wanted_kind("Can I bring my dog?") is None
    assert wanted_kind("Comment déclarer une panne ?") is None
