"""The suite is worth something: it catches mistakes that are planted into the worker processes."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.bugs import BUGS
from tests.faults.cutting import cut_everywhere
from tests.faults.damaging import damage_again_and_again
from tests.faults.failing import fail_everywhere
from tests.faults.interposer import Calls, Fault
from tests.faults.killing import kill_again_and_again
from tests.faults.processes import Running
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

Hunt = Callable[[ForkServerContext, Path, str], list[str]]
_TRIES = 10


def by_killing(context: ForkServerContext, folder: Path, bug: str) -> list[str]:
    """At most five hundred kills."""
    for series in range(_TRIES):
        outcome = kill_again_and_again(context, folder / str(series), kills=50, seed=series, bug=bug)
        if outcome.violations:
            return outcome.violations
    return []


def by_cutting_power(context: ForkServerContext, folder: Path, bug: str) -> list[str]:
    """Until a cut does damage."""
    for series in range(_TRIES):
        for cut in cut_everywhere(
            context, folder / str(series), scene="life", seed=series, bug=bug, every=11 + series
        ):
            if cut.violations:
                return cut.violations
    return []


def by_failing(operation: str, fault: Fault) -> Hunt:
    """At every call of one operation."""

    def hunt(context: ForkServerContext, folder: Path, bug: str) -> list[str]:
        said = Running(context, fail_everywhere, folder, operation, fault, bug).remaining()
        return [one for case in said if not isinstance(case, Calls) for one in case[1]]

    return hunt


def by_damaging(context: ForkServerContext, folder: Path, bug: str) -> list[str]:
    """A hundred damaged files."""
    said = Running(context, damage_again_and_again, folder, 100, 1, bug).remaining()
    return [one for _, violations in said for one in violations]


HUNTS: dict[str, Hunt] = {
    "new_files_are_not_synced": by_cutting_power,
    "folders_are_not_synced": by_cutting_power,
    "catalog_is_not_synced": by_cutting_power,
    "pointer_goes_before_its_generation": by_cutting_power,
    "chunk_ids_are_used_again": by_killing,
    "tombstones_are_not_written": by_killing,
    "old_chunks_stay_after_an_update": by_killing,
    "removals_are_not_told_to_the_index": by_killing,
    "a_delete_does_not_count_as_a_change": by_killing,
    "a_file_is_stored_in_several_transactions": by_killing,
    "a_delete_is_acknowledged_before_it_is_committed": by_killing,
    "failed_transactions_are_not_told": by_failing("delete", Fault.EIO),
    "a_full_disk_is_any_failure": by_failing("update", Fault.ENOSPC),
    "hashes_are_not_verified": by_damaging,
}


def test_there_is_a_hunt_for_every_bug() -> None:
    assert HUNTS.keys() == BUGS.keys()


@pytest.mark.parametrize("bug", list(HUNTS))
def test_a_planted_bug_is_caught(
    fork_server: ForkServerContext, memory_folder: Path, tally: Tally, bug: str
) -> None:
    caught = HUNTS[bug](fork_server, memory_folder, bug)
    tally.add("planted bugs", violations=0, planted=1, caught=bool(caught))
    assert caught, f"nothing noticed that {bug.replace('_', ' ')}"
