"""Pictures of pages made readable for OCR: even background, no ruled lines, letters of a good size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_EDGE = 3400
"""Pixels; a page of paper at some 300 dots per inch."""
_SHORT_EDGE = 1000  # below, as on screenshots, letters are too small
_INK = 0.75  # of the background's brightness
_RULE_SHARE = 1 / 22  # of the longer edge; no stroke of a letter is as long
_RULE_WIDTH = 12
_FRINGE = 3  # pixels beside a ruled line that are grey

_FEWEST_RULED = 14  # rows and columns of pixels: two lines each way, with their fringes

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClearPage:
    """A picture ready for OCR.

    Attributes:
        resized: its size relative to the picture it was made from.
        is_ruled: whether it had the lines of a table.
    """

    image: Any
    resized: float
    is_ruled: bool


def clear_page(image: Any) -> ClearPage:
    """The grey picture ``image`` made ready for OCR.

    Dark letters on a grey header become as clear as those on white; ruled lines of tables, which are read as
    letters or hide them, are painted over.
    """
    from PIL import Image, ImageFilter

    scale = _scale(image.size)
    if scale != 1:
        size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
        image = image.resize(size, Image.Resampling.LANCZOS)
    blur = ImageFilter.BoxBlur(max(max(image.size) // 60, 1))
    background = np.asarray(image.filter(blur), dtype=np.float32)
    grey = np.asarray(image, dtype=np.float32)
    even = np.clip(grey / np.maximum(background, 1) * 255, 0, 255).astype(np.uint8)
    across, down = _rules(grey < _INK * background)
    even[across | down] = 255
    is_ruled = across.any(axis=1).sum() > _FEWEST_RULED and down.any(axis=0).sum() > _FEWEST_RULED
    return ClearPage(image=Image.fromarray(even), resized=scale, is_ruled=bool(is_ruled))


def _scale(size: tuple[int, int]) -> float:
    longest = max(size)
    if longest > LONGEST_EDGE:
        return LONGEST_EDGE / longest
    return 2.0 if longest < _SHORT_EDGE else 1.0


def _rules(ink: Mask) -> tuple[Mask, Mask]:
    """Pixels of long thin lines ``(across, down)``, with the grey pixels beside them."""
    length = max(round(max(ink.shape) * _RULE_SHARE), 2 * _RULE_WIDTH)
    across = _runs(ink, length, 1) & ~_runs(ink, _RULE_WIDTH, 0)
    down = _runs(ink, length, 0) & ~_runs(ink, _RULE_WIDTH, 1)
    return _wider(across, 0), _wider(down, 1)


def _runs(ink: Mask, length: int, axis: int) -> Mask:
    """Pixels of straight runs of at least ``length`` along an axis."""
    if ink.shape[axis] < length:
        return np.zeros_like(ink)
    begins = _combined(ink, length, axis, np.logical_and)
    room = [(0, 0), (0, 0)]
    room[axis] = (length - 1, length - 1)
    return _combined(np.pad(begins, room), length, axis, np.logical_or)


def _combined(mask: Mask, length: int, axis: int, operation: Callable[[Mask, Mask], Mask]) -> Mask:
    """Each pixel with the ``length - 1`` after it, in as few steps as doubling allows."""
    reach = 1
    while reach < length:
        step = min(reach, length - reach)
        before = mask[:-step] if axis == 0 else mask[:, :-step]
        after = mask[step:] if axis == 0 else mask[:, step:]
        mask = operation(before, after)
        reach += step
    return mask


def _wider(mask: Mask, axis: int) -> Mask:
    """The mask with the fringe on both sides of each pixel."""
    room = [(0, 0), (0, 0)]
    room[axis] = (_FRINGE, _FRINGE)
    return _combined(np.pad(mask, room), 2 * _FRINGE + 1, axis, np.logical_or)
