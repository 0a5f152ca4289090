"""What a model thinks aloud is neither shown nor kept, however its text is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import Draft, Restart
from rag.llm.chat_model import open_chat_model
from rag.llm.spec import LlmSpec
from rag.llm.thoughts import ThoughtFilter
from tests.openai_server import openai_server
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S


def passed_on(*pieces: str) -> str:
    """What a reader has at the end."""
    thoughts, shown = ThoughtFilter(), ""
    for piece in pieces:
        passed = thoughts.feed(piece)
        shown = passed if thoughts.void else shown + passed
    return shown + thoughts.finish()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("No thoughts. 1 < 2 <b>", "No thoughts. 1 < 2 <b>"),
        ("<think>Hm.</think>Yes [1].", "Yes [1]."),
        ("<THINK>Hm.</Think>Yes", "Yes"),
        ("Well, <think>hm</think>yes.<think>no</think>", "Well, yes."),
        ("<think>a<think>b</think>Yes", "Yes"),
        ("Hm, the passages say so.</think>Yes", "Yes"),
        ("<think>never ends", ""),
        ("ends with <thin", "ends with <thin"),
        ("</think>", ""),
    ],
)
def test_thoughts_are_taken_out(text: str, left: str) -> None:
    assert passed_on(text) == left
    assert passed_on(*text) == left


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "think", ">", "a", " "])), st.data())
def test_the_pieces_make_no_difference(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert passed_on(*pieces) == passed_on(text)


def test_thoughts_whose_beginning_was_in_the_prompt_are_taken_back() -> None:
    with openai_server("Passage one says so.</think>Yes [1].") as server:
        spec = LlmSpec(
            name="r1", model="openai:r1", base_url=server.base_url, timeout_s=LONG_S, max_tokens=50
        )
        items = list(open_chat_model(spec).stream(prompt("Is it so?", passage(LEAVE))))
    restart = items.index(Restart(llm="r1"))
    assert "".join(map(str, items[restart + 1 : -1])) == "Yes [1]."
    assert isinstance(items[-1], Draft)
    assert items[-1].text == "Yes [1]."
