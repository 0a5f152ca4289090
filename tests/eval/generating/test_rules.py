"""What each rule asks, word for word, and what it leaves alone."""

from __future__ import annotations

import pytest

from eval.generating.candidates import Candidate, Kind
from eval.generating.documents import small_words_of
from eval.generating.from_sentences import from_sentences
from eval.generating.from_structure import from_structure
from eval.generating.wording import WORDINGS
from tests.eval.generating.documents import document


def asked(text: str, *, language: str = "en", title: str = "Handbook") -> list[Candidate]:
    made = document(text, language=language, title=title)
    wording = WORDINGS[language]
    small_words = small_words_of([made])
    found = [*from_structure(made, wording), *from_sentences(made, wording, small_words)]
    assert all(each.quote is not None and text.count(each.quote) == 1 for each in found)
    return found


ENGLISH = [
    (
        "The normal turnaround in the laboratory of Leeds is eight working days from reception.",
        "What is the normal turnaround in the laboratory of Leeds?",
        "eight working days from reception",
    ),
    (
        "An express service of two working days costs 60 % more and is limited to six a week.",
        "How much does an express service of two working days cost?",
        "60 % more",
    ),
    (
        "A working group is a meeting of staff from several departments that has an end.",
        'What is a working group, according to "Handbook"?',
        "a meeting of staff from several departments that has an end",
    ),
    (
        "The Platform Lead publishes the rota of both teams eight weeks ahead.",
        "Who publishes the rota of both teams eight weeks ahead?",
        "The Platform Lead",
    ),
    (
        "If the temperature leaves the permitted band for ten minutes, stop and repeat the series.",
        "What applies if the temperature leaves the permitted band for ten minutes?",
        "stop and repeat the series",
    ),
    (
        "Eight weeks' notice is needed if you want to come back earlier than agreed.",
        "What applies if you want to come back earlier than agreed?",
        "Eight weeks' notice is needed",
    ),
    (
        "A lost or stolen laptop or phone must be reported to the security line at once.",
        "What must be done with a lost or stolen laptop or phone?",
        "reported to the security line at once",
    ),
    (
        "Laboratory technicians and goods-in staff may take up to two days a month at home.",
        'What may Laboratory technicians and goods-in staff do, according to "Handbook"?',
        "take up to two days a month at home",
    ),
]
FRENCH = [
    (
        "Le plafond légal de la dépense journalière est de 25 euros par personne.",
        "Quel est le plafond légal de la dépense journalière ?",
        "25 euros par personne",
    ),
    (
        "La durée de la période d'essai des cadres est fixée à quatre mois au plus.",
        "Quelle est la durée de la période d'essai des cadres ?",
        "quatre mois au plus",
    ),
    (
        "Le stationnement à l'intérieur du bâtiment de Lyon coûte 85 € par mois.",
        "Combien coûte le stationnement à l'intérieur du bâtiment de Lyon ?",
        "85 € par mois",
    ),
    (
        "Un gestionnaire de code source est un logiciel qui garde toutes les versions du code.",
        "Qu'est-ce qu'un gestionnaire de code source, d'après « Manuel » ?",
        "un logiciel qui garde toutes les versions du code",
    ),
    (
        "S'il reste plus de cinq jours de congé au compte, le responsable propose des dates.",
        "Qu'est-il prévu s'il reste plus de cinq jours de congé au compte ?",
        "le responsable propose des dates",
    ),
    (
        "En cas d'absence de plus de deux jours ouvrés, activez la réponse automatique.",
        "Qu'est-il prévu en cas d'absence de plus de deux jours ouvrés ?",
        "activez la réponse automatique",
    ),
    (
        "Le responsable sûreté signe le permis de feu de chaque chantier.",
        "Qui signe le permis de feu de chaque chantier ?",
        "Le responsable sûreté",
    ),
    (
        "Les proches aidants et les travailleurs handicapés peuvent aller jusqu'à quatre jours.",
        "Que peuvent faire les proches aidants et les travailleurs handicapés ?",
        "aller jusqu'à quatre jours",
    ),
]


@pytest.mark.parametrize(("sentence", "question", "answer"), ENGLISH)
def test_english_sentences(sentence: str, question: str, answer: str) -> None:
    (found,) = asked(sentence)
    assert (found.question, found.answer, found.quote) == (question, answer, sentence)


