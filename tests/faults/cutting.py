"""The same work again and again, with the power cut one call to the disk later each time."""

from __future__ import annotations

import random
import shutil
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.faults import bugs
from tests.faults.interposer import Fault, arm, disarm
from tests.faults.killing import recorded
from tests.faults.load import Ledger
from tests.faults.oracle import Oracle
from tests.faults.power import cut_power
from tests.faults.processes import Running
from tests.faults.scenes import aged, crashed, empty, silent
from tests.faults.worker import Worker

_HISTORY = ("put", "refresh", "put", "delete", "refresh", "sync", "move", "put", "put", "refresh", "delete")
SCENES = {
    "first start": (empty, ("put", "refresh")),
    "life": (aged, _HISTORY),
    "recovery": (crashed, ("query", "put", "refresh")),
}
"""Where the work starts, and its steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerCut:
    """What was found after the power was cut at call ``n``; ``unsynced`` changes could be lost."""

    n: int
    unsynced: int
    violations: list[str]


def live_until_the_cut(
    connection: Connection,
    place: Path,
    sources: Path,
    ledger: Ledger,
    steps: tuple[str, ...],
    n: int,
    seed: int,
    bug: str | None,
) -> None:
    """Entry point of the process that loses power."""
    choose = random.Random(seed)
    try:
        bugs.plant(bug)
        arm(place, Fault.POWER_CUT, n, journal=place.parent / "journal")
        worker = Worker(place, sources, ledger, connection.send)
        for kind in steps:
            worker.step(kind, choose)
        disarm()
        connection.send(("survived", n))
    except Exception:  # noqa: BLE001 - nobody has reason to fail here
        connection.send(("violation", traceback.format_exc()))


def cut_everywhere(
    context: ForkServerContext, folder: Path, *, scene: str, seed: int, bug: str | None = None, every: int = 1
) -> Iterator[PowerCut]:
    """Cuts at the calls 1, 1 + ``every``, … until the work gets through."""
    start, steps = SCENES[scene]
    at_start = start(folder / "start")
    choose = random.Random(seed)
    for n in range(1, 100_000, every):
        place, sources, ledger = at_start.copied_to(folder / "run")
        shutil.rmtree(sources, ignore_errors=True)
        journal = place.parent / "journal"
        journal.mkdir()
        said = Running(context, live_until_the_cut, place, sources, ledger, steps, n, seed, bug).remaining()
        if ("survived", n) in said:
            return
        violations = recorded(said, ledger)
        unsynced = cut_power(place, journal, choose)
        violations += Oracle().violations(place, ledger, thorough=True)
        if not violations:
            violations += _life_goes_on(place, sources, ledger)
        yield PowerCut(n=n, unsynced=unsynced, violations=[f"cut at call {n}: {one}" for one in violations])


def _life_goes_on(place: Path, sources: Path, ledger: Ledger) -> list[str]:
    """A new process does what is asked of it."""
    try:
        worker = Worker(place, sources, ledger, silent)
        worker.step("put", random.Random(5))
        worker.step("refresh", random.Random(5))
        worker.close()
    except Exception:  # noqa: BLE001 - told to the test
        return [f"after the cut:\n{traceback.format_exc()}"]
    return Oracle().violations(place, ledger, thorough=False)
