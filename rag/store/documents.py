"""Reading documents and their texts, under the asker's rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from rag.domain import Access, Document, DocumentText, SourceState
from rag.errors import DocumentNotFound
from rag.store.batches import in_batches
from rag.store.schema import ChunkRow, CollectionRow, DocumentRow, GroupRow, VersionRow
from rag.store.storable import is_storable, require_storable
from rag.store.visibility import visible


def find_row(session: Session, document_id: str, access: Access) -> DocumentRow:
    """The document's row. Raises: DocumentNotFound, also when ``access`` may not read it."""
    row = None
    if is_storable(document_id):
        row = session.scalar(select(DocumentRow).where(DocumentRow.id == document_id, visible(access)))
    if row is None:
        raise DocumentNotFound(
            f"No document has the id {document_id!r}; `footnote documents list` shows them."
        )
    return row


def find_document(session: Session, document_id: str, access: Access) -> Document:
    """Raises: DocumentNotFound."""
    row = find_row(session, document_id, access)
    return _documents(session, _facts().where(DocumentRow.id == row.id))[0]


def list_documents(
    session: Session, collection_id: str, access: Access, limit: int, after: str | None
) -> list[Document]:
    """Visible documents ordered by id, those after the id ``after``."""
    query = _facts().where(DocumentRow.collection_id == collection_id, visible(access))
    if after is not None:
        require_storable("The cursor", after)
        query = query.where(DocumentRow.id > after)
    return _documents(session, query.order_by(DocumentRow.id).limit(limit))


def source_states(session: Session, collection_id: str, root: str) -> dict[str, SourceState]:
    """What is stored of the source files below ``root``, by path."""
    if not is_storable(root):
        return {}
    below = and_(DocumentRow.collection_id == collection_id, DocumentRow.root == root)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for path, group in session.execute(
        select(DocumentRow.path, GroupRow.group)
        .join(DocumentRow, DocumentRow.id == GroupRow.document_id)
        .where(below)
    ):
        groups[path].add(group)
    columns = ("path", "part", "sha256", "size", "mtime_ns", "title")
    query = select(*(getattr(DocumentRow, name) for name in columns)).where(below)
    states: dict[str, SourceState] = {}
    # The file's own document comes first, so it decides the title.
    for path, part, sha256, size, mtime_ns, title in session.execute(query.order_by(DocumentRow.part)):
        if path not in states:
            states[path] = SourceState(
                path=path,
                sha256=sha256,
                size=size,
                mtime_ns=mtime_ns,
                groups=frozenset(groups[path]),
                title=None if part else title,
            )
    return states


def find_text(session: Session, document_id: str, access: Access, version: int | None) -> DocumentText:
    """Stored text of the current, or the given, version. Raises: DocumentNotFound."""
    document = find_row(session, document_id, access)
    wanted = document.version if version is None else version
    # Versions beyond the current one do not exist, and may not fit the column's type.
    row = session.get(VersionRow, (document_id, wanted)) if 1 <= wanted <= document.version else None
    if row is None:
        raise DocumentNotFound(
            f"Document {document_id!r} has no version {wanted}; its versions are 1 to {document.version}."
        )
    return DocumentText(
        document_id=document_id,
        version=row.version,
        title=row.title,
        source_uri=document.source_uri,
        text=row.text,
        page_starts=tuple(row.page_starts),
        layout=row.layout,
    )


def _facts() -> Select[DocumentRow, int, int]:
    serving = select(CollectionRow.space).where(CollectionRow.id == DocumentRow.collection_id)
    chunks = (
        select(func.count())
        .where(
            ChunkRow.document_id == DocumentRow.id,
            ChunkRow.space == serving.correlate(DocumentRow).scalar_subquery(),
        )
        .correlate(DocumentRow)
    )
    return select(DocumentRow, VersionRow.characters, chunks.scalar_subquery()).join(
        VersionRow,
        and_(VersionRow.document_id == DocumentRow.id, VersionRow.version == DocumentRow.version),
    )


def _documents(session: Session, query: Select[DocumentRow, int, int]) -> list[Document]:
    rows = session.execute(query).all()
    groups = _groups(session, [row.id for row, _, _ in rows])
    return [
        document_of(row, characters=characters, chunks=chunks, groups=groups.get(row.id, frozenset()))
        for row, characters, chunks in rows
    ]


def _groups(session: Session, document_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for batch in in_batches(document_ids):
        query = select(GroupRow.document_id, GroupRow.group).where(GroupRow.document_id.in_(batch))
        for document_id, group in session.execute(query):
            found[document_id].add(group)
    return {document_id: frozenset(names) for document_id, names in found.items()}


def document_of(document: DocumentRow, *, characters: int, chunks: int, groups: frozenset[str]) -> Document:
    """The document of a row, with what other tables say of it."""
    return Document(
        id=document.id,
        collection_id=document.collection_id,
        root=document.root,
        path=document.path,
        part=document.part,
        source_uri=document.source_uri,
        title=document.title,
        language=document.language,
        media_type=document.media_type,
        version=document.version,
        sha256=document.sha256,
        size=document.size,
        mtime_ns=document.mtime_ns,
        chunks=chunks,
        characters=characters,
        groups=groups,
        metadata=document.attributes,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
