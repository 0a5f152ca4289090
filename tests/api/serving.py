"""A server in a process of its own, to be killed: ``python -m tests.api.serving DATA_DIR ROOT``.

It prints its URL. Embedding is slowed down, so that there is time to kill it in the middle of a job.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from api.app import create_app
from rag.domain import Matrix
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder

SECONDS_PER_TEXT = 0.04


class SlowEmbedder(HashedEmbedder):
    """Takes its time for documents."""

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        time.sleep(SECONDS_PER_TEXT * len(texts))
        return super().embed_documents(texts)


def main() -> None:
    data_dir, root = (Path(argument) for argument in sys.argv[1:])
    settings = load_settings(data_dir=data_dir, allowed_roots=(root,), disk_floor_mb=0, parse_workers=1)
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    with listener, Footnote(settings, embedder=SlowEmbedder()) as footnote:
        uvicorn.Server(uvicorn.Config(create_app(footnote), log_config=None, ws="none")).run(
            sockets=[listener]
        )


if __name__ == "__main__":
    main()
