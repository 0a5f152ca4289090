"""SIGKILL at random moments of a mixed load: nothing acknowledged is lost, nothing is half done."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.killing import kill_again_and_again
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

_SERIES = 40


@pytest.mark.parametrize("series", range(_SERIES))
def test_nothing_is_lost_however_often_a_process_is_killed(
    fork_server: ForkServerContext, memory_folder: Path, seed: int, tally: Tally, series: int
) -> None:
    outcome = kill_again_and_again(
        fork_server,
        memory_folder,
        kills=-(-tally.kills_wanted // _SERIES),
        seed=seed * 1000 + series,
    )
    tally.add(
        "SIGKILL",
        kills=outcome.kills,
        violations=len(outcome.violations),
        acknowledged=outcome.acknowledged,
        **{f"in {kind}": number for kind, number in outcome.interrupted.items()},
    )
    assert outcome.violations == []
