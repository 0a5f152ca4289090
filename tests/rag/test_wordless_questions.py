"""A question that nothing can be looked up by finds nothing, and is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.domain import Access, AnswerStatus, SearchMode
from rag.factory import Footnote
from rag.settings import load_settings
from tests.sources import EMBEDDER, new_version, put


@pytest.mark.parametrize("question", ["???", "🙂🙂", "… — !"])
def test_a_question_without_a_word_finds_nothing(tmp_path: Path, question: str) -> None:
    with Footnote(load_settings(data_dir=tmp_path), embedder=EMBEDDER) as footnote:
        collection = footnote.open_collection("handbook")
        put(footnote.catalog, collection.id, new_version("leave.md", "Annual leave is 25 days. Ask early!"))
        for mode in SearchMode:
            found = footnote.retriever.retrieve(
                question, collection="handbook", k=5, access=Access.everything(), mode=mode
            )
            assert found.passages == ()
        answer = footnote.answerer().answer(question, collection="handbook", access=Access.everything())
    assert answer.status is AnswerStatus.REFUSED
    assert answer.reason
