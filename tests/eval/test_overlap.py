"""The word-overlap baseline."""

from __future__ import annotations

import pytest

from eval.overlap import word_overlap


@pytest.mark.parametrize(
    ("response", "context", "expected"),
    [
        ("Cats purr loudly.", ["The cats purr."], 2 / 3),
        ("Les chats ronronnent.", ["Un chat ronronne."], 0.0),
        ("Les chats dorment.", ["Chats", "dorment"], 1.0),
        ("It is of the", ["anything"], 1.0),
        ("", ["anything"], 1.0),
        ("Cats", [""], 0.0),
        ("cats cats dogs", ["cats"], 2 / 3),
    ],
)
def test_share_of_content_words_found_in_the_context(
    response: str, context: list[str], expected: float
) -> None:
    assert word_overlap(response, context) == pytest.approx(expected)
