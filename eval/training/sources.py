"""The texts that the curriculum is made of: public corpora in a data folder, and the sample handbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.training.sentences_pool import Document
from rag.text.language import detect_language

_HANDBOOK = Path(__file__).parents[2] / "samples" / "handbook"
_MARKDOWN = (  # folder below the data folder, language ("" = that of the text)
    ("corpora/18f-handbook/pages", "en"),
    ("corpora/canada-playbook/en", "en"),
    ("corpora/canada-playbook/fr", "fr"),
    ("corpora/canada-playbook/docs", ""),
    ("corpora/cnil-guide-rgpd-fr", "fr"),
)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_CLEANED = (
    (re.compile(r"```.*?```|<!--.*?-->|<(script|style|table).*?</\1>", re.DOTALL), " "),
    (re.compile(r"\{%.*?%\}|\{:.*?\}", re.DOTALL), " "),
    (re.compile(r"\{\{.*?\}\}|!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]*)\]\((?:[^()]|\([^)]*\))*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\[[^\]]*\]"), r"\1"),
    (re.compile(r"\*\*\([^)]*\)+\*\*|\*\*\[TODO[^\]]*\]\*\*"), ""),
    (re.compile(r"</?(?:h\d|p|li|div|section|ul|ol|br|summary|details|t[dr])\b[^>\n]*>"), "\n\n"),
    (re.compile(r"<[^>\n]+>"), " "),
    (re.compile(r"\\([*_#\[\]<>])"), r"\1"),
    (re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)"), ""),
    (re.compile(r"&nbsp;|\u00a0|\u202f"), " "),
    (re.compile(r"&amp;"), "&"),
)
_BLOCK_START = re.compile(r"\s*(?:#{1,6}\s+|[-+•]\s+|\d{1,2}[.)]\s+|>\s*|\|)")
_SPACED = (  # texts published with blanks between all tokens
    (re.compile(r"``\s*|\s*''"), '"'),
    (re.compile(r"\s+([.,;:!?)\]%])"), r"\1"),
    (re.compile(r"([(\[$£€])\s+"), r"\1"),
    (re.compile(r"\s+('s|'re|'ll|'ve|'d|'m|n't|')(?=\W)"), r"\1"),
    (re.compile(r"(?<=\w) - (?=\w)"), "-"),
    (re.compile(r'"\s*([^"]*?)\s*"'), r'"\1"'),
)
_TOKENISED = re.compile(r"\w [.,] ")


def read_documents(data: Path) -> list[Document]:
    """All documents below ``data`` (the folders that are there) and of the sample handbook, in a fixed order.

    Raises:
        FileNotFoundError: ``data`` is no folder.
    """
    if not data.is_dir():
        raise FileNotFoundError(f"{data} is no folder; name the folder that holds corpora/ and retrieval/.")
    found = [*read_handbook(_HANDBOOK)]
    for folder, language in _MARKDOWN:
        found += _markdown(data, folder, language)
    found += _retrieval(data / "retrieval" / "mtrag-un-dev" / "corpus.jsonl")
    found += _passages(data / "refusal" / "clapnq-dev.jsonl")
    return [document for document in found if document.text.strip()]


def read_handbook(folder: Path) -> list[Document]:
    """The Markdown and text files of the sample handbook."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".md", ".txt"))
    return [
        Document(
            id=f"handbook/{path.relative_to(folder).as_posix()}",
            text=plain_text(path.read_text("utf-8")),
            language=path.relative_to(folder).parts[0],
        )
        for path in paths
    ]


def _markdown(data: Path, folder: str, language: str) -> Iterator[Document]:
    for path in sorted((data / folder).rglob("*.md")):
        if path.name in ("README.md", "LICENSE.md"):
            continue
        text = plain_text(path.read_text("utf-8"))
        spoken = language or detect_language(text)
        if spoken in ("en", "fr"):
            yield Document(id=path.relative_to(data).as_posix(), text=text, language=spoken)


def _retrieval(path: Path) -> Iterator[Document]:
    """Passages of one page are put together again, in the order of their offsets."""
    pages: dict[str, list[tuple[int, str]]] = {}
    for row in _rows(path):
        page, _, rest = row["_id"].partition("_" if "_" in row["_id"] else "-")
        offset = re.match(r"\d+", rest)
        pages.setdefault(page, []).append((int(offset.group()) if offset else 0, row["text"]))
    for page, passages in pages.items():
        lines = "\n".join(unspaced(passage) for _, passage in sorted(passages))
        text = plain_text(lines.replace("\n", "\n\n"))
        yield Document(id=f"mtrag/{page}", text=text, language="en")


def _passages(path: Path) -> Iterator[Document]:
    for row in _rows(path):
        for passage in row["passages"]:
            yield Document(id=f"clapnq/{passage['title']}", text=unspaced(passage["text"]), language="en")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)


def unspaced(text: str) -> str:
    """``text`` as one writes it, where it was published with blanks between its tokens."""
    if not _TOKENISED.search(text):
        return text
    for pattern, replacement in _SPACED:
        text = pattern.sub(replacement, text)
    return text


def plain_text(markdown: str) -> str:
    """The prose of a Markdown file, one line per paragraph or list item."""
    text = _FRONT_MATTER.sub("", markdown.replace("\r\n", "\n"))
    for pattern, replacement in _CLEANED:
        text = pattern.sub(replacement, text)
    lines: list[str] = []
    is_open = False
    for line in text.split("\n"):
        starts = _BLOCK_START.match(line)
        content = line[starts.end() :].strip() if starts else line.strip()
        if not content:
            is_open = False
        elif is_open and not starts:
            lines[-1] += " " + content
        else:
            lines.append(content)
            is_open = not line.lstrip().startswith("#")
    return "\n".join(re.sub(r"\s+", " ", line) for line in lines)
