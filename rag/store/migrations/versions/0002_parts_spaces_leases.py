"""Embedded documents, chunk spaces for re-embedding, vectors by their text, job leases and job files."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("embedding_model", sa.String, nullable=False, server_default=""),
        sa.Column("chunker", sa.Integer, nullable=False, server_default="1"),
        sa.Column("space", sa.Integer, nullable=False, server_default="0"),
        sa.Column("newest_space", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("collections", column)
    op.create_table(
        "begun_spaces",
        sa.Column("collection_id", sa.String, nullable=False),
        sa.Column("space", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("embedding_model", sa.String, nullable=False),
        sa.Column("chunker", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_begun_spaces")),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_begun_spaces_collection_id"),
            ondelete="CASCADE",
        ),
    )
    op.add_column("document_versions", sa.Column("layout", sa.LargeBinary, nullable=True))
    op.add_column("documents", sa.Column("part", sa.Text, nullable=False, server_default=""))
    op.add_column("documents", sa.Column("space", sa.Integer, nullable=False, server_default="0"))
    _change_unique("documents", ("collection_id", "root", "path"), ("collection_id", "root", "path", "part"))
    op.create_index(op.f("ix_documents_collection_id_id"), "documents", ["collection_id", "id"])
    op.add_column("chunks", sa.Column("space", sa.Integer, nullable=False, server_default="0"))
    op.add_column("chunks", sa.Column("embedding_key", sa.LargeBinary, nullable=True))
    _change_unique("chunks", ("document_id", "ordinal"), ("document_id", "space", "ordinal"))
    op.drop_index(op.f("ix_chunks_collection_id_added_sequence_id"), "chunks")
    op.create_index(
        op.f("ix_chunks_collection_id_space_added_sequence_id"),
        "chunks",
        ["collection_id", "space", "added_sequence", "id"],
    )
    op.create_index(op.f("ix_chunks_embedding_key"), "chunks", ["embedding_key"])
    op.add_column("jobs", sa.Column("owner", sa.String, nullable=True))
    op.add_column("jobs", sa.Column("lease_until", _MOMENT, nullable=True))
    op.add_column("jobs", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.String, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=True),
        sa.Column("message", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("job_id", "path", name=op.f("pk_job_files")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_files_job_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_job_files_job_id_number"), "job_files", ["job_id", "number"])
    op.create_index(op.f("ix_job_files_job_id_state_number"), "job_files", ["job_id", "state", "number"])


def downgrade() -> None:
    """Parts and chunks that do not serve have no place in the older schema: they are removed."""
    op.execute(
        "DELETE FROM chunks WHERE space <> (SELECT c.space FROM collections c WHERE c.id = collection_id)"
    )
    op.execute("DELETE FROM chunks WHERE document_id IN (SELECT id FROM documents WHERE part <> '')")
    op.execute("DELETE FROM documents WHERE part <> ''")
    op.drop_table("job_files")
    for column in ("attempts", "lease_until", "owner"):
        op.drop_column("jobs", column)
    op.drop_index(op.f("ix_chunks_embedding_key"), "chunks")
    op.drop_index(op.f("ix_chunks_collection_id_space_added_sequence_id"), "chunks")
    op.create_index(
        op.f("ix_chunks_collection_id_added_sequence_id"), "chunks", ["collection_id", "added_sequence", "id"]
    )
    _change_unique("chunks", ("document_id", "space", "ordinal"), ("document_id", "ordinal"))
    op.drop_column("chunks", "embedding_key")
    op.drop_column("chunks", "space")
    op.drop_index(op.f("ix_documents_collection_id_id"), "documents")
    _change_unique("documents", ("collection_id", "root", "path", "part"), ("collection_id", "root", "path"))
    op.drop_column("documents", "space")
    op.drop_column("documents", "part")
    op.drop_column("document_versions", "layout")
    op.drop_table("begun_spaces")
    for column in ("newest_space", "space", "chunker", "embedding_model"):
        op.drop_column("collections", column)


def _change_unique(table: str, old: Sequence[str], new: Sequence[str]) -> None:
    """SQLite copies the table for it; the numbers given to deleted rows must stay used up all the same."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    numbered = is_sqlite and table == "chunks"
    last = _last_number(table) if numbered else None
    with op.batch_alter_table(table, table_kwargs={"sqlite_autoincrement": numbered}) as batch:
        batch.drop_constraint(op.f(f"uq_{table}_{'_'.join(old)}"), type_="unique")
        batch.create_unique_constraint(op.f(f"uq_{table}_{'_'.join(new)}"), list(new))
    if last is not None:
        op.execute(f"DELETE FROM sqlite_sequence WHERE name = '{table}'")  # noqa: S608 - our own names
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('{table}', {last})")  # noqa: S608


def _last_number(table: str) -> int | None:
    query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    return op.get_bind().execute(query, {"table": table}).scalar()
