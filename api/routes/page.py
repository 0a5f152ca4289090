"""The page at / and the offline API reference at /docs: static files, no network, no inline script."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePosixPath

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def _static(name: str) -> Response:
    file = files("api").joinpath("page", name)
    media_type = _MEDIA_TYPES.get(PurePosixPath(name).suffix)
    if media_type is None or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": "no-cache"})


@router.get("/")
def index() -> Response:
    """The page."""
    return _static("index.html")


@router.get("/docs")
def docs() -> Response:
    """The API reference, drawn from /openapi.json."""
    return _static("docs.html")


@router.get("/page/{name}")
def part(name: str) -> Response:
    """Style, scripts and icon of the pages."""
    return _static(name)
