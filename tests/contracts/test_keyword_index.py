"""What every keyword index promises: words found in any form, removed ones gone, filters exact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.domain import ChunkIds, Hit, IndexChunk
from rag.errors import IndexDamaged
from rag.index.keyword import TantivyIndex, write_keyword_index
from rag.interfaces import KeywordIndex

NO_VECTOR = np.zeros(2, dtype=np.float32)

HANDBOOK = [
    ("en", "Annual leave: you have twenty-five days of leave a year."),
    ("en", "Up to five days may be carried over until the end of March."),
    ("en", "The VPN needs a hardware key; lost keys are reported within one hour."),
    ("en", "Control SEC-014 requires sixteen characters in every password."),
    ("en", "Security controls are numbered. Section 014 of the old manual is withdrawn, sec and all."),
    ("fr", "Le Règlement intérieur s'applique à tous les salariés."),
    ("fr", "L’article 12 fixe les congés payés : vingt-cinq jours par an."),
    ("fr", "Le traitement suit le règlement RGPD-2016/679 sur les données personnelles."),
    ("fr", "Le règlement de 2016 a 679 mots et concerne le RGPD en général."),
    ("de", "Der Urlaub beträgt dreißig Tage im Jahr."),
]
IDS = list(range(101, 101 + len(HANDBOOK)))
FIVE_DAYS, VPN, CONTROL, REGLEMENT, ARTICLE, RGPD, URLAUB = 102, 103, 104, 106, 107, 108, 110


def chunk(id_: int, text: str, *, language: str = "en", context: str = "") -> IndexChunk:
    return IndexChunk(id=id_, context=context, text=text, language=language, vector=NO_VECTOR)


def array(ids: Sequence[int]) -> ChunkIds:
    return np.array(sorted(ids), dtype=np.int64)


class Tantivy:
    """The tantivy index in a folder, written in steps; another backend joins by a class like this."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.write()

    def write(self, *chunks: IndexChunk, removed: Sequence[int] = ()) -> KeywordIndex:
        write_keyword_index(self._folder, added=[list(chunks)], removed=array(removed))
        return TantivyIndex(self._folder)


@pytest.fixture
def writer(tmp_path: Path) -> Tantivy:
    return Tantivy(tmp_path / "keyword")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    writer = Tantivy(tmp_path_factory.mktemp("index") / "keyword")
    return writer.write(
        *(chunk(id_, text, language=language) for id_, (language, text) in zip(IDS, HANDBOOK, strict=True))
    )


def ids_of(hits: Sequence[Hit]) -> list[int]:
    return [hit.chunk_id for hit in hits]


def found(index: KeywordIndex, query: str) -> list[int]:
    return ids_of(index.search(query, 10, allowed=None))


@pytest.mark.parametrize(("id_", "text"), [(id_, text) for id_, (_, text) in zip(IDS, HANDBOOK, strict=True)])
def test_an_identical_text_ranks_first(index: KeywordIndex, id_: int, text: str) -> None:
    hits = index.search(text, 10, allowed=None)
    assert hits[0].chunk_id == id_
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.score > 0 for hit in hits)


@pytest.mark.parametrize("query", ["Règlement intérieur", "reglement interieur", "RÈGLEMENT INTÉRIEUR"])
def test_accents_and_case_do_not_matter_in_the_question(index: KeywordIndex, query: str) -> None:
    assert found(index, query)[0] == REGLEMENT


def test_accents_and_case_do_not_matter_in_the_document(writer: Tantivy) -> None:
    index = writer.write(
        chunk(1, "REGLEMENT INTERIEUR", language="fr"),
        chunk(2, "règlement intérieur", language="fr"),
        chunk(3, "Reglement interieur sans accents", language="en"),
    )
    for query in ("Règlement", "reglement"):
        assert sorted(found(index, query)) == [1, 2, 3]


