"""Seed, interposer and fork server of the fault tests, and the table at their end."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.interposer import compile_interposer
from tests.faults.processes import start_fork_server
from tests.faults.tally import Tally

_TALLY = pytest.StashKey[Tally]()
_SEED = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    # Read here, since every test runs in a cleaned environment.
    config.stash[_SEED] = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    config.stash[_TALLY] = Tally(kills_wanted=int(os.environ.get("FAULTS_KILLS") or 2000))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[_TALLY].lines()
    if lines:
        terminalreporter.section("faults")
        terminalreporter.write_line(f"FAULTS_SEED={config.stash[_SEED]}")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """``FAULTS_SEED``, or a new one; printed with the table."""
    return request.config.stash[_SEED]


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Where tests count what they did."""
    return request.config.stash[_TALLY]


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> ForkServerContext:
    """Worker processes come from here."""
    if shutil.which("gcc") is None:
        pytest.skip("the interposer needs gcc")
    return start_fork_server(compile_interposer(tmp_path_factory.mktemp("interposer")))


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process leaves is the same, only sooner."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=memory if memory.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
