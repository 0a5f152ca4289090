"""Worker processes: forked from one that has imported everything, so that two thousand are affordable."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from tests.faults.interposer import loading

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
_REPOSITORY = Path(__file__).parents[2]


def start_fork_server(library: Path) -> ForkServerContext:
    """The process that workers are forked from; it has the interposer loaded and no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.preload"])
    wanted = {**loading(library), **_ONE_THREAD, "PYTHONPATH": str(_REPOSITORY)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return context


class Running:
    """A worker that was started, and what it said."""

    def __init__(self, context: ForkServerContext, target: Callable[..., None], *arguments: Any) -> None:
        self._receiver, sender = context.Pipe(duplex=False)
        self.process: ForkServerProcess = context.Process(target=target, args=(sender, *arguments))
        self.process.start()
        sender.close()

    def messages(self, *, timeout: float) -> list[Any]:
        """What arrives within ``timeout`` seconds: at least one message, unless there is none."""
        found = []
        while self._receiver.poll(0 if found else timeout):
            try:
                found.append(self._receiver.recv())
            except EOFError:
                break
        return found

    def kill(self) -> list[Any]:
        """SIGKILL, then the messages that were sent and not yet read."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        return self.remaining()

    def remaining(self) -> list[Any]:
        """All further messages, once the process has ended."""
        found = []
        try:
            while True:
                found.append(self._receiver.recv())
        except (EOFError, OSError):  # the last message may have been cut
            pass
        self.process.join()
        self._receiver.close()
        return found
