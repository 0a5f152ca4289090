"""What every catalog promises while another embedding model or chunker takes a collection over."""

from __future__ import annotations

import pytest

from rag.domain import Access, Collection, IndexChunk
from rag.errors import EmbeddingMismatch, InvalidRequest
from rag.interfaces import Catalog
from tests.fakes import HashedEmbedder
from tests.sources import EMBEDDER, ROOT, new_version, put

EVERYTHING = Access.everything()
LARGER = HashedEmbedder(dimension=48, name="larger")
TEXTS = {"leave.txt": "Twenty-five days. Five carried over.", "vpn.txt": "The VPN needs a key."}


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    """Two documents, three chunks."""
    collection = catalog.create_collection("handbook", EMBEDDER.profile, embedding_model="small")
    for path, text in TEXTS.items():
        put(catalog, collection.id, new_version(path, text))
    return catalog.collection("handbook")


def begin(catalog: Catalog, collection: Collection, embedder: HashedEmbedder = LARGER) -> Collection:
    return catalog.begin_space(collection.id, embedder.profile, embedding_model="large", chunker=2)


def prepare(catalog: Catalog, target: Collection, document_id: str) -> bool:
    """One chunk for the whole document: another chunker than the one of the tests' versions."""
    text = catalog.content(document_id, access=EVERYTHING)
    (chunk,) = new_version(text.title, text.text.replace(".", ","), embedder=LARGER).chunks
    whole = {"text": text.text, "end": len(text.text)}
    fields = {name: getattr(chunk, name) for name in chunk.__slots__} | whole
    return catalog.prepare_document(target, text, [type(chunk)(**fields)])


def prepare_all(catalog: Catalog, target: Collection) -> None:
    for document_id in catalog.unprepared_documents(target):
        assert prepare(catalog, target, document_id)


def chunk_texts(catalog: Catalog, collection: Collection) -> list[str]:
    """Of the serving chunks, by every way that leads to them."""
    listed = catalog.documents(collection.id, access=EVERYTHING)
    chunks = [one for document in listed for one in catalog.document_chunks(document.id, access=EVERYTHING)]
    assert sum(document.chunks for document in listed) == len(chunks)
    assert catalog.live_chunk_count(collection.id)[1] == len(chunks)
    assert catalog.collection(collection.name).chunks == len(chunks)
    indexed = added(catalog, collection)
    ids = [chunk.id for chunk in indexed]
    assert sorted(ids) == sorted(chunk.id for chunk in chunks)
    assert catalog.chunks_by_id(collection.id, ids, access=EVERYTHING).keys() == set(ids)
    return sorted(chunk.text for chunk in indexed)


def added(catalog: Catalog, collection: Collection, space: int | None = None) -> list[IndexChunk]:
    batches = catalog.chunks_added_since(collection.id, 0, upto=2**62, space=space)
    return [chunk for batch in batches for chunk in batch]


SENTENCES = ["Five carried over.", "The VPN needs a key.", "Twenty-five days."]