@pytest.mark.parametrize(("sentence", "question", "answer"), FRENCH)
def test_french_sentences(sentence: str, question: str, answer: str) -> None:
    (found,) = asked(sentence, language="fr", title="Manuel")
    assert (found.question, found.answer, found.quote) == (question, answer, sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "If it is still broken after two hours, call the service desk on extension 4210.",
        "If the device is lost, stolen or broken, tell the service desk on extension 4210.",
        "Ask your manager in writing if the request was already granted by somebody.",
        "The signal is a modulated sound that everybody in the building hears for five minutes.",
        "You may take up to five days of it before the end of the year.",
        "Because Google Meet is a web application that runs in any browser, nothing is installed.",
        "See https://example.org/leave if you want to know more about the rules of leave.",
    ],
)
def test_what_leans_on_its_surroundings_gives_no_question(sentence: str) -> None:
    assert asked(sentence) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Si le 27 tombe un samedi, un dimanche ou un jour férié, le virement est avancé d'un jour.",
        "En cas de mariage, de naissance ou de séparation, la formule peut être changée.",
        "Si possible, utilisez la même procédure pour tous les sites du groupe.",
        "La carte est remise par le service paie le jour de l'arrivée, contre signature.",
    ],
)
def test_the_same_in_french(sentence: str) -> None:
    assert asked(sentence, language="fr") == []


def test_a_heading_asks_what_the_document_says() -> None:
    (found,) = asked(
        "# Buying and selling days\nDays cannot be sold to anybody else.\n", title="Annual leave"
    )
    assert found.question == 'What does "Annual leave" say about "Buying and selling days"?'
    assert (found.kind, found.answer) == (Kind.HEADING, "Days cannot be sold to anybody else.")


def test_a_heading_that_is_a_question_is_asked() -> None:
    (found,) = asked(
        "# Combien de jours peut-on reporter ?\nCinq jours au plus, avec l'accord écrit.\n", language="fr"
    )
    assert found.question == "Combien de jours peut-on reporter ?"
    assert found.kind is Kind.QUESTION_HEADING


def test_general_headings_ask_nothing() -> None:
    assert asked("# Overview\nThis page is for all the staff of the company.\n") == []
    assert asked("# Our story\nNobody remembers how the whole thing began.\n") == []


def test_a_question_in_the_text_is_answered_by_what_follows() -> None:
    (found,) = asked("Q: Can unused leave be carried over?\nA: Up to five days can, until 31 March.\n")
    assert (found.kind, found.question) == (Kind.FAQ, "Can unused leave be carried over?")
    assert found.answer == "Up to five days can, until 31 March."


def test_a_cell_is_asked_for_by_row_and_column() -> None:
    table = "# Asking for leave\nLength | Notice\n1 or 2 days | 3 working days\nMore | 2 months\n"
    first, second = asked(table)
    assert first.question == 'In "Asking for leave", what stands under "Notice" for "1 or 2 days"?'
    assert (first.kind, first.quote, first.answer) == (
        Kind.TABLE,
        "1 or 2 days | 3 working days",
        "3 working days",
    )
    assert second.answer == "2 months"
    (french,) = asked("# Congés\nDurée | Délai\n1 ou 2 jours | 3 jours ouvrés\n", language="fr")
    assert french.question == "Dans « Congés », que lit-on pour « 1 ou 2 jours » dans la colonne « Délai » ?"


def test_a_row_that_stands_twice_is_not_asked_for() -> None:
    assert asked("# Dates\nDay | Hours\nMonday | 8 hours\nMonday | 7 hours\n") == []


def test_the_only_figure_of_its_kind_under_a_heading_is_asked_for() -> None:
    text = "# Lost cards\nA new card reaches the office within five days and costs you 12 euros.\n"
    kinds = {each.question: each.answer for each in asked(text, title="") if each.kind is Kind.FIGURE}
    assert kinds == {
        'How many days are given under "Lost cards"?': "five days",
        'What amount is given under "Lost cards"?': "12 euros",
    }
    assert not [
        each for each in asked(text + "Ask again after ten days.\n", title="") if "days" in each.question
    ]


def test_french_figures_need_no_agreement() -> None:
    text = "# Avance de frais\nUne avance de 200 euros est versée sous trois ans et 4 heures de délai.\n"
    questions = {each.question for each in asked(text, language="fr", title="") if each.kind is Kind.FIGURE}
    assert questions == {
        "Quel montant lit-on sous « Avance de frais » ?",
        "Combien d'années lit-on sous « Avance de frais » ?",
        "Combien d'heures lit-on sous « Avance de frais » ?",
    }


def test_names_keep_their_capital_inside_a_question() -> None:
    text = (
        "Passerelle must be closed at the end of every working day by its owner.\n"
        "Teams must be told of it. The teams agree.\n"
        "Teams from both sites can choose a second common day in the calendar.\n"
    )
    questions = [each.question for each in asked(text)]
    assert 'What can teams from both sites do, according to "Handbook"?' in questions
    assert any("Passerelle" in question for question in questions)
