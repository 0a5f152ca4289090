"""Throw-away databases for tests: SQLite files, and PostgreSQL where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

_VERSIONS = Path("/usr/lib/postgresql")
_SETTINGS = "-c listen_addresses='' -c fsync=off -c max_connections=60"


def postgres_programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, of the newest version installed the Debian way."""
    found = sorted(_VERSIONS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass(frozen=True, kw_only=True)
class PostgresCluster:
    """A server on a unix socket; every test takes a database of its own."""

    programs: Path
    folder: Path
    user: dict[str, str] = field(default_factory=dict)

    def new_url(self) -> str:
        name = f"t{uuid4().hex}"
        self.run("createdb", "-h", str(self.folder), "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        # No pipe: the server would inherit it and keep it open.
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **self.user,
        )


@contextmanager
def postgres_cluster(programs: Path) -> Iterator[PostgresCluster]:
    # PostgreSQL refuses to run as root, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    user: dict[str, str] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        user = {"user": "postgres", "group": "postgres"}
    cluster = PostgresCluster(programs=programs, folder=folder, user=user)
    data = str(folder / "data")
    try:
        cluster.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        log = str(folder / "log")
        cluster.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", f"{_SETTINGS} -k {folder}", "start")
        try:
            yield cluster
        finally:
            cluster.run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
