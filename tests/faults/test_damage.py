"""A thousand damaged index files: all noticed when the index is opened, all rebuilt from the catalog."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.damaging import damage_again_and_again
from tests.faults.processes import Running
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

_DAMAGES = 1000


def test_every_damage_to_an_index_file_is_noticed_and_mended(
    fork_server: ForkServerContext, memory_folder: Path, seed: int, tally: Tally
) -> None:
    running = Running(fork_server, damage_again_and_again, memory_folder, _DAMAGES, seed, None)
    outcomes = running.remaining()
    found = [(what, violations) for what, violations in outcomes if violations]
    flips = sum(what.startswith("bit") for what, _ in outcomes)
    tally.add(
        "damaged index files",
        violations=len(found),
        bit_flips=flips,
        truncations=len(outcomes) - flips,
    )
    assert found == []
    assert len(outcomes) == _DAMAGES
