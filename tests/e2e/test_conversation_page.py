"""The page while an answer is written, and from one question to the next."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt
from rag.errors import GenerationCancelled
from rag.factory import Footnote
from rag.settings import load_settings
from tests.api.conftest import QUESTION, Server, running
from tests.fakes import HashedEmbedder
from tests.patience import LONG_S, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
FOLLOW_UP = "And who has it?"

CUT_ONCE = """
const send = window.fetch;
window.resumedWith = null;
let isCut = false;
window.fetch = async (path, options) => {
  if (path === "/v1/ask" && isCut) window.resumedWith = options.headers["Last-Event-ID"];
  const response = await send(path, options);
  if (path !== "/v1/ask" || isCut) return response;
  isCut = true;
  const reader = response.body.getReader();
  let text = "";
  while (!text.includes("\\n\\n")) text += new TextDecoder().decode((await reader.read()).value);
  text = text.slice(0, text.indexOf("\\n\\n") + 2);
  reader.cancel();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    pull: (controller) => controller.error(new TypeError("network error")),
  });
  return new Response(body, { status: response.status, headers: response.headers });
};
"""
"""The first answer's connection breaks after the first event."""


class Halting:
    """Writes a sentence, and the beginning of another one that never ends."""

    name = "halting:model"

    def __init__(self) -> None:
        self.given_up = threading.Event()

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        assert cancellation is not None
        yield from ("Every employee has 27 days of annual leave per year [1]. ", "It is also said ")
        with cancellation.calling(self.given_up.set):
            assert self.given_up.wait(timeout=LONG_S)
        raise GenerationCancelled("Nobody waits any more.")
        yield Draft(text="", llm=self.name)


@pytest.fixture
def halting(tmp_path: Path, ingested: Path) -> Iterator[tuple[Halting, Server]]:
    shutil.copytree(ingested, tmp_path / "data")
    model = Halting()
    settings = load_settings(llm=model.name, disk_floor_mb=0)
    footnote = Footnote(settings, embedder=HashedEmbedder(), generators={model.name: model})
    with running(footnote) as server:
        yield model, server


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")


def test_a_sentence_is_checked_while_the_next_is_written_and_can_be_stopped(
    halting: tuple[Halting, Server], open_page: Callable[..., Page]
) -> None:
    model, server = halting
    page = open_page(server)
    ask(page, QUESTION)
    page.locator(".sentences .mark.supported").wait_for()

    assert page.locator(".sentences .note").is_enabled()
    assert page.locator("ol.notes li").count() == 1
    wait_for(lambda: page.inner_text(".draft").strip().startswith("It is also"))
    assert page.input_value("#llm") == "halting:model"

    page.click("#stop")
    assert page.locator("#send").is_visible()
    assert page.inner_text("#status").startswith("Stopped.")
    assert model.given_up.wait(timeout=LONG_S)
    assert server.client.get("/v1/conversations").json()["items"] == []


def test_a_follow_up_belongs_to_the_conversation_until_a_new_one(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve(filled=True))
    ask(page, QUESTION)
    page.locator(".summary").wait_for()
    ask(page, FOLLOW_UP)
    page.locator(".searched:visible").wait_for()

    def asked() -> list[str]:
        return page.locator(".asked").all_inner_texts()

    assert asked() == [FOLLOW_UP, QUESTION]
    assert "annual leave" in page.inner_text(".searched >> nth=0")
    page.reload()
    page.locator(".asked >> nth=1").wait_for()
    assert asked() == [FOLLOW_UP, QUESTION]

    page.click("#fresh")
    assert asked() == []
    ask(page, FOLLOW_UP)
    wait_for(lambda: page.locator("#send").is_visible() and page.inner_text("#status"))
    assert asked() == [FOLLOW_UP]
    assert not page.locator(".searched:visible").count()


def test_an_answer_without_its_language_model_says_so(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(
        serve(
            filled=True,
            llm="openai:local",
            llm_base_url="http://127.0.0.1:9/v1",
            llm_api_key="k",
            llm_attempts=1,
        )
    )
    ask(page, QUESTION)
    page.locator(".summary").wait_for()
    assert "openai:local" in page.inner_text(".notice")

    page.select_option("#llm", "extractive")
    ask(page, QUESTION)
    page.locator(".summary >> nth=1").wait_for()
    assert not page.locator(".notice").first.is_visible()


def test_a_broken_stream_is_taken_up_again(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve(filled=True), before=CUT_ONCE)
    ask(page, QUESTION)
    page.locator(".summary").wait_for()

    assert "27 days" in page.inner_text(".sentences")
    assert page.evaluate("window.resumedWith")
    assert page.locator(".asked").count() == 1
