"""Facts that filters compare, and a count of the changes that no index needs to know of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from alembic import op

from rag.facts import facts_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH = 500
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("collections", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
    facts = op.create_table(
        "document_facts",
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("collection_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("text", _TEXT, nullable=False),
        sa.Column("number", sa.Double, nullable=True),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("document_id", "place", name=op.f("pk_document_facts")),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("fk_document_facts_document_id"),
            ondelete="CASCADE",
        ),
    )
    _fill(facts)
    op.create_index(
        "ix_document_facts_all",
        "document_facts",
        ["collection_id", "name", "text", "number", "moment", "document_id"],
    )
    op.create_index(op.f("ix_documents_collection_id"), "documents", ["collection_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_documents_collection_id"), "documents")
    op.drop_table("document_facts")
    op.drop_column("collections", "revision")


def _fill(facts: sa.Table) -> None:
    """The facts of the documents that are there already."""
    documents = sa.table(
        "documents", sa.column("id"), sa.column("collection_id"), sa.column("metadata", sa.JSON)
    )
    connection = op.get_bind()
    query = sa.select(documents.c.id, documents.c.collection_id, documents.c["metadata"])
    last = ""
    while rows := connection.execute(
        query.where(documents.c.id > last).order_by(documents.c.id).limit(_BATCH)
    ).all():
        values = [row for found in rows for row in _rows(*found)]
        if values:
            connection.execute(facts.insert(), values)
        last = rows[-1].id


def _rows(document_id: str, collection_id: str, metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    about = {"document_id": document_id, "collection_id": collection_id}
    return [{**about, "place": place, **asdict(fact)} for place, fact in enumerate(facts_of(metadata))]
