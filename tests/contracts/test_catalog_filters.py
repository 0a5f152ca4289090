"""What every catalog promises of filters: the documents that pass, whatever database holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from rag.domain import Access, Collection
from rag.facts import MAX_NAME, MAX_TEXT, facts_of
from rag.filter_parsing import parse_filter
from rag.interfaces import Catalog
from rag.store import migrate
from rag.store.catalog import open_catalog
from rag.store.database import Database
from tests import filter_oracle
from tests.sources import EMBEDDER, ROOT, new_version, put

EVERYTHING = Access.everything()
STAFF = Access(groups=frozenset({"staff"}))
NOBODY = Access(groups=frozenset())

METADATA: Sequence[dict[str, Any]] = [
    {},
    {"year": 2024, "author": {"name": "Zoé", "mail": "zoe@example.org"}, "draft": True},
    {"year": "2024", "author": [{"name": "Zoé"}, {"name": "Zoe"}], "draft": "true"},
    {"year": 2023.5, "date": "2024-05-01", "tags": ["leave", "HR", 7]},
    {"year": -1, "date": "2024-05-01T23:30:00-02:00", "tags": []},
    {"year": None, "date": "2024-05-02T00:30:00+02:00", "tags": "leave"},
    {"date": "2024-02-30", "year": "2024-05-01", "draft": False, "tags": [["leave", None], {"x": 1}]},
    {
        "date": "1 May 2024",
        "Year": 2024,
        "tags": ["100%", "a_b", "a\\b", "LEAVE", "élan", "e\u0301lan", "\U0001f600"],
    },
    {"year": 10**30, "tags": ["l" * 600, ""], "date": "0001-01-01", "author": "zoé"},
]
PATHS = ["en/leave.md", "en/Leave.md", "fr/congés.md", "fr/conge_s.md", "fr/100%.md", "EN/leave.md"]
GROUPS = [frozenset[str](), frozenset({"staff"}), frozenset({"staff", "board"}), frozenset({"board"})]
DAYS = [datetime(2024, 4, 30, 23, 59, 59, 999_999, UTC) + timedelta(hours=12 * n) for n in range(5)]

OWN_TEXTS = {
    "path": [*PATHS, "en/", "fr/conge", "fr/100%", "%", "_"],
    "title": ["", "Leave", "leave", "Congés", "'; DROP TABLE documents; --"],
    "language": ["en", "fr", "EN"],
    "groups": ["staff", "board", "sta"],
    "part": ["", "price.csv"],
    "root": [ROOT, "/srv"],
}
FACT_VALUES = [
    *("2024", "2024-05-01", "2024-05-02", "2024-05-01T22:30:00Z", "2024-05", "Zoé", "zoé", "leave", "LEAVE"),
    *("true", "%", "a_b", "a\\b", "l", "l" * 500, "é", "e\u0301", "", "\U0001f600", "HR", "7", "'"),
    *(2024, 2023.5, -1, 7, 0, True, False, 1e30),
]
FACT_NAMES = ["year", "date", "tags", "draft", "author", "author.name", "tags.x", "nothing", "'; --"]
BOUNDS = ["lt", "lte", "gt", "gte"]


def go_to(url: str, revision: str) -> None:
    """Take the newest migrations back."""
    database = Database(url)
    with database.schema_change() as connection:
        config = Config(Path(migrate.__file__).with_name("alembic.ini"))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    database.close()


def facts(catalog: Catalog) -> Collection:
    """A collection with a document for every mixture of odd facts."""
    collection = catalog.create_collection("facts", EMBEDDER.profile)
    titles = cycle(OWN_TEXTS["title"])
    for number, metadata in enumerate(islice(cycle(METADATA), 4 * len(METADATA))):
        version = new_version(
            f"{PATHS[number % len(PATHS)]}{'' if number < len(PATHS) else number}",
            "One. Two." if number % 5 else "Three.",
            title=next(titles),
            language="fr" if number % 3 == 0 else "en",
            metadata=metadata,
            groups=GROUPS[number % len(GROUPS)],
            mtime_ns=int(DAYS[number % len(DAYS)].timestamp() * 1000) * 1_000_000,
        )
        put(catalog, collection.id, version)
    return collection


def own_texts() -> st.SearchStrategy[dict[str, Any]]:
    def compared(field: str) -> st.SearchStrategy[dict[str, Any]]:
        value = st.sampled_from(OWN_TEXTS[field])
        how = st.one_of(
            value,
            st.fixed_dictionaries({"ne": value}),
            st.fixed_dictionaries({"in": st.lists(value, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"prefix": value}),
            st.fixed_dictionaries({"exists": st.booleans()}),
        )
        return st.fixed_dictionaries({field: how})

    return st.sampled_from(sorted(OWN_TEXTS)).flatmap(compared)


def bounded(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(BOUNDS), values, min_size=1, max_size=2)


def own_numbers_and_dates() -> st.SearchStrategy[dict[str, Any]]:
    day = st.sampled_from(["2024-05-01", "2024-05-01T12:00:00Z", "2024-05-02T02:00:00+02:00", "9999-12-31"])
    return st.one_of(
        st.fixed_dictionaries({"size": bounded(st.sampled_from([6, 6.5, 9, -1, 1e300]))}),
        st.fixed_dictionaries({"modified_at": st.one_of(bounded(day), day)}),
        st.fixed_dictionaries({"created_at": bounded(day)}),
    )


def metadata_facts() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(FACT_NAMES).flatmap(metadata_fact)


def metadata_fact(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A condition on the name, as often as not with a value that a document has there."""
    facts = [fact for metadata in METADATA for fact in facts_of(metadata) if fact.name == name]
    texts = [fact.text[:MAX_TEXT] for fact in facts]
    numbers = [fact.number for fact in facts if fact.number is not None]
    value = st.sampled_from(FACT_VALUES) | st.sampled_from([*texts, *numbers] or [0])
    how = st.one_of(
        value,
        st.fixed_dictionaries({"ne": value}),
        st.fixed_dictionaries({"in": st.lists(value, min_size=1, max_size=4)}),
        bounded(value.filter(lambda given: not isinstance(given, bool))),
        st.fixed_dictionaries({"prefix": value.filter(lambda given: isinstance(given, str))}),
        st.fixed_dictionaries({"exists": st.booleans()}),
    )
    return st.fixed_dictionaries({f"metadata.{name}": how})


