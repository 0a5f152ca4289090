"""What every command shares: options, where output goes, exit codes, and errors as one plain sentence.

Results go to stdout; logs, progress and errors to stderr. With ``--json`` stdout holds one JSON object, also
for an error: ``{"error": {"code", "message"}}``.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from rag.errors import FootnoteError, InvalidQuestion, InvalidRequest, SourceError
from rag.settings import Settings, load_settings

if TYPE_CHECKING:
    from rag.factory import Footnote

OK, FAILURE, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
WRONG_USAGE_ERRORS = (InvalidQuestion, InvalidRequest)

PIPE_WIDTH = 240  # columns of a table that no terminal limits

log = logging.getLogger("footnote")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Where the catalog and the indexes live [FOOTNOTE_DATA_DIR].", file_okay=False
    ),
]
CollectionName = Annotated[
    str | None, typer.Option("--collection", help="Collection; unset: the default one.")
]


class Run:
    """One run of a command: its settings, the parts it opens, and its output."""

    def __init__(self, settings: Settings, *, as_json: bool) -> None:
        self.settings = settings
        self.as_json = as_json
        piped = not sys.stdout.isatty()
        self.out = Console(highlight=False, soft_wrap=piped, width=PIPE_WIDTH if piped else None)
        self.err = Console(stderr=True, highlight=False)
        self._footnote: Footnote | None = None

    @property
    def footnote(self) -> Footnote:
        """The wired parts, built at first use (the imports behind them take seconds)."""
        if self._footnote is None:
            from rag.factory import Footnote

            self._footnote = Footnote(self.settings)
        return self._footnote

    @property
    def collection(self) -> str:
        """The collection used when none is named."""
        return self.settings.collection

    def print_json(self, value: Any) -> None:
        """Print the command's one JSON object."""
        print_json(value)

    def close(self) -> None:
        """Release what was opened."""
        if self._footnote is not None:
            self._footnote.close()


def print_json(value: Any) -> None:
    """Print one JSON object on stdout, not wrapped, not coloured."""
    typer.echo(json.dumps(value, ensure_ascii=False))


@contextmanager
def command(
    *,
    as_json: bool = False,
    data_dir: Path | None = None,
    kept: str = "Nothing was changed.",
    **overrides: Any,
) -> Iterator[Run]:
    """Run a command's body; failures become a sentence and an exit code.

    Args:
        kept: what Ctrl-C leaves behind, said when it comes.
        overrides: settings given on the command line.
    """
    run: Run | None = None
    try:
        run = Run(load_settings(data_dir=data_dir, **overrides), as_json=as_json)
        start_logging(run.settings.log_level)
        yield run
    except FootnoteError as error:
        code = error.source_code if isinstance(error, SourceError) else error.code
        _fail(code, str(error), as_json=as_json, error=error)
        raise typer.Exit(WRONG_USAGE if isinstance(error, WRONG_USAGE_ERRORS) else FAILURE) from error
    except KeyboardInterrupt as interrupt:
        _fail("interrupted", f"Interrupted. {kept}", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from interrupt
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except Exception as error:
        message = (
            f"Footnote failed unexpectedly ({type(error).__name__}). "
            "Run the command again with FOOTNOTE_LOG_LEVEL=DEBUG to see where, and report it."
        )
        _fail("internal_error", message, as_json=as_json, error=error)
        raise typer.Exit(FAILURE) from error
    finally:
        if run is not None:
            run.close()


def _fail(code: str, message: str, *, as_json: bool, error: Exception | None = None) -> None:
    if as_json:
        print_json({"error": {"code": code, "message": message}})
    typer.secho(f"footnote: {message}", err=True)
    log.debug("where it failed", exc_info=error)


def start_logging(level: str) -> None:
    """Send the log to stderr, in UTC; libraries speak from WARNING up unless the level is DEBUG."""
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("DEBUG" if level == "DEBUG" else "WARNING")
    for package in ("footnote", "rag", "ingest", "api", "eval"):
        logging.getLogger(package).setLevel(level)
