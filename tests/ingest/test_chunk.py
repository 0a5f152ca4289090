"""Chunks: in order, exact, whole, and never longer than the model reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import PATH_SEPARATOR, chunk
from ingest.clean import FileFacts, clean
from ingest.stages import BlockKind, ChunkDraft, CleanDocument, ParsedBlock, ParsedDocument
from tests.fakes import HashedEmbedder

WORD = HashedEmbedder().token_offsets


def heading(text: str, level: int) -> ParsedBlock:
    return ParsedBlock(kind=BlockKind.HEADING, text=text, level=level)


def paragraph(text: str) -> ParsedBlock:
    return ParsedBlock(kind=BlockKind.PARAGRAPH, text=text)


def document(*blocks: ParsedBlock, title: str = "Handbook") -> CleanDocument:
    facts = FileFacts(path="handbook.md", media_type="text/markdown", sha256="", title=title)
    return clean(ParsedDocument(blocks=blocks), facts)


def texts(cleaned: CleanDocument, drafts: tuple[ChunkDraft, ...]) -> list[str]:
    return [cleaned.text[draft.start : draft.end] for draft in drafts]


def words(number: int, word: str = "word") -> str:
    return " ".join(f"{word}{n}" for n in range(number)) + "."


def test_a_chunk_begins_below_the_headings_its_context_carries() -> None:
    cleaned = document(heading("Leave", 1), heading("Annual", 2), paragraph("25 days."))
    [only] = chunk(cleaned, WORD, max_tokens=256)
    assert texts(cleaned, (only,)) == ["25 days."]
    assert (only.heading, only.context) == ("Leave > Annual", "Handbook > Leave > Annual")


def test_a_title_equal_to_the_first_heading_is_said_once() -> None:
    cleaned = document(heading("Leave", 1), heading("Annual", 2), paragraph("25 days."), title="LEAVE")
    assert chunk(cleaned, WORD, max_tokens=256)[0].context == "LEAVE > Annual"


def test_small_sections_share_a_chunk_and_large_ones_do_not() -> None:
    small = document(heading("A", 2), paragraph(words(10)), heading("B", 2), paragraph(words(10)))
    [shared] = chunk(small, WORD, max_tokens=256)
    assert (shared.heading, "\n\nB\n\n" in small.text[shared.start : shared.end]) == ("A", True)
    large = document(heading("A", 2), paragraph(words(90)), heading("B", 2), paragraph(words(10)))
    assert [draft.heading for draft in chunk(large, WORD, max_tokens=256)] == ["A", "B"]


def test_a_heading_never_ends_a_chunk() -> None:
    cleaned = document(paragraph(words(200)), heading("Deep", 3), paragraph(words(100)))
    assert texts(cleaned, chunk(cleaned, WORD, max_tokens=256)) == [words(200), words(100)]


def test_headings_without_text_are_kept_as_text() -> None:
    cleaned = document(heading("Empty", 2), heading("Full", 2), paragraph("Text."), heading("Last", 1))
    [only] = chunk(cleaned, WORD, max_tokens=256)
    assert texts(cleaned, (only,)) == ["Empty\n\nFull\n\nText.\n\nLast"]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentences = [f"Sentence {n} says that {words(12)}" for n in range(40)]
    cleaned = document(paragraph(" ".join(sentences)))
    for text in texts(cleaned, chunk(cleaned, WORD, max_tokens=256)):
        assert text.startswith("Sentence")
        assert text.endswith(".")


def test_a_long_sentence_is_cut_between_words() -> None:
    cleaned = document(paragraph(words(1000)))
    found = texts(cleaned, chunk(cleaned, WORD, max_tokens=256))
    assert " ".join(found) == words(1000)


def test_an_endless_word_is_cut_too() -> None:
    cleaned = document(paragraph("x" * 100_000))
    found = texts(cleaned, chunk(cleaned, WORD, max_tokens=256))
    assert "".join(found) == "x" * 100_000
    assert max(map(len, found)) < 10_000


def test_a_long_table_repeats_its_header_in_the_context_only() -> None:
    rows = [
        ParsedBlock(
            kind=BlockKind.TABLE_ROW,
            text=f"City {n} | {n} euros",
            header="City | Limit" if n else "",
            opens=not n,
        )
        for n in range(100)
    ]
    cleaned = document(heading("Hotels", 1), *rows)
    first, second, *_ = chunk(cleaned, WORD, max_tokens=128)
    assert first.context == "Handbook > Hotels"
    assert second.context == "Handbook > Hotels\nCity | Limit"
    assert "City | Limit" not in cleaned.text[second.start : second.end]


def test_a_deep_path_is_shortened_from_the_outside() -> None:
    deep = [heading(words(15, f"h{level}x"), level) for level in range(1, 7)]
    cleaned = document(*deep, paragraph("Text."))
    context = chunk(cleaned, WORD, max_tokens=256)[0].context
    assert len(WORD(context)) <= 48
    assert context.startswith("Handbook > ")
    assert "h6x14" in context


def test_the_page_is_that_of_the_first_character() -> None:
    blocks = [ParsedBlock(kind=BlockKind.PARAGRAPH, text=words(200), page=page) for page in (1, 2, 3)]
    facts = FileFacts(path="x.pdf", media_type="application/pdf", sha256="")
    drafts = chunk(clean(ParsedDocument(blocks=tuple(blocks), pages=3), facts), WORD, max_tokens=256)
    assert [draft.page for draft in drafts] == [1, 2, 3]


TEXT = st.text(alphabet="ab é.!?-\n\t €字🚀", min_size=0, max_size=300)
BLOCK = st.one_of(
    st.builds(heading, TEXT, st.integers(1, 6)),
    st.builds(paragraph, TEXT),
    st.builds(ParsedBlock, kind=st.sampled_from([BlockKind.LIST_ITEM, BlockKind.CODE]), text=TEXT),
    st.builds(ParsedBlock, kind=st.just(BlockKind.TABLE_ROW), text=TEXT, header=TEXT, opens=st.booleans()),
)


@settings(deadline=None)  # other work on the machine must not fail it
@given(blocks=st.lists(BLOCK, max_size=25), budget=st.sampled_from([16, 40, 256]))
def test_chunks_are_ordered_exact_complete_and_short_enough(blocks: list[ParsedBlock], budget: int) -> None:
    cleaned = document(paragraph("start"), *blocks)
    drafts = chunk(cleaned, WORD, max_tokens=budget)
    covered = set()
    end = 0
    for draft in drafts:
        text = cleaned.text[draft.start : draft.end]
        assert draft.start >= end
        assert text.strip()
        assert len(WORD(f"{draft.context}\n{text}")) + 2 == draft.tokens <= budget
        covered.update(range(draft.start, draft.end))
        end = draft.end
    in_paths = {heading for draft in drafts for heading in draft.heading.split(PATH_SEPARATOR)}
    for block in cleaned.blocks:
        missed = [
            n for n in range(block.start, block.end) if n not in covered and not cleaned.text[n].isspace()
        ]
        assert not missed or (block.level and cleaned.text[block.start : block.end] in in_paths)


@pytest.mark.slow
def test_the_real_model_reads_every_chunk_whole() -> None:
    from rag.embedding.sentence_transformer import SentenceTransformerEmbedder

    embedder = SentenceTransformerEmbedder(precision="float32")
    prose = " ".join(
        f"L'article {n} prévoit-il une indemnité (€ {n},50) pour “tous” les salariés ?" for n in range(300)
    )
    cleaned = document(heading("Indemnités", 1), paragraph(prose), paragraph("x" * 5000))
    for draft in chunk(cleaned, embedder.token_offsets, max_tokens=embedder.profile.max_tokens):
        text = f"{draft.context}\n{cleaned.text[draft.start : draft.end]}"
        assert len(embedder.token_offsets(text)) + 2 == draft.tokens <= 256
