"""What a power cut leaves: everything synced, and any part of what was not.

A simple and strict model of a file system. Writes to a file are lost singly, in any combination, unless the
file was synced after them; a kept one may be torn. Creations, renames, links and removals in a folder are
lost from some moment on, unless the folder was synced after them. SQLite's shared memory is gone.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

_SECTOR = 512


@dataclass(frozen=True, slots=True)
class _Change:
    """A line of the journal: what was done to a file's bytes, or in a folder."""

    tag: str
    inode: int
    values: tuple[str, ...]

    def number(self, place: int) -> int:
        return int(self.values[place])


def cut_power(root: Path, journal: Path, choose: random.Random) -> int:
    """Take back a random part of what was not synced below ``root``; returns how many changes that were."""
    changes = _unsynced(journal)
    of_files = [change for change in changes if change.tag in "WT"]
    of_folders = [change for change in changes if change.tag not in "WT"]
    blobs = (journal / "blobs").read_bytes() if changes else b""
    lost = _lost_from_some_moment_on(of_folders, choose)
    renamed: dict[int, Path] = {}
    for change in reversed(lost):
        _undo(change, root, journal / "graves", renamed)
    inodes = _inodes(root)
    for inode in {change.inode: None for change in of_files}:
        if inode in inodes:
            history = [change for change in of_files if change.inode == inode]
            _lose_writes(inodes[inode], history, blobs, choose)
    for shared in root.rglob("*-shm"):
        shared.unlink()
    return len(changes)


def _unsynced(journal: Path) -> list[_Change]:
    changes: list[_Change] = []
    for line in (journal / "journal").read_text().splitlines():
        tag, inode, *values = line.split("\t")
        if tag == "S":
            changes = [change for change in changes if change.inode != int(inode)]
        else:
            changes.append(_Change(tag, int(inode), tuple(values)))
    return changes


def _lost_from_some_moment_on(changes: list[_Change], choose: random.Random) -> list[_Change]:
    """Of each folder's changes the last ones, none or all among the choices."""
    kept_of = {}
    for folder in {change.inode: None for change in changes}:
        count = sum(change.inode == folder for change in changes)
        kept_of[folder] = choose.choice([0, count, choose.randint(0, count)])
    lost = []
    for change in changes:
        if kept_of[change.inode]:
            kept_of[change.inode] -= 1
        else:
            lost.append(change)
    return lost


def _undo(change: _Change, root: Path, graves: Path, renamed: dict[int, Path]) -> None:
    folder = renamed.get(change.inode) or _inodes(root).get(change.inode)
    if folder is None or not folder.exists():  # lost itself
        return
    place = folder / change.values[0]
    if change.tag in "CL":
        place.unlink(missing_ok=True)
    elif change.tag == "M":
        shutil.rmtree(place, ignore_errors=True)
    elif change.tag == "U":
        _dig_up(change.number(1), graves, place)
    elif change.tag == "D":
        place.mkdir(exist_ok=True)
        renamed[change.number(1)] = place
    elif change.tag == "R":
        target = _inodes(root)[change.number(1)] / change.values[2]
        if target.exists():
            target.rename(place)
        _dig_up(change.number(3), graves, target)


def _dig_up(number: int, graves: Path, place: Path) -> None:
    if number >= 0 and not place.exists():
        os.link(graves / str(number), place)


def _inodes(root: Path) -> dict[int, Path]:
    return {path.stat().st_ino: path for path in [root, *root.rglob("*")]}


def _lose_writes(file: Path, history: list[_Change], blobs: bytes, choose: random.Random) -> None:
    """Back to the last sync, then those writes again that reached the disk."""
    data = bytearray(file.read_bytes())
    for change in reversed(history):
        if change.tag == "W":
            at, size, blob, old, _, _ = map(int, change.values)
            data[at : at + old] = blobs[blob : blob + old]
        else:
            _, size, blob, cut = map(int, change.values)
            data[len(data) :] = blobs[blob : blob + cut]
        del data[size:]
        data.extend(bytes(size - len(data)))
    fate = choose.choice(["none", "all", "some", "first"])
    reached = choose.randint(0, len(history))
    for number, change in enumerate(history):
        is_kept = {"none": False, "all": True, "some": choose.random() < 0.5, "first": number < reached}[fate]
        if is_kept:
            _redo(data, change, blobs, torn=fate == "some" and choose.random() < 0.1, choose=choose)
    file.write_bytes(data)


def _redo(data: bytearray, change: _Change, blobs: bytes, *, torn: bool, choose: random.Random) -> None:
    if change.tag == "T":
        size = change.number(0)
        del data[size:]
        data.extend(bytes(size - len(data)))
        return
    at, _, _, _, blob, length = map(int, change.values)
    if torn:
        length = min(length, _SECTOR * choose.randint(0, length // _SECTOR))
    data.extend(bytes(max(0, at + length - len(data))))
    data[at : at + length] = blobs[blob : blob + length]
