"""Runs migrations on the connection that rag.store.migrate hands over, or on ``-x url=…`` for a developer."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from rag.store.database import Database
from rag.store.schema import Base


def run(connection: Connection) -> None:
    """Migrate; SQLite changes a table by copying it, hence the batches."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(context.get_x_argument(as_dictionary=True)["url"])
    with database.schema_change() as own:
        run(own)
    database.close()
