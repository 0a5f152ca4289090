"""Markdown: front matter, template tags, then CommonMark with tables through the HTML parser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import yaml
from markdown_it import MarkdownIt

from ingest.parsing.encoding import decode
from ingest.parsing.html import html_blocks
from ingest.stages import ParsedDocument

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TEMPLATE_TAG = re.compile(r"\{%-?.*?-?%\}", re.DOTALL)
_ATTRIBUTE_LIST = re.compile(r"^[ \t]*\{:.*?\}[ \t]*$|(?<=\S)[ \t]*\{:[^}\n]*\}", re.MULTILINE)
_FENCE = re.compile(r"^[ ]{0,3}(```|~~~).*?^[ ]{0,3}\1", re.MULTILINE | re.DOTALL)
_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def parse_markdown(data: bytes) -> ParsedDocument:
    """Blocks of a Markdown file. Raises: SourceError ``not_text`` or ``damaged_file``."""
    text = re.sub(r"\r\n?", "\n", decode(data))
    metadata, body = split_front_matter(text)
    title = metadata.get("title")
    return ParsedDocument(
        blocks=html_blocks(_MARKDOWN.render(_without_tags(body))),
        title=unescape(str(title)) if isinstance(title, str | int | float) and str(title).strip() else None,
        metadata={key: value for key, value in metadata.items() if key != "title"},
    )


def split_front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    """``(metadata, body)``; front matter that is not a YAML mapping stays in the body, as text."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        found = yaml.safe_load(match.group(1))
    except (yaml.YAMLError, ValueError):  # ValueError: an impossible date
        return {}, text
    if found is None:
        return {}, text[match.end() :]
    if not isinstance(found, dict):
        return {}, text
    return {str(key): _plain(value) for key, value in found.items()}, text[match.end() :]


def _plain(value: Any) -> Any:
    """The value as JSON can hold it (YAML also has dates, sets and bytes)."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _without_tags(body: str) -> str:
    """Drop template tags and attribute lists, but leave fenced code alone: there they are content."""
    pieces, end = [], 0
    for fence in _FENCE.finditer(body):
        pieces += [_strip(body[end : fence.start()]), fence.group()]
        end = fence.end()
    return "".join([*pieces, _strip(body[end:])])


def _strip(text: str) -> str:
    return _ATTRIBUTE_LIST.sub("", _TEMPLATE_TAG.sub("", text))