FILTERS = st.recursive(
    st.one_of(own_texts(), own_numbers_and_dates(), metadata_facts()),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)
ASKERS = st.sampled_from([EVERYTHING, STAFF, NOBODY, Access(groups=frozenset({"staff", "board"}))])


def found(catalog: Catalog, collection: Collection, filters: Any, access: Access) -> set[str]:
    """Ids of the documents that pass; all of a document's chunks do, or none."""
    allowed = catalog.visible_chunk_ids(collection.id, access=access, filters=parse_filter(filters))
    assert allowed is not None
    assert np.all(np.diff(allowed) > 0)
    chunks = catalog.chunks_by_id(collection.id, [int(id_) for id_ in allowed], access=access)
    assert len(chunks) == len(allowed)
    documents = {chunk.document_id for chunk in chunks.values()}
    whole = sum(len(catalog.document_chunks(id_, access=access)) for id_ in documents)
    assert whole == len(allowed)
    return documents


def test_a_filter_means_what_plain_python_says_it_means(catalog_url: str) -> None:
    catalog = open_catalog(catalog_url)
    collection = facts(catalog)
    documents = catalog.documents(collection.id, access=EVERYTHING, limit=1000)

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(filters=FILTERS, access=ASKERS)
    @example(filters={"metadata.year": 2024}, access=EVERYTHING)
    @example(filters={"metadata.tags": {"in": ["leave", 7]}}, access=STAFF)
    @example(filters={"metadata.date": {"gte": "2024-05-01", "lt": "2024-05-02"}}, access=EVERYTHING)
    @example(filters={"not": {"metadata.author.name": {"prefix": "Zo"}}}, access=NOBODY)
    def check(filters: Any, access: Access) -> None:
        parsed = parse_filter(filters)
        expected = {
            document.id
            for document in documents
            if access.allows(document.groups) and filter_oracle.passes(parsed, document, access)
        }
        assert found(catalog, collection, filters, access) == expected

    check()
    catalog.close()


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    return catalog.create_collection("handbook", EMBEDDER.profile)


