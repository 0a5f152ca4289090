"""A filtered search finds what is left when an unlimited search is filtered afterwards, in every mode."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.domain import Access, ChunkIds, Collection, Hit, Passage, SearchMode
from rag.factory import Footnote
from rag.filter_parsing import parse_filter
from rag.index.generations import CollectionIndexes
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.sources import new_version, put

EVERYTHING = Access.everything()
STAFF = Access(groups=frozenset({"staff"}))
DOCUMENTS = 400
WORDS = [f"{kind}{number}" for number in range(15) for kind in ("leave", "pay", "key", "travel")]
SHARES = {
    "1 %": {"metadata.bucket": {"lt": 1}},
    "10 %": {"metadata.bucket": {"lt": 10}},
    "90 %": {"metadata.bucket": {"lt": 90}},
    "none": {"metadata.bucket": {"gt": 100}},
    "French": {"language": "fr"},
    "all": {},
}


class FilteredAfterwards:
    """An index that searches without a limit and drops afterwards what is not allowed."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def search(self, query: Any, k: int, *, allowed: ChunkIds | None, **more: Any) -> list[Hit]:
        found: list[Hit] = self._index.search(query, max(k, self._index.count), allowed=None, **more)
        passing = None if allowed is None else {int(chunk_id) for chunk_id in allowed}
        return [hit for hit in found if passing is None or hit.chunk_id in passing][:k]


class SnapshotFilteredAfterwards:
    def __init__(self, snapshot: Any) -> None:
        self._snapshot = snapshot
        self.dense = FilteredAfterwards(snapshot.dense)
        self.keyword = FilteredAfterwards(snapshot.keyword)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)


class IndexesFilteredAfterwards(CollectionIndexes):
    def snapshot(self, collection: Collection) -> Any:
        return SnapshotFilteredAfterwards(super().snapshot(collection))


class ReferenceFootnote(Footnote):
    @property
    def indexes(self) -> CollectionIndexes:
        return IndexesFilteredAfterwards(self.settings.data_dir / "indexes", self.catalog)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Footnote, Footnote]]:
    """Footnote, and one that filters afterwards, over the same collection."""
    chosen = load_settings(data_dir=tmp_path_factory.mktemp("data"))
    with (
        Footnote(chosen, embedder=HashedEmbedder()) as footnote,
        ReferenceFootnote(chosen, embedder=HashedEmbedder()) as reference,
    ):
        fill(footnote)
        yield footnote, reference


def fill(footnote: Footnote) -> None:
    """Documents of common and rare words, a tenth of them said twice, a fifth for the staff alone."""
    collection = footnote.open_collection("default")
    random = np.random.default_rng(20261121)
    for number in range(DOCUMENTS):
        ranks = np.minimum(random.zipf(1.3, size=(3, 12)), len(WORDS)) - 1
        sentences = [" ".join(WORDS[rank] for rank in row).capitalize() + "." for row in ranks]
        version = new_version(
            f"{WORDS[number % len(WORDS)]}/{number}.txt",  # questions may name documents
            " ".join(sentences + sentences[:1] * (number % 10 == 0)),
            embedder=HashedEmbedder(),
            language="fr" if number % 3 == 0 else "en",
            metadata={"bucket": number % 100},
            groups=frozenset({"staff"} if number % 5 == 0 else ()),
        )
        put(footnote.catalog, collection.id, version)
    footnote.indexes.refresh(collection.id)


def found(footnote: Footnote, query: str, filters: Any, **more: Any) -> list[Passage]:
    parsed = parse_filter(filters)
    result = footnote.retriever.retrieve(query, collection="default", filters=parsed, **more)
    return list(result.passages)


QUERIES = st.lists(st.sampled_from([*WORDS, "submarine"]), min_size=1, max_size=6).map(" ".join)


@pytest.mark.parametrize("mode", SearchMode)
@pytest.mark.parametrize("share", SHARES)
def test_filtering_first_finds_the_same_as_filtering_afterwards(
    both: tuple[Footnote, Footnote], share: str, mode: SearchMode
) -> None:
    footnote, reference = both

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(
        query=QUERIES,
        k=st.sampled_from([1, 10, 300]),
        access=st.sampled_from([EVERYTHING, STAFF, Access(groups=frozenset())]),
    )
    def check(query: str, k: int, access: Access) -> None:
        asked: dict[str, Any] = {"k": k, "access": access, "mode": mode}
        passages = found(footnote, query, SHARES[share], **asked)
        assert passages == found(reference, query, SHARES[share], **asked)

    check()


@pytest.mark.parametrize("mode", SearchMode)
def test_what_is_found_passes_and_may_be_read(both: tuple[Footnote, Footnote], mode: SearchMode) -> None:
    footnote, _ = both
    passages = found(
        footnote, " ".join(WORDS[:8]), {"language": "fr"}, k=300, access=Access(groups=frozenset()), mode=mode
    )
    assert len(passages) > 50
    for passage in passages:
        document = footnote.catalog.document(passage.document_id, access=EVERYTHING)
        assert document.language == "fr"
        assert not document.groups
        assert passage.modified_at == datetime.fromtimestamp(document.mtime_ns // 10**9, UTC)


def test_a_stale_index_finds_by_what_the_catalog_says_now(tmp_path: Path) -> None:
    with Footnote(load_settings(data_dir=tmp_path), embedder=HashedEmbedder()) as footnote:
        collection = footnote.open_collection("default")
        for language in ("fr", "en"):
            version = new_version(f"{language}/pay.txt", "Pay day is Friday.", embedder=HashedEmbedder())
            put(footnote.catalog, collection.id, version)
        footnote.indexes.refresh(collection.id)
        asked: dict[str, Any] = {"k": 5, "access": EVERYTHING}
        french = {"path": {"prefix": "fr/"}}
        [before] = found(footnote, "pay day", french, **asked)
        footnote.catalog.move_source(
            collection.id, version.root, "en/pay.txt", to="fr/paie.txt", label="handbook", mtime_ns=1
        )
        footnote.catalog.move_source(
            collection.id, version.root, "fr/pay.txt", to="en/pay.txt", label="handbook", mtime_ns=1
        )
        [after] = found(footnote, "pay day", french, **asked)
        assert after.document_id != before.document_id
        assert after.source_uri == "handbook/fr/paie.txt"
