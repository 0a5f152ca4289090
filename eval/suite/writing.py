"""The two files of a report: whole, or not there at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from eval.suite.html import render_html
from eval.suite.report import SuiteReport
from rag.errors import SuiteError


def require_writable(folder: Path) -> None:
    """Make the folder if it is not there. Raises: SuiteError when no report can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise SuiteError(
            f"No report can be written into {folder} ({exc.strerror}); name another folder with --out."
        ) from exc


def write_report(report: SuiteReport, folder: Path) -> tuple[Path, Path]:
    """Write ``NAME.json`` and ``NAME.html``, in place of earlier ones; returns both."""
    data, page = folder / f"{report.suite}.json", folder / f"{report.suite}.html"
    _replace(data, report.to_text())
    _replace(page, render_html(report))
    return data, page


def _replace(file: Path, text: str) -> None:
    with NamedTemporaryFile(
        "w", dir=file.parent, prefix=f".{file.name}.", encoding="utf-8", delete=False
    ) as out:
        try:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
            Path(out.name).chmod(0o644)
            os.replace(out.name, file)
        except BaseException:
            Path(out.name).unlink(missing_ok=True)
            raise