def titles(catalog: Catalog, collection: Collection, filters: Any, access: Access = EVERYTHING) -> list[str]:
    documents = found(catalog, collection, filters, access)
    return sorted(catalog.document(id_, access=access).title for id_ in documents)


def test_every_change_of_a_document_counts_at_once(catalog: Catalog, handbook: Collection) -> None:
    french = {"language": "fr"}
    put(catalog, handbook.id, new_version("a.txt", "One. Two.", language="fr", metadata={"year": 2024}))
    put(catalog, handbook.id, new_version("b.txt", "Three.", language="en"))
    assert titles(catalog, handbook, french) == ["a.txt"]
    put(catalog, handbook.id, new_version("b.txt", "Trois.", language="fr"))
    put(catalog, handbook.id, new_version("c.txt", "Quatre. Cinq.", language="fr"))
    assert titles(catalog, handbook, french) == ["a.txt", "b.txt", "c.txt"]
    assert titles(catalog, handbook, {"metadata.year": 2024}) == ["a.txt"]
    put(catalog, handbook.id, new_version("a.txt", "One. Two.", language="fr", metadata={"year": 2025}))
    assert titles(catalog, handbook, {"metadata.year": 2024}) == []
    catalog.delete_source(handbook.id, ROOT, "c.txt")
    assert titles(catalog, handbook, french) == ["a.txt", "b.txt"]
    put(catalog, handbook.id, new_version("b.txt", "", language="fr"))
    assert titles(catalog, handbook, french) == ["a.txt"]


def test_a_change_that_no_index_hears_of_counts_at_once(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("en/a.txt", "One.", title="a"))
    english = {"path": {"prefix": "en/"}}
    assert titles(catalog, handbook, english, STAFF) == ["a"]
    before = catalog.collection_by_id(handbook.id)
    catalog.move_source(handbook.id, ROOT, "en/a.txt", to="fr/a.txt", label="handbook", mtime_ns=1)
    assert titles(catalog, handbook, english, STAFF) == []
    assert titles(catalog, handbook, {"path": {"prefix": "fr/"}}, STAFF) == ["a"]
    board = frozenset({"board"})
    catalog.touch_source(handbook.id, ROOT, "fr/a.txt", size=1, mtime_ns=2, groups=board)
    assert titles(catalog, handbook, {"path": {"prefix": "fr/"}}, STAFF) == []
    assert titles(catalog, handbook, {"groups": "board"}, Access(groups=board)) == ["a"]
    after = catalog.collection_by_id(handbook.id)
    assert (after.sequence, after.revision) == (before.sequence, before.revision + 2)


def test_a_filter_tells_nothing_of_groups_that_the_asker_is_not_in(
    catalog: Catalog, handbook: Collection
) -> None:
    for name, groups in {"open": (), "staff": ("staff",), "both": ("staff", "board")}.items():
        put(catalog, handbook.id, new_version(name, f"About {name}.", groups=frozenset(groups)))
    put(catalog, handbook.id, new_version("board", "About the board.", groups=frozenset({"board"})))
    asked: list[dict[str, Any]] = [
        {"groups": "board"},
        {"groups": {"in": ["board", "none"]}},
        {"groups": {"prefix": "b"}},
        {"not": {"groups": {"ne": "board"}}},
    ]
    for filters in asked:
        assert titles(catalog, handbook, filters, STAFF) == []
        assert titles(catalog, handbook, {"not": filters}, STAFF) == ["both", "open", "staff"]
        assert titles(catalog, handbook, filters) == ["board", "both"]
    assert titles(catalog, handbook, {"groups": {"exists": False}}, STAFF) == ["open"]
    assert titles(catalog, handbook, {"groups": {"exists": True}}, NOBODY) == []
    assert titles(catalog, handbook, {"groups": "staff"}, STAFF) == ["both", "staff"]


def test_askers_with_the_same_filter_see_what_each_may(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("open", "About all."))
    put(catalog, handbook.id, new_version("staff", "About staff.", groups=frozenset({"staff"})))
    anything = {"not": {"title": "nothing"}}
    for _ in range(2):  # the second time from what is kept
        assert titles(catalog, handbook, anything, STAFF) == ["open", "staff"]
        assert titles(catalog, handbook, anything, NOBODY) == ["open"]
        assert titles(catalog, handbook, anything) == ["open", "staff"]
        assert titles(catalog, handbook, {}, NOBODY) == ["open"]


