"""The schema: what the migrations build is what the code expects."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from rag.errors import StorageError
from rag.store import migrate
from rag.store.catalog import open_catalog
from rag.store.database import Database
from rag.store.schema import Base
from tests.contracts.test_catalog_conversations import add as add_turn
from tests.sources import EMBEDDER, new_version, put


def test_migrations_build_the_tables_of_the_code(catalog_url: str) -> None:
    open_catalog(catalog_url).close()
    database = Database(catalog_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    database.close()


def test_deleting_a_parent_row_deletes_what_belongs_to_it(catalog_url: str) -> None:
    catalog = open_catalog(catalog_url)
    collection = catalog.create_collection("handbook", EMBEDDER.profile)
    put(catalog, collection.id, new_version("a.txt", "One.", groups=frozenset({"staff"})))
    put(catalog, collection.id, new_version("a.txt", "Two.", groups=frozenset({"staff"})))
    add_turn(catalog, collection)
    catalog.close()
    database = Database(catalog_url)
    with database.write() as session:
        session.execute(text("DELETE FROM collections"))
        counts = {
            name: session.scalar(text(f"SELECT count(*) FROM {name}"))
            for name in Base.metadata.tables
            if name != "jobs"
        }
    database.close()
    assert set(counts.values()) == {0}


def test_the_first_migration_can_be_taken_back(catalog_url: str) -> None:
    open_catalog(catalog_url).close()
    database = Database(catalog_url)
    with database.schema_change() as connection:
        config = Config(Path(migrate.__file__).with_name("alembic.ini"))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    database.close()


def test_a_catalog_of_a_newer_footnote_is_refused_and_untouched(catalog_url: str) -> None:
    open_catalog(catalog_url).close()
    database = Database(catalog_url)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"'9999'.*newer.*Upgrade Footnote"):
        open_catalog(catalog_url)
    with database.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    database.close()


def test_a_migration_that_fails_half_way_changes_nothing(
    catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: object) -> None:
        raise StorageError("half-way")

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "_refuse_broken_references", fail)
        with pytest.raises(StorageError, match="half-way"):
            open_catalog(catalog_url)
    database = Database(catalog_url)
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    database.close()
    open_catalog(catalog_url).close()
