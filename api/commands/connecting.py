"""``footnote mcp``."""

from __future__ import annotations

from api.console import AsJson, DataDir, command


def mcp(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Offer the tools ask, search and get_passage on stdin and stdout, to a program that starts this one.

    Example, in the settings of a desktop client: {"command": "footnote", "args": ["mcp"]}
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        import anyio

        from api.mcp_server import serve_stdio
        from api.readiness import Warmup

        warmup = Warmup(run.footnote)
        warmup.start()
        try:
            anyio.run(serve_stdio, run.footnote)
        finally:
            warmup.wait()  # ending while torch loads aborts the process
