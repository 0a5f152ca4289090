"""Kept searches: the same answer while nothing changed, a new one after anything did, none for others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rag.domain import Access, Collection, SearchMode, SearchResult
from rag.embedding.query_embedding import QueryEmbedder
from rag.errors import CollectionNotFound, IndexBehind
from rag.factory import Footnote
from rag.filters import Condition, Operator
from rag.index.generations import CollectionIndexes
from rag.index.opening import OpenGeneration
from rag.interfaces import Retriever
from rag.retrieval.caches import BoundedCache
from rag.retrieval.result_cache import CachingRetriever
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.sources import ROOT, new_version, put

EVERYTHING = Access.everything()
STAFF, BOARD = Access(groups=frozenset({"staff"})), Access(groups=frozenset({"board"}))


class Counting:
    """A retriever that counts the searches that reach it."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self.searches = 0

    def retrieve(self, query: str, **arguments: Any) -> SearchResult:
        self.searches += 1
        return self._retriever.retrieve(query, **arguments)


class House:
    """A collection, what reaches its retriever, and how to change it."""

    def __init__(self, footnote: Footnote, *, size: int = 100) -> None:
        self.footnote = footnote
        self.collection: Collection = footnote.open_collection("handbook")
        self.counting = Counting(footnote.retriever)
        self.retriever = CachingRetriever(
            self.counting, catalog=footnote.catalog, indexes=footnote.indexes, size=size
        )

    def put(self, path: str, text: str, **facts: Any) -> None:
        embedder = self.footnote.embedder
        assert isinstance(embedder, HashedEmbedder)
        put(self.footnote.catalog, self.collection.id, new_version(path, text, embedder=embedder, **facts))

    def refresh(self) -> None:
        self.footnote.indexes.refresh(self.collection.id)

    def search(
        self, query: str = "days of leave", *, access: Access = EVERYTHING, **arguments: Any
    ) -> list[str]:
        """Texts that are found, best first."""
        wanted: dict[str, Any] = {"collection": "handbook", "k": 5} | arguments
        return [passage.text for passage in self.retriever.retrieve(query, access=access, **wanted).passages]


@pytest.fixture
def footnote() -> Iterator[Footnote]:
    with Footnote(load_settings(cached_searches=0), embedder=HashedEmbedder(dimension=64)) as opened:
        yield opened


@pytest.fixture
def house(footnote: Footnote) -> House:
    made = House(footnote)
    made.put("leave.txt", "Twenty-five days of leave.")
    made.put("board.txt", "The board has ninety days of leave.", groups=frozenset({"board"}))
    made.refresh()
    return made


def test_the_same_search_is_made_once(house: House) -> None:
    first = house.search()
    assert house.search() == first != []
    assert house.counting.searches == 1


def test_a_kept_result_says_what_it_took_this_time(house: House) -> None:
    house.search()
    kept = house.retriever.retrieve("days of leave", collection="handbook", k=5, access=EVERYTHING)
    assert kept.timings_ms["embed"] == 0.0
    assert kept.timings_ms["total"] == kept.timings_ms["retrieve"] > 0
    assert kept.query_vector is not None


@pytest.mark.parametrize(
    "other",
    [
        {"query": "Days of leave"},
        {"k": 1},
        {"mode": SearchMode.KEYWORD},
        {"filters": Condition(field="title", operator=Operator.IN, values=("leave.txt",))},
        {"access": STAFF},
        {"access": Access(groups=frozenset())},
    ],
    ids=str,
)
def test_another_question_another_result_size_mode_filter_or_right_is_another_search(
    house: House, other: dict[str, Any]
) -> None:
    house.search()
    house.search(**other)
    assert house.counting.searches == 2
    house.search(**other)
    assert house.counting.searches == 2


def test_nobody_gets_what_was_found_under_someone_else_s_rights(house: House) -> None:
    assert len(house.search(access=BOARD)) == 2
    assert house.search(access=STAFF) == ["Twenty-five days of leave."]
    assert len(house.search(access=BOARD)) == 2
    assert house.counting.searches == 2


def test_what_is_ingested_is_found_at_once_after_the_index_has_it(house: House) -> None:
    before = house.search()
    house.put("more.txt", "Five more days of leave.")
    assert house.search() == before  # the index does not hold it yet, and that answer must not stay
    house.refresh()
    assert set(house.search()) == {*before, "Five more days of leave."}


def test_what_is_deleted_is_gone_at_once(house: House) -> None:
    assert len(house.search()) == 2
    house.footnote.catalog.delete_source(house.collection.id, ROOT, "leave.txt")
    assert house.search() == ["The board has ninety days of leave."]


def test_a_new_version_replaces_the_old_at_once(house: House) -> None:
    house.search()
    house.put("leave.txt", "Thirty days of leave.")
    house.refresh()
    assert "Thirty days of leave." in house.search()
    assert "Twenty-five days of leave." not in house.search()


