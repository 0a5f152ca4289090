"""A browser, and pages that may not complain."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Server, handbook, ingested, serve
from tests.patience import LONG_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
__all__ = ["handbook", "ingested", "serve"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; a script error or a blocked resource on any of them fails the test.

    ``expected`` is a part of a message that is none; ``before`` is a script that runs before the page's own.
    """
    complaints: list[str] = []
    contexts = []

    def opened(server: Server, *, expected: str = "", before: str = "", **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # playwright's own options
        contexts.append(context)
        if before:
            context.add_init_script(before)
        context.set_default_timeout(LONG_S * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                said.type == "error"
                and not (expected and expected in said.text)
                and complaints.append(said.text)
            ),
        )
        page.goto(server.url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
