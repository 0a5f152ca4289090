"""Linux's Landlock: from here on this process changes no file outside one folder, and opens no connection.

https://docs.kernel.org/userspace-api/landlock.html; there is no Python binding that is kept up, and four
system calls are all it takes.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_WRITES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # remove and make, of every kind
_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract sockets and signals stay inside
_VERSION_WITH_REFER, _VERSION_WITH_TRUNCATE, _VERSION_WITH_NETWORK, _VERSION_WITH_SCOPES = 2, 3, 4, 6


def confine_writes(folder: Path) -> int:
    """Let this process and its children change files below ``folder`` only; reading stays free.

    Returns:
        The kernel's version of Landlock; 0 where there is none and nothing was confined.
    """
    try:
        system = ctypes.CDLL(None, use_errno=True)
        version = system.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except (OSError, AttributeError):  # not Linux
        return 0
    if version < 1:
        return 0
    rules = _ruleset(system, version)
    if rules < 0:
        return 0
    try:
        _allow(system, rules, folder, _writes(version))
        _allow(system, rules, Path(os.devnull), _writes(version) & (_WRITE_FILE | _TRUNCATE))
        system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return version if system.syscall(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _writes(version: int) -> int:
    """Everything that changes a file or folder, as far as this version knows it."""
    refer = _REFER if version >= _VERSION_WITH_REFER else 0
    return _WRITES | refer | (_TRUNCATE if version >= _VERSION_WITH_TRUNCATE else 0)


def _ruleset(system: ctypes.CDLL, version: int) -> int:
    handled = struct.pack("=Q", _writes(version))
    if version >= _VERSION_WITH_NETWORK:
        handled += struct.pack("=Q", _TCP)
    if version >= _VERSION_WITH_SCOPES:
        handled += struct.pack("=Q", _SCOPES)
    return int(system.syscall(_CREATE_RULESET, handled, len(handled), 0))


def _allow(system: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        system.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", access, descriptor), 0)
    finally:
        os.close(descriptor)
