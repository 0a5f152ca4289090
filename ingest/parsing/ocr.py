"""Reading pictures of text with tesseract, a program that is installed apart from Footnote."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ingest.parsing.ocr_lines import Word, words_to_lines
from ingest.parsing.page_image import clear_page
from ingest.parsing.pdf_layout import Line
from rag.errors import SourceError

DEFAULT_LANGUAGES = "eng+fra"
INSTALL = "apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-fra"
_PROGRAM = "tesseract"
_SECONDS_PER_PAGE = 60
_COLUMNS, _ONE_BLOCK = "3", "4"  # page segmentation: in one block, single figures in cells are not lost
_WORD_LEVEL = "5"
_POINTS_PER_INCH = 72
_FAINTEST = 200  # of 255: paler is paper
_languages = DEFAULT_LANGUAGES


def choose_languages(languages: str) -> None:
    """Set what this process reads, as tesseract names it: ``eng+fra``."""
    global _languages  # one parser process serves one setting
    _languages = languages


def require_ocr() -> None:
    """Raises: SourceError ``ocr_needed`` when tesseract, or every language wanted, is not installed."""
    _command()


def can_ocr() -> bool:
    """Whether pictures can be read."""
    try:
        require_ocr()
    except SourceError:
        return False
    return True


def read_page(image: Any, *, page: int, scale: float) -> list[Line]:
    """The lines of a grey picture of a page.

    Args:
        image: a Pillow image of mode ``L``.
        scale: its pixels to a point.

    Raises:
        SourceError: ``ocr_needed``, or ``damaged_file`` when tesseract fails on the picture.
    """
    clear = clear_page(image)
    if clear.image.getextrema()[0] > _FAINTEST:
        return []  # a blank page
    scale_read = scale * clear.resized
    picture = io.BytesIO()
    clear.image.save(picture, format="PNG", compress_level=1)
    dots_per_inch = str(round(min(max(scale_read * _POINTS_PER_INCH, 70), 600)))
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed program, its input is the picture only
            [*_command(), "--dpi", dots_per_inch, "--psm", _ONE_BLOCK if clear.is_ruled else _COLUMNS, "tsv"],
            input=picture.getvalue(),
            capture_output=True,
            timeout=_SECONDS_PER_PAGE,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except (subprocess.SubprocessError, OSError) as exc:
        raise SourceError(
            "damaged_file", f"tesseract could not read the picture of page {page}; scan it again."
        ) from exc
    words = _words(ended.stdout.decode("utf-8", "replace"))
    return words_to_lines(words, page=page, scale=scale_read, height=image.height / scale)


def _words(table: str) -> Iterator[Word]:
    """Tesseract's table: one row a word, with the numbers of its block, paragraph and line."""
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row["text"] or "").strip()
        if row["level"] != _WORD_LEVEL or not text:
            continue
        left, top = int(row["left"]), int(row["top"])
        yield Word(
            text=text,
            line=tuple(int(row[f"{part}_num"]) for part in ("block", "par", "line")),
            left=left,
            top=top,
            right=left + int(row["width"]),
            bottom=top + int(row["height"]),
            sure=float(row["conf"]),
        )


def _command() -> list[str]:
    program = shutil.which(_PROGRAM)
    if program is None:
        raise SourceError(
            "ocr_needed", f"This is a picture of text, and tesseract is not installed; install it: {INSTALL}"
        )
    wanted = _languages.split("+")
    installed = [language for language in wanted if language in _installed(program)]
    if not installed:
        packages = " ".join(f"tesseract-ocr-{language.replace('_', '-')}" for language in wanted)
        raise SourceError(
            "ocr_needed",
            f"tesseract has none of the languages {_languages}; install them: apt-get install {packages}",
        )
    return [program, "stdin", "stdout", "-l", "+".join(installed)]


@lru_cache(maxsize=4)
def _installed(program: str) -> frozenset[str]:
    listed = subprocess.run(  # noqa: S603 - the program found on the path
        [program, "--list-langs"], capture_output=True, timeout=_SECONDS_PER_PAGE, check=False
    )
    return frozenset(listed.stdout.decode("utf-8", "replace").split("\n")[1:])