@pytest.mark.parametrize(
    "query", ["l'article", "l’article", "L'ARTICLE", "article", "d'articles", "qu'un article"]
)
def test_french_elisions_hide_no_word(index: KeywordIndex, query: str) -> None:
    assert found(index, query) == [ARTICLE]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("congé", ARTICLE),
        ("congés", ARTICLE),
        ("conge paye", ARTICLE),
        ("leaves", 101),
        ("carry", FIVE_DAYS),
        ("carrying", FIVE_DAYS),
        ("passwords", CONTROL),
        ("reporting", VPN),
        ("Urlaub", URLAUB),
        ("dreissig", URLAUB),
    ],
)
def test_other_forms_of_a_word_find_it(index: KeywordIndex, query: str, expected: int) -> None:
    assert expected in found(index, query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SEC-014", CONTROL),
        ("sec-014", CONTROL),
        ("What does SEC-014 say?", CONTROL),
        ("RGPD-2016/679", RGPD),
        ("Que dit le rgpd-2016/679 ?", RGPD),
    ],
)
def test_identifiers_are_found_whole_and_ranked_first(index: KeywordIndex, query: str, expected: int) -> None:
    assert found(index, query)[0] == expected


def test_title_and_heading_are_searched_too(writer: Tantivy) -> None:
    index = writer.write(
        chunk(1, "Up to nine euros.", context="Benefits > Meal vouchers"), chunk(2, "Up to nine euros.")
    )
    assert found(index, "meal voucher") == [1]


def test_a_word_that_stands_nowhere_finds_nothing(index: KeywordIndex) -> None:
    assert found(index, "submarine") == []


def test_a_removed_chunk_is_never_found(writer: Tantivy) -> None:
    writer.write(*(chunk(id_, f"Leave rule number {id_}.") for id_ in range(1, 11)))
    index = writer.write(removed=[2, 7])
    assert index.count == 8
    assert sorted(found(index, "leave rule number 2 7")) == [1, 3, 4, 5, 6, 8, 9, 10]
    assert index.search("leave", 10, allowed=array([2, 7])) == []
    index = writer.write(chunk(11, "Leave rule number 11."), removed=[1, 4711])
    assert sorted(found(index, "leave")) == [3, 4, 5, 6, 8, 9, 10, 11]


def test_a_filtered_search_is_a_filtered_unlimited_search(writer: Tantivy) -> None:
    words = ["leave", "days", "key", "hour"]
    chunks = [chunk(id_, " ".join(words[: 1 + id_ % 4]) + " pad" * (id_ % 7)) for id_ in range(1, 1001)]
    index = writer.write(*chunks)
    everything = index.search("leave key hour", 2000, allowed=None)
    assert len(everything) == 1000
    for allowed in (range(1, 1001, 3), range(900, 1001), [1000], [4711]):
        visible = [hit for hit in everything if hit.chunk_id in set(allowed)]
        for k in (1, 10, 400):
            hits = index.search("leave key hour", k, allowed=array(allowed))
            assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in visible[:k]])
            assert ids_of(hits) == ids_of(visible[:k])


def test_a_filter_that_leaves_out_all_good_hits_finds_the_others(writer: Tantivy) -> None:
    rare = [chunk(id_, "carry " + "pad " * 60) for id_ in range(1, 101)]
    index = writer.write(*rare, *(chunk(id_, "carry the leave") for id_ in range(101, 2001)))
    hits = index.search("carry leave", 20, allowed=array(range(1, 101)))
    assert ids_of(hits) == list(range(1, 21))
    assert len({hit.score for hit in hits}) == 1


def test_who_may_read_nothing_finds_nothing(index: KeywordIndex) -> None:
    assert index.search("leave", 10, allowed=array([])) == []


@pytest.mark.parametrize(
    "query", ["", "   ", "?!… — «»", "🏖️🔥", "年假有多少天", "\0", "()[]{}:\"'*~^\\", "AND OR NOT"]
)
def test_a_query_without_known_words_finds_nothing_and_fails_nothing(index: KeywordIndex, query: str) -> None:
    assert found(index, query) == []


def test_query_syntax_is_only_text(index: KeywordIndex) -> None:
    assert found(index, 'title:vpn OR (hardware AND -"key*"~2^')[0] == VPN


