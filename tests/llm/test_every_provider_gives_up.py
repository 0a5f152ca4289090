"""Whatever client a provider brings: a cancelled call is waited for no longer, its connection closed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from rag.cancellation import Cancellation
from rag.errors import GenerationCancelled
from rag.llm.chat_model import open_chat_model
from rag.llm.spec import LlmSpec
from tests.llm.rows import TRIALS
from tests.llm.wire import NOT_OURS
from tests.passages import LEAVE, passage, prompt
from tests.patience import FOREVER_S, LONG_S

pytestmark = NOT_OURS

ASKED = prompt("How many days?", passage(LEAVE))
BLOCKING = {"bedrock_converse", "sagemaker"}
"""Their client has no asynchronous calls: its connection lives until its own time is up."""


class Silent(threading.Thread):
    """A server that reads and never answers."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.asked = threading.Event()
        self.left = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            connection, _ = self.listener.accept()
            with connection:
                while connection.recv(65536):
                    self.asked.set()
        except OSError:  # reset by the client, or closed by the test
            pass
        self.left.set()


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.listener.close()


@pytest.mark.parametrize("prefix", TRIALS)
def test_a_cancelled_call_is_given_up(prefix: str, silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = TRIALS[prefix]
    for name, value in trial.environment.items():
        monkeypatch.setenv(name, value)
    spec = LlmSpec(name="mine", timeout_s=FOREVER_S, max_tokens=50, **trial.llm(prefix, silent.url))
    cancellation = Cancellation()

    def cancel_once_asked() -> None:
        silent.asked.wait(LONG_S)
        cancellation.cancel()

    threading.Thread(target=cancel_once_asked).start()
    with pytest.raises(GenerationCancelled):
        list(open_chat_model(spec).stream(ASKED, cancellation=cancellation))
    assert silent.asked.is_set()
    if prefix not in BLOCKING:
        assert silent.left.wait(LONG_S)
