"""What a parser process gives up before it reads a file: the network, and memory without end."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import socket
from typing import Any

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_log = logging.getLogger(__name__)


def enter_sandbox(memory_mb: int) -> None:
    """Limit this process's address space and cut its network, as far as the system allows."""
    limit = memory_mb * 1024 * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    ceiling = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, hard))
    _leave_network()
    _refuse_sockets()


def _leave_network() -> None:
    """Move into a network namespace without interfaces.

    Root needs no user namespace for it, and would lose its right to read other people's files in one.
    """
    flags = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET
    try:
        failed = ctypes.CDLL(None, use_errno=True).unshare(flags) != 0
    except (OSError, AttributeError):  # not Linux
        failed = True
    if failed:
        _log.debug("This system offers no network namespace; parsers are kept from opening sockets only.")


def _refuse_sockets() -> None:
    """Make Python's internet sockets fail; local ones stay, the process pool may need them."""

    class LocalSocket(socket.socket):
        def __init__(self, family: int = -1, *args: Any, **kwargs: Any) -> None:
            if (
                family in (-1, socket.AF_INET, socket.AF_INET6)
                and kwargs.get("fileno") is None
                and len(args) < 3
            ):
                raise PermissionError("A parser process has no network.")
            super().__init__(family, *args, **kwargs)

    socket.socket = LocalSocket  # type: ignore[misc]