def test_a_change_of_groups_counts_at_once(house: House) -> None:
    catalog = house.footnote.catalog
    assert len(house.search(access=STAFF)) == 1
    catalog.touch_source(
        house.collection.id, ROOT, "board.txt", size=1, mtime_ns=1, groups=frozenset({"board", "staff"})
    )
    assert len(house.search(access=STAFF)) == 2
    catalog.touch_source(
        house.collection.id, ROOT, "leave.txt", size=1, mtime_ns=1, groups=frozenset({"board"})
    )
    catalog.touch_source(
        house.collection.id, ROOT, "board.txt", size=1, mtime_ns=1, groups=frozenset({"board"})
    )
    assert house.search(access=STAFF) == []


def test_rights_hold_from_the_moment_they_change_however_many_are_searching(house: House) -> None:
    def set_groups(*groups: str) -> None:
        house.footnote.catalog.touch_source(
            house.collection.id, ROOT, "board.txt", size=1, mtime_ns=1, groups=frozenset(groups)
        )

    over = threading.Event()
    found: set[int] = set()

    def keep_searching() -> None:
        while not over.is_set():
            found.add(len(house.search(access=STAFF)))

    searchers = [threading.Thread(target=keep_searching) for _ in range(4)]
    for searcher in searchers:
        searcher.start()
    try:
        for _ in range(15):
            set_groups("board")
            assert len(house.search(access=STAFF)) == 1
            set_groups("board", "staff")
            assert len(house.search(access=STAFF)) == 2
    finally:
        over.set()
        for searcher in searchers:
            searcher.join()
    assert found <= {1, 2}


def test_a_new_place_is_shown_at_once(house: House) -> None:
    house.search()
    house.footnote.catalog.move_source(
        house.collection.id, ROOT, "leave.txt", to="moved.txt", label="handbook", mtime_ns=1
    )
    found = house.retriever.retrieve("days of leave", collection="handbook", k=5, access=EVERYTHING)
    assert "handbook/moved.txt" in {passage.source_uri for passage in found.passages}


def test_another_process_s_changes_count_at_once(house: House) -> None:
    house.search()
    with Footnote(house.footnote.settings, embedder=house.footnote.embedder) as other:
        elsewhere = House(other)
        elsewhere.put("more.txt", "Five more days of leave.")
        elsewhere.refresh()
    assert "Five more days of leave." in house.search()


def test_a_collection_of_the_same_name_is_another_one(house: House) -> None:
    house.search()
    house.footnote.catalog.delete_collection("handbook")
    with pytest.raises(CollectionNotFound):
        house.search()
    house.footnote.open_collection("handbook")
    assert house.search() == []


def test_nothing_is_kept_while_a_re_embedding_switches(house: House) -> None:
    class Behind(CollectionIndexes):
        def snapshot(self, collection: Collection) -> OpenGeneration:
            raise IndexBehind("just re-embedded")

    catalog = house.footnote.catalog
    indexes = Behind(house.footnote.settings.data_dir / "indexes", catalog)
    retriever = CachingRetriever(house.counting, catalog=catalog, indexes=indexes, size=10)
    for _ in range(2):
        retriever.retrieve("days of leave", collection="handbook", k=5, access=EVERYTHING)
    assert house.counting.searches == 2


def test_failures_are_not_kept(house: House) -> None:
    for _ in range(2):
        with pytest.raises(CollectionNotFound):
            house.search(collection="nowhere")
    assert house.counting.searches == 0


# ------------------------------------------------------------------------------------------- bounds


def test_what_was_unused_for_longest_goes_first() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (1, None, 3, 2)


def test_a_cache_of_no_size_keeps_nothing() -> None:
    cache: BoundedCache[str, int] = BoundedCache(0)
    assert [cache.get_or("a", lambda: 1), cache.get_or("a", lambda: 2)] == [1, 2]
    assert len(cache) == 0


def test_a_question_is_embedded_once() -> None:
    class Model(HashedEmbedder):
        questions: list[str] = []  # noqa: RUF012

        def embed_queries(self, texts: Any) -> Any:
            self.questions += texts
            return super().embed_queries(texts)

    model = Model()
    embedder = QueryEmbedder(model, cached=10)
    first = embedder.embed_query("How many days?")
    assert embedder.embed_query("How many days?") is first
    assert model.questions == ["How many days?"]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0
    embedder.close()


def test_caches_can_be_switched_off() -> None:
    with Footnote(load_settings(cached_searches=0), embedder=HashedEmbedder()) as footnote:
        assert not isinstance(footnote.retriever, CachingRetriever)
    with Footnote(load_settings(), embedder=HashedEmbedder()) as footnote:
        assert isinstance(footnote.retriever, CachingRetriever)
