"""The access rule as SQL; the same rule as :meth:`rag.domain.Access.allows`."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, true

from rag.domain import Access
from rag.store.schema import DocumentRow, GroupRow
from rag.store.storable import is_storable


def visible(access: Access) -> ColumnElement[bool]:
    """True for the rows of ``documents`` that ``access`` may read."""
    if access.groups is None:
        return true()
    groups = sorted(group for group in access.groups if is_storable(group))
    of_document = exists().where(GroupRow.document_id == DocumentRow.id).correlate(DocumentRow)
    return or_(~of_document, of_document.where(GroupRow.group.in_(groups)))
