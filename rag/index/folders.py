"""The folder of one collection's index generations: what is in it, and what may go."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag.index import durable
from rag.index.opening import CURRENT, OpenGeneration, generation_number

BUILDING = "building-"
QUARANTINE = "quarantine-"


def space_of(folder: Path) -> int:
    """Number of the space whose indexes are in ``folder``."""
    return int(folder.suffix[1:] or 0)


def is_older(folder: Path, serving: Path) -> bool:
    """Whether ``folder`` is of the same collection as ``serving``, and of an earlier space."""
    return folder.stem == serving.stem and space_of(folder) < space_of(serving)


def next_generation(folder: Path) -> int:
    """A number above those of all generations in ``folder``, also of those set aside."""
    names = (path.name.removeprefix(QUARANTINE) for path in folder.iterdir())
    return 1 + max((generation_number(name) or 0 for name in names), default=0)


def remove_leftovers(folder: Path, *, serving: OpenGeneration | None) -> None:
    """Remove what a crash left, and generations older than the last two; without one serving, keep all.

    The generation before the serving one stays: another process may be opening it.
    """
    numbers = {path: generation_number(path.name) for path in folder.iterdir()}
    kept = set(numbers.values())
    if serving is not None:
        older = [number for number in numbers.values() if number is not None and number < serving.generation]
        kept = {serving.generation, max(older, default=0)}
    for path, number in numbers.items():
        if number is None:
            unwanted = path.name.startswith(BUILDING) or path.name.endswith(".tmp")
        else:
            unwanted = number not in kept
        if unwanted:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def set_aside(folder: Path, name: str) -> None:
    """Keep the generation ``name`` for inspection, instead of an earlier one, and point to none."""
    for old in folder.glob(f"{QUARANTINE}*"):
        shutil.rmtree(old, ignore_errors=True)
    if (folder / name).exists():
        (folder / name).rename(folder / f"{QUARANTINE}{name}")
    (folder / CURRENT).unlink(missing_ok=True)
    durable.sync_folder(folder)
