"""SIGKILL at random moments of a mixed load: nothing acknowledged is lost, nothing is half done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.killing import Killings, kill_again_and_again
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

_ROUNDS = 20
_AT_ONCE = 2  # while one data directory is checked, another one's worker runs


@pytest.mark.parametrize("round_", range(_ROUNDS))
def test_nothing_is_lost_however_often_a_process_is_killed(
    fork_server: ForkServerContext, memory_folder: Path, seed: int, tally: Tally, round_: int
) -> None:
    kills = -(-tally.kills_wanted // (_ROUNDS * _AT_ONCE))

    def killings(series: int) -> Killings:
        folder = memory_folder / str(series)
        return kill_again_and_again(fork_server, folder, kills=kills, seed=seed * 1000 + series)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(killings, range(round_ * _AT_ONCE, (round_ + 1) * _AT_ONCE)))
    for outcome in outcomes:
        tally.add(
            "kills",
            kills=outcome.kills,
            violations=len(outcome.violations),
            acknowledged=outcome.acknowledged,
            **{f"in {kind}": number for kind, number in outcome.interrupted.items()},
        )
    assert [violation for outcome in outcomes for violation in outcome.violations] == []
