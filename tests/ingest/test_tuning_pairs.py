"""What is mined from a document, and that a pair's text never holds what it is asked with."""

from __future__ import annotations

import pytest

from ingest.chunk import chunk
from ingest.stages import BlockKind, CleanBlock
from ingest.tuning.pairs import OutlinedDocument, Pair, PairKind, conceal, is_question, mine, words
from rag.domain import StoredChunk
from tests.fakes import HashedEmbedder

LEAVE = """
# Annual leave in Leeds
Full-time staff have 27 days of annual leave a year, plus the eight bank holidays of England and Wales.
## 2.1 How do I ask for leave?
Write to your manager at least two weeks before, in the portal, with the days that you would like to be away.
## Carry-over
Up to five days may be taken into the next year; they lapse at the end of March if they are not taken.
## Checklist
* Notice period: the two weeks between a request and the first day away, during which it can be refused.
* 5.1.1: an entry of the list that has a number and no name, although it is followed by a long text.
"""


def outlined(marked: str, *, title: str, name: str = "leave.md") -> OutlinedDocument:
    """A document from lines that begin with ``#`` for headings and ``*`` for list items."""
    text, blocks = "", []
    for line in marked.strip().splitlines():
        level = len(line) - len(line.lstrip("#"))
        kind = BlockKind.HEADING if level else BlockKind.LIST_ITEM if line[0] == "*" else BlockKind.PARAGRAPH
        shown = line.lstrip("#* ")
        blocks.append(CleanBlock(kind=kind, start=len(text), end=len(text) + len(shown), level=level))
        text += f"{shown}\n\n"
    document = OutlinedDocument(
        id=name, path=name, title=title, language="en", text=text, blocks=tuple(blocks), chunks=()
    )
    return OutlinedDocument(
        id=name,
        path=name,
        title=title,
        language="en",
        text=text,
        blocks=tuple(blocks),
        chunks=tuple(_chunks(document)),
    )


class _Cut:
    def __init__(self, document: OutlinedDocument) -> None:
        self.title, self.text, self.blocks = document.title, document.text, document.blocks
        self.page_starts: tuple[int, ...] = ()


def _chunks(document: OutlinedDocument) -> list[StoredChunk]:
    drafts = chunk(_Cut(document), HashedEmbedder().token_offsets, max_tokens=90)
    return [
        StoredChunk(
            id=ordinal,
            document_id=document.id,
            version=1,
            title=document.title,
            source_uri=document.path,
            language="en",
            ordinal=ordinal,
            start=draft.start,
            end=draft.end,
            text=document.text[draft.start : draft.end],
            heading=draft.heading,
            page=None,
            context=draft.context,
        )
        for ordinal, draft in enumerate(drafts)
    ]


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    return {pair.query: pair for pair in mine(outlined(LEAVE, title="Annual leave in Leeds"))}


def test_title_headings_questions_and_terms_ask_for_the_text_below_them(pairs: dict[str, Pair]) -> None:
    assert pairs["Annual leave in Leeds"].kind is PairKind.TITLE
    assert "lapse at the end of March" in pairs["Carry-over"].text
    assert pairs["Carry-over"].kind is PairKind.HEADING
    question = pairs["How do I ask for leave?"]  # without its number
    assert question.kind is PairKind.QUESTION
    assert "Write to your manager" in question.text
    term = pairs["Notice period"]
    assert (term.kind, term.text[:14]) == (PairKind.TERM, "the two weeks ")
    assert "5.1.1" not in pairs


def test_no_text_holds_the_line_or_the_path_that_it_is_asked_with(pairs: dict[str, Pair]) -> None:
    assert len(pairs) >= 5
    for pair in pairs.values():
        lines = [words(line) for line in pair.passage.replace(" > ", "\n").splitlines()]
        assert words(pair.query) not in lines
        assert "27 days" in pair.passage or "Annual leave" in pair.context or pair.kind is PairKind.TITLE


def test_a_first_sentence_asks_for_the_rest_of_its_chunk() -> None:
    rest = "It is kept in the safe of the second floor, and only two people know the number of it. " * 3
    document = outlined(f"The key of the archive opens all doors.{rest}", title="Keys")
    (pair,) = [one for one in mine(document) if one.kind is PairKind.SENTENCE]
    assert (
        pair.query == "The key of the archive opens all doors."
    )  # no blank followed it: it is found all the same
    assert pair.text.startswith("It is kept in the safe")
    assert "opens all doors" not in pair.passage
    assert pair.context == "Keys"


def test_the_same_is_hidden_in_any_other_chunk_of_the_document(pairs: dict[str, Pair]) -> None:
    context, text = conceal(
        "Annual leave in Leeds > Carry-over", "Carry-over\n\nAbout carry-over of days.", pairs["Carry-over"]
    )
    assert (context, text) == ("Annual leave in Leeds", "About carry-over of days.")


@pytest.mark.parametrize(
    "text",
    ["Qui informer ?", "Comment contribuer à ce guide", "Peut-on refuser", "How it works", "Still there?"],
)
def test_questions_in_english_and_french(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize("text", ["Carry-over", "Les bonnes pratiques", "", "Comments"])
def test_what_is_no_question(text: str) -> None:
    assert not is_question(text)