def test_what_is_prepared_does_not_show_until_the_switch(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    assert (target.space, target.fingerprint, target.dimension) == (1, LARGER.profile.fingerprint, 48)
    assert (target.embedding_model, target.chunker, target.documents) == ("large", 2, 0)
    prepare_all(catalog, target)
    assert catalog.collection("handbook") == handbook
    assert chunk_texts(catalog, handbook) == SENTENCES
    assert sorted(chunk.text for chunk in added(catalog, target, target.space)) == sorted(TEXTS.values())
    assert catalog.live_chunk_count(handbook.id, space=target.space) == (2, 2)
    assert catalog.check() == []


def test_the_switch_changes_model_and_chunks_at_once(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    prepare_all(catalog, target)
    before = catalog.documents(handbook.id, access=EVERYTHING)
    assert catalog.switch_space(target)
    after = catalog.collection("handbook")
    assert (after.space, after.fingerprint, after.dimension) == (1, LARGER.profile.fingerprint, 48)
    assert (after.embedding_model, after.chunker, after.documents, after.chunks) == ("large", 2, 2, 2)
    assert chunk_texts(catalog, after) == sorted(TEXTS.values())
    shown = [(one.id, one.version) for one in catalog.documents(handbook.id, access=EVERYTHING)]
    assert shown == [(one.id, one.version) for one in before]
    assert catalog.begun_space(handbook.id) is None
    assert catalog.switch_space(target)  # said again, it stays true
    assert catalog.check() == []


def test_a_group_sees_only_serving_chunks(catalog: Catalog, handbook: Collection) -> None:
    staff = Access(groups=frozenset({"staff"}))
    put(catalog, handbook.id, new_version("pay.txt", "Pay day.", groups=frozenset({"staff"})))
    target = begin(catalog, handbook)
    prepare_all(catalog, target)
    visible = catalog.visible_chunk_ids(handbook.id, access=staff)
    assert visible is not None
    assert visible.tolist() == sorted(chunk.id for chunk in added(catalog, handbook))
    assert catalog.switch_space(target)
    visible = catalog.visible_chunk_ids(handbook.id, access=staff)
    assert visible is not None
    assert visible.tolist() == [chunk.id for chunk in added(catalog, handbook)]


def test_there_is_no_switch_while_a_document_is_unprepared(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    first, second = catalog.unprepared_documents(target)
    assert catalog.unprepared_documents(target, limit=1) == [first]
    assert catalog.unprepared_documents(target, after=first) == [second]
    assert prepare(catalog, target, first)
    assert not catalog.switch_space(target)
    assert catalog.collection("handbook") == handbook
    begun = catalog.begun_space(handbook.id)
    assert begun is not None
    assert (begun.documents, begun.chunks) == (1, 1)


def test_a_later_run_goes_on_where_the_first_one_ended(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    prepare(catalog, target, catalog.unprepared_documents(target)[0])
    again = begin(catalog, handbook)
    assert (again.space, again.documents) == (target.space, 1)
    assert len(catalog.unprepared_documents(again)) == 1


def test_a_document_changed_meanwhile_is_unprepared_again(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    document_id = catalog.unprepared_documents(target)[0]
    old = catalog.content(document_id, access=EVERYTHING)
    prepare_all(catalog, target)
    put(catalog, handbook.id, new_version(old.title, "Thirty days."))
    assert catalog.unprepared_documents(target) == [document_id]
    assert not catalog.prepare_document(target, old, [])
    assert not catalog.switch_space(target)
    assert prepare(catalog, target, document_id)
    assert catalog.switch_space(target)
    assert "Thirty days." in chunk_texts(catalog, handbook)
    assert catalog.check() == []


def test_a_document_deleted_meanwhile_is_nowhere(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    prepare_all(catalog, target)
    sequence = catalog.collection("handbook").sequence
    prepared = {chunk.text: chunk.id for chunk in added(catalog, target, target.space)}
    assert catalog.delete_source(handbook.id, ROOT, "leave.txt") == 2
    gone = catalog.chunks_removed_since(handbook.id, sequence, upto=2**62).tolist()
    assert prepared[TEXTS["leave.txt"]] in gone  # so that an index built beside can drop it
    assert catalog.switch_space(target)
    assert chunk_texts(catalog, handbook) == [TEXTS["vpn.txt"]]


def test_a_new_version_after_the_switch_is_of_the_new_model(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    prepare_all(catalog, target)
    catalog.switch_space(target)
    with pytest.raises(EmbeddingMismatch, match="48"):
        put(catalog, handbook.id, new_version("new.txt", "New."))
    version = new_version("new.txt", "New.", embedder=LARGER)
    with pytest.raises(EmbeddingMismatch, match="in the middle of this ingestion"):
        catalog.put_source(handbook.id, [version], fingerprint=handbook.fingerprint)
    catalog.put_source(handbook.id, [version], fingerprint=target.fingerprint)
    assert "New." in chunk_texts(catalog, handbook)


def test_left_over_chunks_go_in_batches(catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("long.txt", " ".join(f"Rule {n} holds." for n in range(600))))
    assert catalog.remove_left_over(handbook.id) == 0
    target = begin(catalog, handbook)
    assert catalog.remove_left_over(handbook.id) == 0
    prepare_all(catalog, target)
    assert catalog.remove_left_over(handbook.id) == 0
    catalog.switch_space(target)
    removed = [catalog.remove_left_over(handbook.id) for _ in range(4)]
    assert sum(removed) == 603
    assert max(removed) < 603
    assert removed[-1] == 0
    assert len(chunk_texts(catalog, handbook)) == 3


def test_a_model_given_up_in_the_middle_leaves_nothing(catalog: Catalog, handbook: Collection) -> None:
    first = begin(catalog, handbook)
    prepare_all(catalog, first)
    second = begin(catalog, handbook, HashedEmbedder(dimension=48, name="third"))
    assert second.space == first.space + 1
    assert not prepare(catalog, first, catalog.unprepared_documents(second)[0])
    assert not catalog.switch_space(first)
    assert catalog.remove_left_over(handbook.id) == 2
    catalog.abandon_space(handbook.id)
    assert catalog.begun_space(handbook.id) is None
    assert not catalog.switch_space(second)
    third = begin(catalog, handbook)
    assert third.space == second.space + 1
    assert len(catalog.unprepared_documents(third)) == 2
    assert chunk_texts(catalog, handbook) == SENTENCES


def test_prepared_chunks_are_checked_like_any(catalog: Catalog, handbook: Collection) -> None:
    target = begin(catalog, handbook)
    document_id = catalog.unprepared_documents(target)[0]
    text = catalog.content(document_id, access=EVERYTHING)
    (chunk,) = new_version("other.txt", "Other.", embedder=LARGER).chunks
    with pytest.raises(InvalidRequest, match=r"differs from text\[0:6\]"):
        catalog.prepare_document(target, text, [chunk])
    small = new_version("a.txt", text.text).chunks
    with pytest.raises(EmbeddingMismatch, match="48"):
        catalog.prepare_document(target, text, small)
    assert catalog.live_chunk_count(handbook.id, space=target.space)[1] == 0


def test_where_a_model_is_found_can_change(catalog: Catalog, handbook: Collection) -> None:
    catalog.name_model(handbook.id, fingerprint=handbook.fingerprint, embedding_model="elsewhere")
    assert catalog.collection("handbook").embedding_model == "elsewhere"
    catalog.name_model(handbook.id, fingerprint="another", embedding_model="wrong")
    assert catalog.collection("handbook").embedding_model == "elsewhere"


def test_a_deleted_collection_forgets_the_space_begun(catalog: Catalog, handbook: Collection) -> None:
    prepare_all(catalog, begin(catalog, handbook))
    assert catalog.delete_collection("handbook") == 2
    assert catalog.begun_space(handbook.id) is None
    assert catalog.check() == []
