"""What every catalog promises, whatever database holds it."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.domain import Access, ChunkIds, Collection, IndexChunk, NewVersion, embedded_text
from rag.errors import (
    CollectionExists,
    CollectionNotFound,
    DocumentNotFound,
    EmbeddingMismatch,
    InvalidRequest,
)
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog
from tests.fakes import HashedEmbedder
from tests.sources import EMBEDDER, ROOT, new_version, put

EVERYTHING = Access.everything()
STAFF = Access(groups=frozenset({"staff"}))
NOBODY = Access(groups=frozenset())
FOREVER = 2**62


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    return catalog.create_collection("handbook", EMBEDDER.profile)


def added(catalog: Catalog, collection: Collection, since: int = 0, upto: int = FOREVER) -> list[IndexChunk]:
    batches = catalog.chunks_added_since(collection.id, since, upto=upto, batch_size=2)
    return [chunk for batch in batches for chunk in batch]


def ids(array: ChunkIds | None) -> list[int]:
    assert array is not None
    assert array.dtype == np.int64
    return [int(id_) for id_ in array]


# ------------------------------------------------------------------------------------ collections


def test_a_new_collection_is_empty_and_found_by_name(catalog: Catalog, handbook: Collection) -> None:
    assert catalog.collection("handbook") == handbook
    assert (handbook.sequence, handbook.documents, handbook.chunks) == (0, 0, 0)
    assert (handbook.fingerprint, handbook.dimension) == (EMBEDDER.profile.fingerprint, 32)
    assert handbook.created_at.utcoffset() is not None


def test_collections_come_by_name_with_their_counts(catalog: Catalog, handbook: Collection) -> None:
    archive = catalog.create_collection("archive", EMBEDDER.profile)
    put(catalog, handbook.id, new_version("a.txt", "One. Two. Three."))
    assert [(c.name, c.documents, c.chunks) for c in catalog.collections()] == [
        ("archive", 0, 0),
        ("handbook", 1, 3),
    ]
    assert archive.sequence == 0


def test_a_name_is_taken_once(catalog: Catalog, handbook: Collection) -> None:
    with pytest.raises(CollectionExists, match="handbook"):
        catalog.create_collection("handbook", EMBEDDER.profile)
    assert [c.id for c in catalog.collections()] == [handbook.id]


@pytest.mark.parametrize("name", ["", "-a", "a b", "../a", "é", "a\n", "a" * 64, "a\0"])
def test_a_bad_name_is_refused_and_unknown(catalog: Catalog, name: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot name a collection"):
        catalog.create_collection(name, EMBEDDER.profile)
    with pytest.raises(CollectionNotFound):
        catalog.collection(name)


def test_a_deleted_collection_takes_everything_along(catalog: Catalog, handbook: Collection) -> None:
    kept = catalog.create_collection("kept", EMBEDDER.profile)
    kept_document = put(catalog, kept.id, new_version("a.txt", "One."))
    gone = put(catalog, handbook.id, new_version("a.txt", "One. Two.", groups=frozenset({"staff"})))
    put(catalog, handbook.id, new_version("a.txt", "Three."))
    assert catalog.delete_collection("handbook") == 1
    with pytest.raises(CollectionNotFound):
        catalog.collection("handbook")
    with pytest.raises(DocumentNotFound):
        catalog.content(gone.id, access=EVERYTHING, version=1)
    with pytest.raises(CollectionNotFound):
        put(catalog, handbook.id, new_version("b.txt", "One."))
    with pytest.raises(CollectionNotFound):
        catalog.live_chunk_count(handbook.id)
    assert catalog.documents(kept.id, access=EVERYTHING) == [kept_document]
    assert catalog.check() == []
    assert catalog.create_collection("handbook", EMBEDDER.profile).id != handbook.id


# -------------------------------------------------------------------------------------- documents


def test_a_stored_document_reads_back_as_it_was_given(catalog: Catalog, handbook: Collection) -> None:
    text = "Vingt-cinq jours — l’été 🏖.\nFive days may be carried over."
    given_version = new_version(
        "fr/congés.md",
        text,
        title="Congés payés",
        language="fr",
        page_starts=(0, 29),
        metadata={"author": "Zoé", "tags": ["a", "b"]},
        groups=frozenset({"staff", "rh"}),
    )
    document = put(catalog, handbook.id, given_version)
    assert document == catalog.document(document.id, access=EVERYTHING)
    for name in (
        "root",
        "path",
        "source_uri",
        "sha256",
        "size",
        "mtime_ns",
        "media_type",
        "title",
        "language",
    ):
        assert getattr(document, name) == getattr(given_version, name)
    assert (document.version, document.chunks, document.characters) == (1, 2, len(text))
    assert (document.groups, document.metadata) == (given_version.groups, given_version.metadata)

    content = catalog.content(document.id, access=EVERYTHING)
    assert (content.text, content.page_starts, content.title) == (text, (0, 29), "Congés payés")
    chunks = catalog.document_chunks(document.id, access=EVERYTHING)
    assert [(c.ordinal, c.text, c.page, c.heading) for c in chunks] == [
        (c.ordinal, c.text, c.page, c.heading) for c in given_version.chunks
    ]
    assert [text[c.start : c.end] for c in chunks] == [c.text for c in chunks]
    assert {(c.title, c.language, c.source_uri) for c in chunks} == {
        ("Congés payés", "fr", given_version.source_uri)
    }


def test_a_new_version_replaces_the_chunks_and_keeps_the_old_text(
    catalog: Catalog, handbook: Collection
) -> None:
    first = put(catalog, handbook.id, new_version("a.txt", "Twenty days. Five more.", title="Old"))
    second = put(
        catalog, handbook.id, new_version("a.txt", "Thirty days.", title="New", groups=frozenset({"staff"}))
    )
    assert (second.id, second.version, second.chunks, second.created_at) == (first.id, 2, 1, first.created_at)
    assert [c.text for c in catalog.document_chunks(first.id, access=EVERYTHING)] == ["Thirty days."]
    old = catalog.content(first.id, access=EVERYTHING, version=1)
    assert (old.text, old.title, old.version) == ("Twenty days. Five more.", "Old", 1)
    assert catalog.content(first.id, access=EVERYTHING).version == 2
    with pytest.raises(DocumentNotFound):
        catalog.content(first.id, access=NOBODY, version=1)
    collection = catalog.collection("handbook")
    assert (collection.sequence, collection.documents, collection.chunks) == (2, 1, 1)


@pytest.mark.parametrize("version", [-1, 0, 2, 2**40, 2**80])
def test_a_version_that_never_was_is_not_found(catalog: Catalog, handbook: Collection, version: int) -> None:
    document = put(catalog, handbook.id, new_version("a.txt", "One."))
    with pytest.raises(DocumentNotFound, match="no version"):
        catalog.content(document.id, access=EVERYTHING, version=version)


def test_the_same_path_below_another_root_is_another_document(catalog: Catalog, handbook: Collection) -> None:
    here = put(catalog, handbook.id, new_version("a.txt", "One."))
    there = put(catalog, handbook.id, new_version("a.txt", "Two.", root="/srv/other"))
    assert here.id != there.id
    assert set(catalog.source_states(handbook.id, ROOT)) == {"a.txt"}
    assert catalog.source_states(handbook.id, ROOT)["a.txt"].sha256 == here.sha256
    assert catalog.source_states(handbook.id, "/srv") == {}


def test_a_deleted_document_is_gone_and_its_path_starts_anew(catalog: Catalog, handbook: Collection) -> None:
    document = put(catalog, handbook.id, new_version("a.txt", "One. Two."))
    old_ids = [c.id for c in added(catalog, handbook)]
    assert catalog.delete_document(document.id, access=EVERYTHING) == 2
    for read in (catalog.document, catalog.content, catalog.document_chunks, catalog.delete_document):
        with pytest.raises(DocumentNotFound):
            read(document.id, access=EVERYTHING)
    assert catalog.chunks_by_id(handbook.id, old_ids, access=EVERYTHING) == {}
    again = put(catalog, handbook.id, new_version("a.txt", "One. Two."))
    assert again.id != document.id
    assert again.version == 1
    assert min(c.id for c in added(catalog, handbook)) > max(old_ids)


def test_chunk_ids_are_never_used_again(catalog: Catalog, handbook: Collection) -> None:
    seen: set[int] = set()
    for _ in range(3):
        document = put(catalog, handbook.id, new_version("a.txt", "One. Two."))
        fresh = {c.id for c in added(catalog, handbook)}
        assert not fresh & seen
        seen |= fresh
        catalog.delete_document(document.id, access=EVERYTHING)


def test_an_empty_document_has_no_chunks(catalog: Catalog, handbook: Collection) -> None:
    document = put(catalog, handbook.id, new_version("empty.txt", ""))
    assert (document.chunks, document.characters) == (0, 0)
    assert catalog.document_chunks(document.id, access=EVERYTHING) == []
    assert catalog.delete_document(document.id, access=EVERYTHING) == 0


def test_documents_page_by_id(catalog: Catalog, handbook: Collection) -> None:
    stored = [put(catalog, handbook.id, new_version(f"{n}.txt", "One.")) for n in range(7)]
    pages, after = [], None
    while page := catalog.documents(handbook.id, access=EVERYTHING, limit=3, after=after):
        pages.append(page)
        after = page[-1].id
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [d for page in pages for d in page] == sorted(stored, key=lambda document: document.id)


def test_a_touched_source_is_remembered_without_a_new_version(catalog: Catalog, handbook: Collection) -> None:
    document = put(catalog, handbook.id, new_version("a.txt", "One.", groups=frozenset({"staff"})))
    catalog.touch_source(handbook.id, ROOT, "a.txt", size=99, mtime_ns=5, groups=frozenset({"board"}))
    state = catalog.source_states(handbook.id, ROOT)["a.txt"]
    assert (state.size, state.mtime_ns, state.groups) == (99, 5, frozenset({"board"}))
    assert state.sha256 == document.sha256
    with pytest.raises(DocumentNotFound):
        catalog.document(document.id, access=STAFF)
    assert catalog.collection("handbook").sequence == 1


def test_the_documents_of_a_file_come_and_go_together(catalog: Catalog, handbook: Collection) -> None:
    mail = new_version("a.eml", "See the invoice.")
    invoice, photo = (new_version("a.eml", f"The {name} itself.", part=name) for name in ("b.pdf", "c.png"))
    stored = catalog.put_source(handbook.id, [mail, invoice, photo])
    assert [document.part for document in stored] == ["", "b.pdf", "c.png"]
    assert list(catalog.source_states(handbook.id, ROOT)) == ["a.eml"]

    again = catalog.put_source(handbook.id, [replace(mail, text="Paid.", chunks=()), invoice])
    assert [(document.id, document.version) for document in again] == [
        (document.id, 2) for document in stored[:2]
    ]
    with pytest.raises(DocumentNotFound):
        catalog.document(stored[2].id, access=EVERYTHING)
    assert catalog.collection("handbook").documents == 2

    assert catalog.delete_source(handbook.id, ROOT, "a.eml") == len(invoice.chunks)
    assert catalog.delete_source(handbook.id, ROOT, "a.eml") == 0
    assert (catalog.collection("handbook").documents, catalog.collection("handbook").chunks) == (0, 0)
    assert catalog.check() == []


def test_the_documents_of_two_files_are_not_one_source(catalog: Catalog, handbook: Collection) -> None:
    for versions in (
        [],
        [new_version("a.eml", "One."), new_version("b.eml", "Two.")],
        [new_version("a.eml", "One."), new_version("a.eml", "Two.")],
    ):
        with pytest.raises(InvalidRequest, match="cannot be stored as one source file"):
            catalog.put_source(handbook.id, versions)


def test_a_moved_file_keeps_its_documents(catalog: Catalog, handbook: Collection) -> None:
    versions = [new_version("a.eml", "See the invoice."), new_version("a.eml", "27 euros.", part="b.pdf")]
    before = catalog.put_source(handbook.id, versions)
    catalog.move_source(handbook.id, ROOT, "a.eml", to="2026/a.eml", label="mails", mtime_ns=5)
    after = [catalog.document(document.id, access=EVERYTHING) for document in before]
    assert [document.source_uri for document in after] == ["mails/2026/a.eml", "mails/2026/a.eml!/b.pdf"]
    assert [document.version for document in after] == [1, 1]
    state = catalog.source_states(handbook.id, ROOT)["2026/a.eml"]
    assert (state.mtime_ns, state.title) == (5, "a.eml")
    assert catalog.collection("handbook").sequence == 1


def test_a_text_embedded_before_has_its_vector(catalog: Catalog, handbook: Collection) -> None:
    (chunk,) = new_version("a.txt", "Twenty-five days.").chunks
    put(catalog, handbook.id, new_version("a.txt", "Twenty-five days."))
    text = embedded_text(chunk.context, chunk.text)
    known = catalog.known_vectors(handbook.fingerprint, [text, "Something else."])
    assert known.keys() == {text}
    np.testing.assert_allclose(known[text], chunk.vector, atol=1e-3)
    other = catalog.create_collection("other", replace(EMBEDDER.profile, fingerprint="another:1"))
    assert catalog.known_vectors(other.fingerprint, [text]) == {}


# ------------------------------------------------------------------------------------ refused input


def test_vectors_of_another_model_change_nothing(catalog: Catalog, handbook: Collection) -> None:
    before = put(catalog, handbook.id, new_version("a.txt", "One. Two."))
    other = HashedEmbedder(dimension=16)
    with pytest.raises(EmbeddingMismatch, match=r"shape \(16,\)"):
        put(catalog, handbook.id, new_version("a.txt", "Three.", embedder=other))
    assert catalog.documents(handbook.id, access=EVERYTHING) == [before]
    assert catalog.collection("handbook").sequence == 1
    assert len(added(catalog, handbook)) == 2


def _broken(version: NewVersion, **changes: object) -> NewVersion:
    return replace(version, chunks=(replace(version.chunks[0], **changes), *version.chunks[1:]))


TWO = new_version("a.txt", "One. Two.")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (replace(TWO, text="One.\0Two."), r"text .* holds '\\x00' at character 4"),
        (replace(TWO, path="caf\udce9.txt"), r"path .* holds '\\udce9'"),
        (replace(TWO, groups=frozenset({"a\0"})), "group"),
        (_broken(TWO, start=1), r"differs from text\[1:4\]"),
        (_broken(TWO, start=-9, end=-5), "differs"),
        (_broken(TWO, ordinal=1), "Two chunks .* ordinal 1"),
        (_broken(TWO, vector=np.full(32, np.nan, dtype=np.float32)), "not finite"),
    ],
    ids=["nul", "surrogate", "group", "offset", "negative offset", "ordinal", "nan"],
)
def test_what_cannot_be_stored_faithfully_is_refused(
    catalog: Catalog, handbook: Collection, version: NewVersion, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        put(catalog, handbook.id, version)
    assert catalog.documents(handbook.id, access=EVERYTHING) == []


@pytest.mark.parametrize("document_id", ["", "unknown", "a\0b", "\udce9", "' OR 1=1 --", "x" * 10_000])
def test_any_unknown_id_is_not_found(catalog: Catalog, handbook: Collection, document_id: str) -> None:
    for read in (catalog.document, catalog.content, catalog.document_chunks, catalog.delete_document):
        with pytest.raises(DocumentNotFound):
            read(document_id, access=EVERYTHING)


# ----------------------------------------------------------------------------------------- rights


def test_a_hidden_document_answers_like_an_unknown_one(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("open.txt", "One."))
    secret = put(catalog, handbook.id, new_version("b.txt", "Two.", groups=frozenset({"board"})))
    for read in (catalog.document, catalog.content, catalog.document_chunks, catalog.delete_document):
        with pytest.raises(DocumentNotFound) as hidden:
            read(secret.id, access=STAFF)
        with pytest.raises(DocumentNotFound) as unknown:
            read("0" * 32, access=STAFF)
        assert str(hidden.value).replace(secret.id, "ID") == str(unknown.value).replace("0" * 32, "ID")
    assert catalog.document(secret.id, access=EVERYTHING) == secret


@pytest.mark.parametrize(
    ("access", "seen"),
    [
        (EVERYTHING, {"open", "staff", "board", "both"}),
        (NOBODY, {"open"}),
        (STAFF, {"open", "staff", "both"}),
        (Access(groups=frozenset({"staff", "board"})), {"open", "staff", "board", "both"}),
        (Access(groups=frozenset({"STAFF", "sta", "%", "a\0"})), {"open"}),
    ],
    ids=["everything", "no group", "staff", "staff and board", "other names"],
)
def test_every_read_shows_the_same_documents(
    catalog: Catalog, handbook: Collection, access: Access, seen: set[str]
) -> None:
    rights = {"open": (), "staff": ("staff",), "board": ("board",), "both": ("staff", "board")}
    for title, groups in rights.items():
        put(
            catalog, handbook.id, new_version(title, f"About {title}.", title=title, groups=frozenset(groups))
        )
    all_ids = [chunk.id for chunk in added(catalog, handbook)]
    chunks = catalog.chunks_by_id(handbook.id, all_ids, access=access)
    assert {chunk.title for chunk in chunks.values()} == seen
    assert {d.title for d in catalog.documents(handbook.id, access=access)} == seen
    allowed = catalog.visible_chunk_ids(handbook.id, access=access)
    assert ids(allowed) == sorted(chunks) if access.groups is not None else allowed is None


def test_no_filter_is_needed_where_nothing_is_restricted(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("a.txt", "One."))
    other = catalog.create_collection("other", EMBEDDER.profile)
    put(catalog, other.id, new_version("b.txt", "Two.", groups=frozenset({"board"})))
    assert catalog.visible_chunk_ids(handbook.id, access=NOBODY) is None
    assert ids(catalog.visible_chunk_ids(other.id, access=NOBODY)) == []


# -------------------------------------------------------------------------- chunks for the indexes


def test_chunks_by_id_takes_any_list_of_ids(catalog: Catalog, handbook: Collection) -> None:
    other = catalog.create_collection("other", EMBEDDER.profile)
    put(catalog, other.id, new_version("b.txt", "Elsewhere."))
    put(catalog, handbook.id, new_version("a.txt", " ".join(f"Sentence {n} ends." for n in range(1200))))
    live = [chunk.id for chunk in added(catalog, handbook)]
    asked = [*range(-2, 40_000), 2**63, -(2**70), live[0]]
    found = catalog.chunks_by_id(handbook.id, asked, access=EVERYTHING)
    assert sorted(found) == live
    assert len(live) == 1200
    assert all(found[id_].id == id_ for id_ in live)
    assert catalog.chunks_by_id(handbook.id, [], access=EVERYTHING) == {}
    assert list(catalog.chunks_by_id(handbook.id, np.array(live[5:2:-1]), access=EVERYTHING)) == live[5:2:-1]


def test_index_builders_read_what_was_added_and_removed_since(catalog: Catalog, handbook: Collection) -> None:
    first = put(catalog, handbook.id, new_version("a.txt", "One. Two. Three.", language="en"))
    put(catalog, handbook.id, new_version("b.txt", "Quatre. Cinq.", language="fr"))
    of_first, of_second = added(catalog, handbook, 0, 1), added(catalog, handbook, 1, 2)
    assert [chunk.text for chunk in of_first] == ["One.", "Two.", "Three."]
    assert [(chunk.text, chunk.language, chunk.context) for chunk in of_second] == [
        ("Quatre.", "fr", "b.txt > Leave"),
        ("Cinq.", "fr", "b.txt > Leave"),
    ]
    put(catalog, handbook.id, new_version("a.txt", "Six."))
    assert [chunk.text for chunk in added(catalog, handbook, 2)] == ["Six."]
    assert [chunk.text for chunk in added(catalog, handbook)] == ["Quatre.", "Cinq.", "Six."]
    old = [chunk.id for chunk in of_first]
    assert ids(catalog.chunks_removed_since(handbook.id, 2, upto=3)) == old
    assert ids(catalog.chunks_removed_since(handbook.id, 0, upto=2)) == []
    assert ids(catalog.chunks_removed_since(handbook.id, 3, upto=FOREVER)) == []
    catalog.delete_document(first.id, access=EVERYTHING)
    assert len(catalog.chunks_removed_since(handbook.id, 3, upto=4)) == 1
    assert catalog.live_chunk_count(handbook.id) == (4, 2)


def test_a_vector_comes_back_as_the_unit_vector_it_was(catalog: Catalog, handbook: Collection) -> None:
    version = new_version("a.txt", "One sentence with several words. Another one. 🏖.")
    put(catalog, handbook.id, version)
    for stored, original in zip(added(catalog, handbook), version.chunks, strict=True):
        assert stored.vector.dtype == np.float32
        assert np.abs(stored.vector - original.vector).max() < 1e-3
        length = np.linalg.norm(original.vector)
        assert np.linalg.norm(stored.vector) == pytest.approx(length, abs=1e-6)


def test_a_stream_shows_one_state_while_documents_change(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("a.txt", "One. Two. Three."))
    stream = catalog.chunks_added_since(handbook.id, 0, upto=FOREVER, batch_size=1)
    texts = [chunk.text for chunk in next(stream)]
    put(catalog, handbook.id, new_version("a.txt", "Four. Five."))
    texts += [chunk.text for batch in stream for chunk in batch]
    assert texts == ["One.", "Two.", "Three."]


# ------------------------------------------------------------------------------------- durability


def test_what_was_stored_is_there_after_reopening(catalog_url: str) -> None:
    with_one = open_catalog(catalog_url)
    collection = with_one.create_collection("handbook", EMBEDDER.profile)
    document = put(with_one, collection.id, new_version("a.txt", "One. Two."))
    with_one.close()
    again = open_catalog(catalog_url)
    assert again.documents(collection.id, access=EVERYTHING) == [document]
    assert again.check() == []
    again.close()


Change = tuple[str, str | None]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["a.txt", "b.txt", "c/é.txt"]),
        st.none() | st.lists(st.sampled_from(["One.", "Deux.", "Three 🏖."]), max_size=4).map(" ".join),
    ),
    max_size=12,
)


@given(changes=CHANGES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_leaves_what_a_dictionary_would(catalog: Catalog, changes: list[Change]) -> None:
    collection = catalog.create_collection(uuid4().hex, EMBEDDER.profile)
    model: dict[str, str] = {}
    known: dict[int, str] = {}  # an index kept by reading the changes
    for sequence, (path, text) in enumerate(changes):
        before = catalog.collection(collection.name).sequence
        if text is not None:
            put(catalog, collection.id, new_version(path, text))
            model[path] = text
        elif path in model:
            catalog.delete_source(collection.id, ROOT, path)
            del model[path]
        now = catalog.collection(collection.name).sequence
        assert now - before in (0, 1)
        assert now <= sequence + 1
        for removed in catalog.chunks_removed_since(collection.id, before, upto=now):
            del known[int(removed)]
        known |= {chunk.id: chunk.text for chunk in added(catalog, collection, before, now)}

    stored = {d.path: d for d in catalog.documents(collection.id, access=EVERYTHING)}
    assert {p: catalog.content(d.id, access=EVERYTHING).text for p, d in stored.items()} == model
    texts = [chunk.text for p in model for chunk in catalog.document_chunks(stored[p].id, access=EVERYTHING)]
    assert sorted(known.values()) == sorted(texts)
    assert sorted(known) == [chunk.id for chunk in added(catalog, collection)]
    counted = catalog.collection(collection.name)
    assert (counted.documents, counted.chunks) == (len(model), len(known))
    assert catalog.live_chunk_count(collection.id) == (counted.sequence, len(known))
    assert catalog.check() == []
    catalog.delete_collection(collection.name)
