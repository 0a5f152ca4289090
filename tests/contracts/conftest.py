"""Every kind of database the catalog runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.interfaces import Catalog
from rag.store.catalog import open_catalog
from tests.databases import PostgresCluster, postgres_cluster, postgres_programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install footnote[postgres]")
    with postgres_cluster(programs) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'catalog.sqlite3'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.new_url()


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    opened = open_catalog(catalog_url)
    yield opened
    opened.close()
