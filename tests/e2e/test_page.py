"""The page in a real browser: ask, read, open a footnote's source, be refused, upload, give a key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import HANDBOOK, QUESTION, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def test_an_answer_is_shown_with_footnotes_that_open_their_source(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve(filled=True))
    page.locator("#documents li").first.wait_for()
    assert page.locator("#documents li").count() == len(HANDBOOK)

    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    page.locator(".summary").wait_for()
    assert "27 days" in page.inner_text(".sentences")
    assert page.locator(".sentences .mark.supported").count() >= 1

    page.locator(".sentences .note").first.click()
    page.locator("#source mark").wait_for()
    assert "27 days of annual leave" in page.inner_text("#source mark")
    page.keyboard.press("Escape")
    assert not page.locator("#source").is_visible()


def test_a_refusal_is_shown_as_one(serve: Callable[..., Server], open_page: Callable[..., Page]) -> None:
    page = open_page(serve(filled=True))
    page.fill("#question", "Which spacecraft photographed Neptune's rings?")
    page.click("#send")
    page.locator(".refusal").wait_for()

    assert page.locator("ol.notes li").count() == 0
    assert page.locator(".nearest li").count() == 3
    assert page.inner_text("#status") == "No answer in the documents."


def test_files_are_uploaded_from_an_empty_start(
    serve: Callable[..., Server], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    gym = tmp_path / "gym.md"
    gym.write_text("# Gym <img src=x onerror=alert(1)>\n\nThe gym is free for all staff.\n")
    page = open_page(serve())
    page.set_input_files("#files", gym)
    page.locator("#documents .open").first.wait_for()

    assert page.inner_text("#documents .open").startswith("Gym")
    assert page.locator("#documents img").count() == 0
    assert "1 documents added" in page.inner_text("#job-text")


def test_a_french_browser_on_a_phone_reads_french_without_scrolling_sideways(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve(filled=True), locale="fr-FR", viewport={"width": 360, "height": 700})
    page.locator("#documents li").first.wait_for()

    assert page.inner_text("#send") == "Demander"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_key_is_asked_for_only_when_the_server_wants_one(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve(filled=True, api_key="s3cret"), expected="401")
    page.fill("#key", "s3cret")
    page.keyboard.press("Enter")
    page.locator("#documents li").first.wait_for()

    assert not page.locator("#key-dialog").is_visible()
    assert page.evaluate("sessionStorage.length") == 1
    assert page.evaluate("localStorage.length") == 0


def test_the_reference_is_drawn_without_a_network(
    serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    server = serve()
    page = open_page(server)
    page.goto(f"{server.url}/docs")
    page.locator("details").first.wait_for()

    assert "/v1/ask" in page.inner_text("#operations")
