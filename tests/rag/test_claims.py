"""What asserts something, and the claims that a sentence makes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.grounding.claims import claims_of, is_checkable


def told(sentence: str, language: str = "en") -> list[str]:
    return [sentence[start:end] for start, end in claims_of(sentence, language)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Hello!",
        "Thank you for your question.",
        "Sure, here's an overview of 805 Kabob based on the data:",
        "Based on the given passages, here are the steps:",
        "Based on the given passages:",
        "I hope this helps!",
        "If you have any other questions, feel free to ask.",
        "Would you like more details?",
        "Yes.",
        "It depends.",
        "## Annual leave",
        "**Annual leave**",
        "Annual leave:",
        "---",
        "Sources: [1], [2]",
        "The passages do not mention parental leave.",
        "Unfortunately, the provided documents don't say how many days there are.",
        "I could not find this in the handbook.",
        "I'm sorry, but I cannot answer this question.",
        "Unable to answer based on given passages.",
        "There is no information about the price.",
        "No information is given about parking, music, and prices.",
        "The price is not mentioned in the passages.",
    ],
)
def test_what_asserts_nothing_of_the_world_is_not_checked(sentence: str) -> None:
    assert not is_checkable(sentence, "en")


@pytest.mark.parametrize(
    "sentence",
    [
        "Bonjour,",
        "Merci pour votre question.",
        "D’après les extraits fournis :",
        "Voici les étapes :",
        "N’hésitez pas à me contacter.",
        "Souhaitez-vous en savoir plus ?",
        "Non.",
        "Cela dépend.",
        "Les extraits fournis ne précisent pas le délai.",
        "Je n’ai pas trouvé cette information dans les documents.",
        "Malheureusement, je ne peux pas répondre à cette question.",
        "Il n’y a aucune information sur ce point.",
        "Aucune information n’est donnée sur le télétravail.",
        "Le montant n’est pas indiqué dans les documents.",
    ],
)
def test_nor_is_it_in_french(sentence: str) -> None:
    assert not is_checkable(sentence, "fr")


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("Sure, you have 40 days.", "en"),
        ("25 days.", "en"),
        ("Employees in Leeds have 25 days:", "en"),
        ("The passage says that staff have 25 days.", "en"),
        ("There is no limit on carry-over.", "en"),
        ("No deposit is required.", "en"),
        ("The restaurant does not provide parking.", "en"),
        ("I could not find the price, but leave is 25 days.", "en"),
        ("It may rain in Leeds.", "en"),
        ("“Up to 5 days may be carried over.”", "en"),
        ("Leeds | 25 days", "en"),
        ("Aucun acompte n’est demandé.", "fr"),
        ("Le guide précise que le délai est de 5 jours.", "fr"),
        ("Les extraits ne donnent pas le prix, mais les congés sont de 25 jours.", "fr"),
        ("Il n’y a pas de limite.", "fr"),
    ],
)
def test_what_asserts_something_is_checked(sentence: str, language: str) -> None:
    assert is_checkable(sentence, language)


@pytest.mark.parametrize(
    ("sentence", "language", "claims"),
    [
        ("Staff have 25 days of leave.", "en", ["Staff have 25 days of leave."]),
        (
            "Staff have 25 days of leave, and the manager approves each request.",
            "en",
            ["Staff have 25 days of leave", "and the manager approves each request."],
        ),
        (
            "The office, which opened in 2019, is in Leeds; it has 40 desks.",
            "en",
            ["The office, which opened in 2019, is in Leeds", "it has 40 desks."],
        ),
        (
            "They have outdoor seating and do not take reservations.",
            "en",
            ["They have outdoor seating", "and do not take reservations."],
        ),
        (
            "It offers: free Wi-Fi, parking, and breakfast.",
            "en",
            ["It offers", "free Wi-Fi", "parking", "breakfast."],
        ),
        ("The shop opens at: 9:30, every day.", "en", ["The shop opens at", "9:30", "every day."]),
        ("Leeds | 25 days | | 5 days", "en", ["Leeds", "25 days", "5 days"]),
        (
            "Le siège est à Lyon, tandis que le dépôt est à Nantes.",
            "fr",
            ["Le siège est à Lyon", "tandis que le dépôt est à Nantes."],
        ),
        (
            "Le badge ouvre la porte et n’ouvre pas le garage.",
            "fr",
            ["Le badge ouvre la porte", "et n’ouvre pas le garage."],
        ),
        (
            "Sont remboursés : le train, l’hôtel et les repas.",
            "fr",
            ["Sont remboursés", "le train", "l’hôtel", "les repas."],
        ),
        ("Eins, aber zwei; und drei sind es auch.", "de", ["Eins, aber zwei", "und drei sind es auch."]),
    ],
)
def test_a_sentence_falls_into_its_claims(sentence: str, language: str, claims: list[str]) -> None:
    assert told(sentence, language) == claims


@settings(max_examples=100, deadline=None)
@given(
    sentence=st.text(alphabet="ab T5,;:|. \n’-and but et mais", max_size=80),
    language=st.sampled_from(["en", "fr"]),
)
def test_claims_lie_in_order_and_hold_every_word(sentence: str, language: str) -> None:
    spans = claims_of(sentence, language)
    place = 0
    for start, end in spans:
        assert place <= start < end <= len(sentence)
        place = end
    if any(character.isalnum() for character in sentence):
        assert spans
