"""Asks every row of the table of providers once, over its own protocol, and prints what was sent.

Run as ``make llms``. The servers are those of the tests: as strict as the providers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

from rag.domain import Draft
from rag.errors import FootnoteError
from rag.llm.chat_model import open_chat_model
from rag.llm.provider_table import PROVIDERS
from rag.llm.spec import LlmSpec
from tests.llm.rows import TRIALS
from tests.llm.tiny_model import make_tiny_model
from tests.llm.wire import serving
from tests.passages import LEAVE, passage, prompt

ANSWER = "Twenty-five days a year [1]."
ASKED = prompt("How many days of annual leave do I have?", passage(LEAVE))


def main() -> int:
    failed = 0
    for provider in PROVIDERS:
        sent, outcome = _ask(provider.prefix)
        failed += not outcome.startswith("ok")
        print(f"{provider.prefix:21} {outcome:34} {sent}", flush=True)
    return min(failed, 1)


def _ask(prefix: str) -> tuple[str, str]:
    """What was sent, and ``ok`` with the pieces and tokens that came back."""
    if prefix not in TRIALS:
        return _ask_here(prefix)
    trial = TRIALS[prefix]
    with serving(trial.dialect(), ANSWER, at_once=True) as server, patch.dict(os.environ, trial.environment):
        fields = trial.llm(prefix, server.origin)
        outcome = _outcome(LlmSpec(name=prefix, timeout_s=20, max_tokens=77, **fields))
        sent = "; ".join(f"{asked.method} {asked.path}" for asked in server.received)
        read = "".join(f" (model {asked.model}, stream {asked.stream})" for asked in server.asked[-1:])
    return sent + read, "; ".join([outcome, *server.complaints])


def _ask_here(prefix: str) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        make_tiny_model(Path(folder), system=ASKED.system, answers={ASKED.user: ANSWER}, context=4096)
        spec = LlmSpec(name=prefix, model=f"{prefix}:{folder}", timeout_s=60, max_tokens=77)
        return "nothing: a tiny model, trained for this, runs in this process", _outcome(spec)


def _outcome(spec: LlmSpec) -> str:
    try:
        *pieces, draft = open_chat_model(spec).stream(ASKED)
    except FootnoteError as exc:
        return f"failed: {exc}"
    if not isinstance(draft, Draft) or draft.text != ANSWER:
        return f"failed: {draft}"
    tokens = draft.usage["output_tokens"] if draft.usage else "no"
    return f"ok: {len(pieces)} pieces, {tokens} tokens counted"


if __name__ == "__main__":
    sys.exit(main())