def test_collections_that_grow_side_by_side_keep_apart(catalog: Catalog, handbook: Collection) -> None:
    other = catalog.create_collection("other", EMBEDDER.profile)
    for number in range(5):
        for collection in (handbook, other):
            put(catalog, collection.id, new_version(f"{number}.txt", "One. Two. Three.", size=number))
            odd = titles(catalog, collection, {"size": {"in": [1, 3]}})
            assert odd == [f"{name}.txt" for name in (1, 3) if name <= number]
    assert titles(catalog, other, {"size": {"gte": 0}}) == [f"{number}.txt" for number in range(5)]


def test_what_is_kept_cannot_be_written_to(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("a.txt", "One."))
    allowed = catalog.visible_chunk_ids(handbook.id, access=EVERYTHING, filters=parse_filter({"size": 4}))
    assert allowed is not None
    with pytest.raises(ValueError, match="read-only"):
        allowed[0] = 7


@pytest.mark.parametrize(
    ("value", "stored"),
    [(float("nan"), "nan"), (float("-inf"), "-inf"), ([16**9000], ["0x1" + "0" * 9000]), ("a\0b\ud800",) * 2],
    ids=["not a number", "infinite", "thousands of digits", "no text"],
)
def test_odd_metadata_are_stored_and_hide_no_document(
    catalog: Catalog, handbook: Collection, value: Any, stored: Any
) -> None:
    document = put(catalog, handbook.id, new_version("a.txt", "One.", metadata={"x": value, "year": 2024}))
    assert catalog.document(document.id, access=EVERYTHING).metadata == {"x": stored, "year": 2024}
    assert titles(catalog, handbook, {"metadata.year": 2024, "metadata.x": {"exists": True}}) == ["a.txt"]


def test_the_longest_texts_can_be_filtered_by(catalog: Catalog, handbook: Collection) -> None:
    random = Random(1)
    name, value = (
        "".join(chr(random.randrange(0x10000, 0x10FFFF)) for _ in range(length))
        for length in (MAX_NAME, 10 * MAX_TEXT)
    )
    put(catalog, handbook.id, new_version("a.txt", "One.", metadata={name: value}))
    begins = {f"metadata.{name}": {"prefix": value[:MAX_TEXT]}}
    assert titles(catalog, handbook, begins) == ["a.txt"]
    assert titles(catalog, handbook, {f"metadata.{name}": value[:MAX_TEXT]}) == []


def test_an_unknown_collection_has_no_chunks(catalog: Catalog) -> None:
    allowed = catalog.visible_chunk_ids("0" * 32, access=EVERYTHING, filters=parse_filter({"size": 1}))
    assert allowed is not None
    assert allowed.size == 0


def test_documents_of_an_older_catalog_can_be_filtered_after_its_migration(catalog_url: str) -> None:
    catalog = open_catalog(catalog_url)
    collection = facts(catalog)
    wanted = {"metadata.author.name": "Zoé", "metadata.year": {"gte": 2024}}
    before = found(catalog, collection, wanted, EVERYTHING)
    assert before
    catalog.close()
    go_to(catalog_url, "0002")
    catalog = open_catalog(catalog_url)
    assert found(catalog, collection, wanted, EVERYTHING) == before
    catalog.close()


def test_ids_of_a_document_may_have_gaps(catalog_url: str) -> None:
    """As they have where another collection grew meanwhile, in a database that lets both."""
    catalog = open_catalog(catalog_url)
    collection = catalog.create_collection("handbook", EMBEDDER.profile)
    put(catalog, collection.id, new_version("a.txt", "One. Two. Three. Four. Five."))
    put(catalog, collection.id, new_version("b.txt", "Six. Seven."))
    database = Database(catalog_url)
    with database.write() as session:
        session.execute(text("DELETE FROM chunks WHERE ordinal = 1"))
    database.close()
    assert titles(catalog, collection, {"title": {"prefix": ""}}) == ["a.txt", "b.txt"]
    assert titles(catalog, collection, {"title": "a.txt"}) == ["a.txt"]
    catalog.close()
