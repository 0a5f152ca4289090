"""``footnote serve``."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from api.console import AsJson, DataDir, Run, command
from rag.errors import SettingsError
from rag.llm.named import EXTRACTIVE


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Serve the API and the page until Ctrl-C.

    Example: footnote serve --port 8080
    """
    with command(as_json=as_json, data_dir=data_dir) as run, _sigterm_as_ctrl_c():
        from api.security import is_loopback

        if run.settings.api_key is None and not is_loopback(host):
            raise SettingsError(
                f"Host {host!r} can be reached from other machines, and no key is set; "
                "set FOOTNOTE_API_KEY, or listen on 127.0.0.1."
            )
        run.footnote.llms.open_all()
        _serve(run, host, _listen(host, port))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        reason = "another program uses it" if exc.errno == errno.EADDRINUSE else exc.strerror
        raise SettingsError(
            f"Cannot listen on {host}:{port}: {reason}; name another one with --port."
        ) from exc
    return listener


def _serve(run: Run, host: str, listener: socket.socket) -> None:
    import uvicorn

    from api.app import create_app

    config = uvicorn.Config(
        create_app(run.footnote),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=10,
    )
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listener.getsockname()[1]}/"
    if run.as_json:
        run.print_json({"url": url})
    run.err.print(f"Footnote is at {url} (Ctrl-C stops it).", markup=False)
    _show_local_llms(run, listener.getsockname()[1])
    with listener, suppress(KeyboardInterrupt):  # Ctrl-C is how a server ends well
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """What a supervisor sends: uvicorn raises it again once it has ended, and nothing would be closed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show_local_llms(run: Run, own_port: int) -> None:
    """A language model that runs here already is worth a word while none is configured."""
    from api.llm_diagnosis import hint
    from rag.llm.local_servers import find_local_servers

    if run.settings.llm != EXTRACTIVE:
        return
    for server in find_local_servers(except_port=own_port):
        message, command = hint(server)
        run.err.print(f"{message} To let it write the answers:\n  {command}", markup=False, soft_wrap=True)
