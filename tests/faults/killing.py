"""The kill loop: start a worker on a data directory, kill it at a random moment, ask the oracle."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from tests.faults.load import Ledger
from tests.faults.oracle import Oracle, crash_copy
from tests.faults.processes import Running
from tests.faults.worker import work

_THOROUGH_EVERY = 8


@dataclass(slots=True)
class Killings:
    """What a series of kills on one data directory found."""

    kills: int = 0
    acknowledged: int = 0
    interrupted: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def kill_again_and_again(
    context: ForkServerContext, folder: Path, *, kills: int, seed: int, bug: str | None = None
) -> Killings:
    """``kills`` workers one after the other on one data directory; ends at the first violation."""
    choose = random.Random(seed)
    place, sources = folder / "data", folder / "sources"
    place.mkdir(parents=True)
    ledger, oracle, outcome = Ledger(), Oracle(), Killings()
    for number in range(1, kills + 1):
        running = Running(context, work, place, sources, choose.getrandbits(32), ledger, bug)
        said = _until_a_random_moment(running, choose)
        said += running.kill()
        outcome.kills += 1
        outcome.violations += recorded(said, ledger)
        doing = ledger.in_flight.kind if ledger.in_flight else "between"
        outcome.interrupted[doing] = outcome.interrupted.get(doing, 0) + 1
        copy = crash_copy(place, folder / "copy")
        is_last = number == kills
        outcome.violations += oracle.violations(
            copy, ledger, thorough=is_last or number % _THOROUGH_EVERY == 0
        )
        if outcome.violations:
            outcome.violations = [f"kill {number}: {one}" for one in outcome.violations]
            break
    outcome.acknowledged = ledger.acknowledged
    return outcome


def _until_a_random_moment(running: Running, choose: random.Random) -> list[Any]:
    """Wait for some messages and then a little; one in six starts is killed before the work begins."""
    said: list[Any] = []
    if choose.random() < 1 / 6:
        time.sleep(choose.uniform(0, 0.06))
        return said
    wanted = choose.randint(1, 12)
    while len(said) < wanted:
        new = running.messages(timeout=20)
        said += new
        if not new or any(message[0] == "violation" for message in new):
            return said
    time.sleep(choose.expovariate(1 / 0.006))
    return said


def recorded(messages: list[Any], ledger: Ledger) -> list[str]:
    """Bring the ledger up to what the worker said; its complaints."""
    violations = []
    for kind, content in messages:
        if kind == "begin":
            ledger.begin(content)
        elif kind == "done":
            ledger.done(content)
        else:
            violations.append(content)
    return violations
