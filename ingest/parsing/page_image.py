"""Pictures of pages made readable for OCR: even background, no ruled lines, letters of a good size."""

from __future__ import annotations

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
    ink = ink if axis == 1 else ink.T
    rows, width = ink.shape
    found = np.zeros_like(ink)
    if width >= length:
        edge = np.zeros((rows, 1), dtype=np.int32)
        total = np.concatenate([edge, np.cumsum(ink, axis=1, dtype=np.int32)], axis=1)
        begins = total[:, length:] - total[:, :-length] == length  # a full run begins here
        total = np.concatenate([edge, np.cumsum(begins, axis=1, dtype=np.int32)], axis=1)
        places = np.arange(width)
        last = np.minimum(places + 1, begins.shape[1])
        first = np.clip(places - length + 1, 0, begins.shape[1])
        found = total[:, last] > total[:, first]
    return found if axis == 1 else found.T


def _wider(mask: Mask, axis: int) -> Mask:
    wide = mask.copy()
    for step in range(1, _FRINGE + 1):
        for shift in (step, -step):
            moved = np.roll(mask, shift, axis=axis)
            edge = slice(None, shift) if shift > 0 else slice(shift, None)
            moved[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
            wide |= moved
    return wide
