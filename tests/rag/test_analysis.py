"""How text is folded, and which of a question's words count."""

from __future__ import annotations

import pytest

from rag.index.analysis import content_words, folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Règlement INTÉRIEUR", "reglement interieur"),
        ("Cafe\u0301 naïve Straße", "cafe naive straße"),
        ("日本語 और हिन्दी", "日本語 और हिन्दी"),
        ("", ""),
    ],
)
def test_case_and_accents_are_folded_and_other_scripts_stay(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_function_words_of_the_question_s_language_are_left_out() -> None:
    assert content_words("What is the FY2018 net PP&E of Adler?", "en") == [
        "FY",
        "2018",
        "net",
        "PP",
        "E",
        "Adler",
    ]
    assert content_words("Quel est l'accord préalable ?", "fr") == ["accord", "préalable"]
    assert content_words("Was ist das?", "de") == ["Was", "ist", "das"]
