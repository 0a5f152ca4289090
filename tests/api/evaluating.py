"""`footnote eval run` in a process of its own, to be interrupted: ``python -m tests.api.evaluating SUITE``.

The hashed embedder takes the model's place, and takes its time, so that there is something to interrupt.
"""

from __future__ import annotations

import sys

import rag.factory
from api.cli import main
from tests.api.serving import SlowEmbedder

if __name__ == "__main__":
    rag.factory.Footnote._load_embedder = lambda footnote, name: SlowEmbedder()  # type: ignore[method-assign]
    sys.argv[1:1] = ["eval", "run"]
    main()
