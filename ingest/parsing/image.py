"""Pictures of text: scans and screenshots, read by OCR."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

from ingest.parsing.ocr import read_page, require_ocr
from ingest.parsing.ocr_lines import even_heights
from ingest.parsing.pdf_layout import lines_to_blocks
from ingest.stages import ParsedDocument
from rag.errors import SourceError

MAX_PIXELS = 100_000_000
MAX_PAGES = 1000
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "MPO")
_PIXELS_PER_POINT = 2.5  # of a scan that does not say how large its paper was
_DOTS_PER_INCH = (100, 650)
_POINTS_PER_INCH = 72
_ANIMATED = frozenset({"GIF", "WEBP", "MPO"})


def parse_image(data: bytes) -> ParsedDocument:
    """Blocks of the text in a picture; a TIFF may have several pages.

    Raises:
        SourceError: ``ocr_needed``, ``damaged_file``, ``too_large``, or ``no_text``.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are limited below, and odd metadata
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            _refuse_large(image)
            require_ocr()
            pages = [
                read_page(page, page=number, scale=_scale(image))
                for number, page in enumerate(_pages(image), start=1)
            ]
    except (MemoryError, SourceError):
        raise
    except Image.DecompressionBombError as exc:
        raise _too_large() from exc
    except Exception as exc:  # Pillow fails in many ways on a broken picture
        raise SourceError("damaged_file", "The picture is damaged; open it and save it again.") from exc
    if not any(pages):
        raise SourceError("no_text", "No text was found in the picture.")

    return ParsedDocument(blocks=lines_to_blocks(even_heights(pages)), pages=len(pages))


def _pages(image: Any) -> Iterator[Any]:
    """Each page in shades of grey, upright, on white."""
    from PIL import Image, ImageOps

    count = 1 if image.format in _ANIMATED else min(getattr(image, "n_frames", 1), MAX_PAGES)
    for number in range(count):
        image.seek(number)
        _refuse_large(image)
        upright = ImageOps.exif_transpose(image)
        if "A" in upright.getbands() or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, upright)
        yield upright.convert("L")


def _scale(image: Any) -> float:
    """Pixels to a point; the resolution that the file tells, if it can be true."""
    told = image.info.get("dpi", (0, 0))[0]
    least, most = _DOTS_PER_INCH
    return float(told) / _POINTS_PER_INCH if least <= told <= most else _PIXELS_PER_POINT


def _refuse_large(image: Any) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large()


def _too_large() -> SourceError:
    return SourceError(
        "too_large", f"The picture has more than {MAX_PIXELS:,} pixels; save it in a smaller size."
    )
