"""reStructuredText through docutils, which may read no other file."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, ClassVar

from docutils import nodes
from docutils.core import publish_parts
from docutils.parsers.rst import Directive, directives
from docutils.utils import SystemMessage

from ingest.parsing.encoding import decode
from ingest.parsing.html import html_blocks
from ingest.stages import ParsedDocument
from rag.errors import SourceError

_SETTINGS: dict[str, Any] = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "halt_level": 5,
    "report_level": 5,
    "warning_stream": "",
    "line_length_limit": 1 << 30,
    "syntax_highlight": "none",
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "doctitle_xform": False,  # would take a lone section for a subtitle
    "initial_header_level": 1,
    "section_self_link": False,
    "toc_backlinks": False,
    "math_output": "LaTeX",
}
_ROLE = re.compile(r":[A-Za-z][\w.:+-]*:`(?:([^`<]+?)\s*<[^`>]*>|[~!]?([^`]*))`")
_SPHINX = (
    "seealso versionadded versionchanged versionremoved deprecated todo tabs tab tab-set tab-item dropdown"
    " card details grid grid-item grid-item-card glossary hlist only centered function method class attribute"
    " data module exception option program envvar confval describe py:function py:method py:class"
    " py:attribute py:data py:module py:exception".split()
)


class _SphinxDirective(Directive):  # type: ignore[misc]
    """What Sphinx adds to docutils: its argument and its content, as text."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[Any] = defaultdict(lambda: directives.unchanged)

    def run(self) -> list[Any]:
        """The argument as a paragraph, then the content."""
        box = nodes.container()
        box += [nodes.paragraph("", argument) for argument in self.arguments]
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


for _name in _SPHINX:
    directives.register_directive(_name, _SphinxDirective)


def parse_rst(data: bytes) -> ParsedDocument:
    """Blocks of a reStructuredText file; directives that would read other files are dropped.

    Raises:
        SourceError: ``not_text``, ``damaged_file`` or ``nested_too_deep``.
    """
    text = _ROLE.sub(lambda role: role.group(1) or role.group(2), decode(data))
    try:
        parts = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)
    except RecursionError as exc:
        raise SourceError("nested_too_deep", "Lists or quotes in the file are nested too deep.") from exc
    except (SystemMessage, ValueError, KeyError, AttributeError, IndexError, AssertionError) as exc:
        raise SourceError(
            "damaged_file", "The reStructuredText cannot be read; correct its markup, or name it .txt."
        ) from exc
    return ParsedDocument(blocks=html_blocks(parts["html_body"]))
