"""A disk that fails at any one call: our own error, nothing lost, and the next try succeeds."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.faults.failing import fail_everywhere
from tests.faults.interposer import Calls, Fault
from tests.faults.processes import Running
from tests.faults.scenes import OPERATIONS
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("operation", [operation.name for operation in OPERATIONS])
def test_every_operation_survives_a_failure_at_every_call(
    fork_server: ForkServerContext, memory_folder: Path, tally: Tally, operation: str
) -> None:
    faults = (Fault.EIO, Fault.ENOSPC, Fault.SHORT_WRITE)
    running = {
        fault: Running(fork_server, fail_everywhere, memory_folder / fault.name, operation, fault, None)
        for fault in faults
    }
    found = []
    for fault, process in running.items():
        *cases, last = process.remaining()
        violations = [(fault.name, n, one) for n, several in cases for one in several]
        calls = last if isinstance(last, Calls) else None
        if calls is None:
            violations.append((fault.name, 0, f"the process ended early, after {last}"))
        tally.add(f"failing disk, {operation}", violations=len(violations), **{fault.name: len(cases) - 1})
        found += violations
    assert found == []
