"""The power is cut at any call: what was acknowledged is there, and the index needs no repair."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.cutting import SCENES, cut_everywhere
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

_EVERY = {"first start": 2, "life": 3, "recovery": 2}


@pytest.mark.parametrize("scene", list(SCENES))
def test_nothing_acknowledged_is_lost_when_the_power_fails(
    fork_server: ForkServerContext, memory_folder: Path, seed: int, tally: Tally, scene: str
) -> None:
    cuts = list(cut_everywhere(fork_server, memory_folder, scene=scene, seed=seed, every=_EVERY[scene]))
    found = [violation for cut in cuts for violation in cut.violations]
    tally.add(
        f"power cut, {scene}",
        violations=len(found),
        cuts=len(cuts),
        calls=cuts[-1].n,
        changes_at_risk=sum(cut.unsynced for cut in cuts),
    )
    assert found == []
    assert any(cut.unsynced for cut in cuts)
