"""Reading candidates closely: how much of the question they hold, and whether their document is named."""

from __future__ import annotations

import numpy as np
import pytest

from rag.domain import IndexChunk, StoredChunk, document_card
from rag.index.keyword import TantivyIndex, write_keyword_index
from rag.interfaces import KeywordIndex
from rag.retrieval.close_reading import CloseReader

REPORTS = [
    ("Adler Tools annual report 2018", "Purchases of property, plant and equipment were 1,577 million."),
    ("Adler Tools annual report 2019", "Purchases of property, plant and equipment were 1,699 million."),
    ("Corvina Foods annual report 2018", "Purchases of property, plant and equipment were 312 million."),
    ("Corvina Foods annual report 2019", "Purchases of property, plant and equipment were 401 million."),
    ("Règlement intérieur", "Le traitement des donnéesprivées des salariés est limité."),
]
ADLER_2018, ADLER_2019, CORVINA_2018, CORVINA_2019, PRIVACY = range(1, 6)


def stored(id_: int) -> StoredChunk:
    title, text = REPORTS[id_ - 1]
    return StoredChunk(
        id=id_,
        document_id=f"d{id_}",
        version=1,
        title=title,
        source_uri=f"reports/{id_}.txt",
        language="fr" if id_ == PRIVACY else "en",
        ordinal=0,
        start=0,
        end=len(text),
        text=text,
        heading="",
        page=None,
        context=title,
    )


CHUNKS = [stored(id_) for id_ in range(1, 6)]


@pytest.fixture(scope="module")
def keyword(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    folder = tmp_path_factory.mktemp("keyword")
    chunks = [
        IndexChunk(
            id=chunk.id,
            context=chunk.context,
            text=chunk.text,
            language=chunk.language,
            vector=np.zeros(2, dtype=np.float32),
            card=document_card(chunk.title, chunk.source_uri),
        )
        for chunk in CHUNKS
    ]
    write_keyword_index(folder, added=[chunks], removed=np.empty(0, dtype=np.int64))
    return TantivyIndex(folder)


@pytest.mark.parametrize(
    "question",
    [
        "What is the FY2018 capital expenditure of Adler Tools?",
        "what did adler tools spend on equipment in 2018?",
        "Adler's equipment purchases (10-K 2018)",
    ],
)
def test_the_report_that_the_question_names_is_found_out(keyword: KeywordIndex, question: str) -> None:
    readings = CloseReader(question, language="en", keyword=keyword).read(CHUNKS)
    assert readings[ADLER_2018].named == 1.0
    assert readings[ADLER_2018].named > readings[ADLER_2019].named > 0
    assert readings[CORVINA_2018].named > readings[PRIVACY].named == 0


def test_words_that_most_documents_are_called_by_name_none(keyword: KeywordIndex) -> None:
    assert CloseReader("The Annual Report", language="en", keyword=keyword).names == []


def test_a_chunk_covers_the_question_as_far_as_it_holds_its_words(keyword: KeywordIndex) -> None:
    readings = CloseReader("property purchases of Corvina", language="en", keyword=keyword).read(CHUNKS)
    assert readings[CORVINA_2018].coverage == pytest.approx(1.0)
    assert 0 < readings[ADLER_2018].coverage < 1
    assert readings[PRIVACY].coverage < 0.1


def test_words_grown_together_and_other_endings_cover_too(keyword: KeywordIndex) -> None:
    readings = CloseReader("données privées du salarié", language="fr", keyword=keyword).read(CHUNKS)
    assert readings[PRIVACY].coverage > 0.6
    assert readings[ADLER_2018].coverage < 0.1


def test_a_reading_does_not_depend_on_the_other_candidates(keyword: KeywordIndex) -> None:
    reader = CloseReader("Adler purchases of plant in 2019", language="en", keyword=keyword)
    together = reader.read(CHUNKS)
    assert all(reader.read([chunk])[chunk.id] == together[chunk.id] for chunk in CHUNKS)


@pytest.mark.parametrize("question", ["?!", "the of and", "🙂🙂", "ゼロ"])
def test_a_question_without_known_words_is_covered_by_nothing(keyword: KeywordIndex, question: str) -> None:
    readings = CloseReader(question, language="en", keyword=keyword).read(CHUNKS)
    assert all(reading.coverage == reading.named == 0 for reading in readings.values())
