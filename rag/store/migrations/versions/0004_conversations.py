"""Conversations and their turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("number", _NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("collection_id", sa.String, nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_conversations")),
        sa.UniqueConstraint("owner", "id", name=op.f("uq_conversations_owner_id")),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_conversations_collection_id"),
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    for columns in (["owner", "number"], ["collection_id"], ["expires_at"]):
        op.create_index(op.f(f"ix_conversations_{'_'.join(columns)}"), "conversations", columns)
    op.create_table(
        "conversation_turns",
        sa.Column("conversation", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("ordinal", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("standalone_question", sa.Text, nullable=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("answer_id", sa.String, nullable=False),
        sa.Column("llm", sa.String, nullable=False),
        sa.Column("citations", sa.JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "ordinal", name=op.f("pk_conversation_turns")),
        sa.ForeignKeyConstraint(
            ["conversation"],
            ["conversations.number"],
            name=op.f("fk_conversation_turns_conversation"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("conversation_turns")
    op.drop_table("conversations")