def test_a_question_of_4000_characters_is_answered(index: KeywordIndex) -> None:
    question = " ".join(f"word{number}" for number in range(1000))[:3980] + " hardware key"
    assert found(index, question)[0] == VPN


@pytest.mark.parametrize("k", [0, -1])
def test_no_hits_are_wanted_and_none_come(index: KeywordIndex, k: int) -> None:
    assert index.search("leave", k, allowed=None) == []


def test_k_beyond_the_count_gives_every_match_once(index: KeywordIndex) -> None:
    assert sorted(ids_of(index.search(" ".join(text for _, text in HANDBOOK), 10_000, allowed=None))) == IDS


def test_an_empty_index_finds_nothing(writer: Tantivy) -> None:
    index = writer.write()
    assert index.count == 0
    assert index.search("leave", 10, allowed=None) == []
    assert index.search("leave", 10, allowed=array([1])) == []


def test_a_folder_that_holds_no_index_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(IndexDamaged, match="tantivy cannot open"):
        TantivyIndex(tmp_path)


# --------------------------------------------------------------------------- words of a question


def called(id_: int, text: str, card: str) -> IndexChunk:
    return IndexChunk(id=id_, context="", text=text, language="en", vector=NO_VECTOR, card=card)


@pytest.fixture
def reports(writer: Tantivy) -> KeywordIndex:
    return writer.write(
        called(1, "Net sales rose.", "Adler annual report\nreports/ADLER_2018_10K.pdf"),
        called(2, "Net sales fell.", "Adler annual report\nreports/ADLER_2019_10K.pdf"),
        called(3, "Net sales rose.", "Corvina annual report\nreports/CORVINA_2018_10K.pdf"),
        called(4, "Sales of ferries.", "Timetable\ntravel/ferries.pdf"),
        called(5, "Nothing is sold.", "Sauna rules\nhouse/sauna.txt"),
    )


def test_letters_and_digits_are_found_apart(reports: KeywordIndex, writer: Tantivy) -> None:
    index = writer.write(chunk(9, "Capital expenditure in FY2018 was 12.5kg of gold."))
    assert found(index, "2018") == [9]
    assert found(index, "kg") == [9]
    assert reports.chunk_counts(["sales", "sale", "ferry", "unheard-of"]) == [4, 4, 1, 0]


def test_only_names_that_tell_documents_apart_are_names(reports: KeywordIndex) -> None:
    assert reports.naming(["Adler", "2018", "10", "pdf", "sauna", "Lyon"]) == ["Adler", "2018", "sauna"]


def test_a_search_can_be_limited_to_documents_called_so(reports: KeywordIndex) -> None:
    assert ids_of(reports.search("net sales", 10, allowed=None, naming=["Adler", "2018"])) == [1]
    assert ids_of(reports.search("net sales", 10, allowed=array([2, 3]), naming=["2018"])) == [3]
    free = {hit.chunk_id: hit.score for hit in reports.search("net sales", 10, allowed=None)}
    assert reports.search("net sales", 10, allowed=None, naming=["2019"])[0].score == free[2]


def test_the_weights_of_the_words_a_chunk_holds_are_summed(reports: KeywordIndex) -> None:
    held = reports.held_weights({"sale": 1.5, "rising": 4.0, "rose": 0.25, "fell": 2.0}, [1, 2, 5])
    assert held == pytest.approx({1: 1.75, 2: 3.5})
    assert reports.held_weights({}, [1]) == reports.held_weights({"sale": 1.0}, []) == {}


def test_a_misspelt_word_is_found_only_if_nothing_is_spelt_so(index: KeywordIndex, writer: Tantivy) -> None:
    assert found(index, "pasword") == found(index, "passwrod") == [CONTROL]
    both = writer.write(chunk(1, "The form of the claim."), chunk(2, "The farm and its claims."))
    assert found(both, "farm") == [2]
    assert found(both, "fram") == []  # too short: one letter away from too many words
