"""Runs a built image as an engine would with ``--read-only --cap-drop ALL --security-opt no-new-privileges``.

The process is number 1 of namespaces of its own, without a network but loopback; what differs from an engine
stands in docs/container.md.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.image.building import Image, room
from tests.patience import LONG_S, wait_for

_APART = ("--net", "--ipc", "--uts")
_DROP_EVERYTHING = ("--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
_ASK = """
import json, sys, urllib.request
url, key, body = json.load(sys.stdin)
headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(opener.open(request).read().decode())
"""


class Container:
    """One container, from its start to its end.

    Args:
        image: what runs.
        volumes: folders of this machine by their places; ``/data`` may be written to, others may not.
        log: the file that what it says goes to.
    """

    def __init__(self, image: Image, *, volumes: Mapping[str, Path], log: Path) -> None:
        self._image = image
        self._log = log
        shown = {f"{here}:" if place == "/data" else str(here): place for place, here in volumes.items()}
        command = self._as_user([*image.entrypoint, *image.command])
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                room("container", image.root, shown, command, apart=_APART),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self._first = wait_for(self._find_first)

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()  # --kill-child ends the rest
            self._process.wait()

    @property
    def said(self) -> str:
        """Everything on its standard output and error."""
        return self._log.read_text("utf-8")

    @property
    def healthy(self) -> bool:
        """Whether the image's health check succeeds."""
        assert self._process.poll() is None, f"the container ended:\n{self.said}"
        return self.execute(*self._image.health).returncode == 0

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as its user: ``docker exec``."""
        namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--root"]
        return subprocess.run(
            ["nsenter", f"--target={self._first}", *namespaces, *self._as_user(list(command))],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def ask(self, path: str, *, key: str, body: Any = None) -> Any:
        """Send a request to its port from outside the container, over its loopback network."""
        answer = subprocess.run(
            ["nsenter", f"--target={self._first}", "--net", sys.executable, "-c", _ASK],
            input=json.dumps([f"http://127.0.0.1:8000{path}", key, body]),
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def stop(self) -> int:
        """Ask it to end, as ``docker stop`` does; its exit status."""
        os.kill(self._first, signal.SIGTERM)
        return self._process.wait(timeout=LONG_S)

    def _as_user(self, command: list[str]) -> list[str]:
        user, group = self._image.user.split(":")
        environment = [f"{name}={value}" for name, value in self._image.environment.items()]
        who = ["setpriv", f"--reuid={user}", f"--regid={group}", *_DROP_EVERYTHING]
        return [*who, "env", "-i", f"--chdir={self._image.folder}", *environment, *command]

    def _find_first(self) -> int:
        """Process 1 of the container, by its number here."""
        assert self._process.poll() is None, f"the container did not start:\n{self.said}"
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return int(children[0]) if children else 0
