"""Passages and prompts for tests that need no index."""

from __future__ import annotations

from typing import Any

from rag.domain import Passage, Prompt, Question
from rag.prompting.building import build_prompt
from rag.text.language import detect_language

LEAVE = "Annual leave is twenty-five days a year. Five days may be carried over until 31 March."
VPN = "The VPN needs a hardware key. Report a lost key within one hour."


def passage(text: str, *, number: int = 1, start: int = 100, **facts: Any) -> Passage:
    """``text`` as found at ``start`` in the document number ``number``."""
    fields: dict[str, Any] = {
        "chunk_id": number,
        "document_id": f"document-{number}",
        "version": 1,
        "title": f"Title {number}",
        "source_uri": f"file:///srv/{number}.md",
        "language": "en",
        "page": None,
        "heading": "",
        "start": start,
        "end": start + len(text),
        "text": text,
        "score": 1.0,
        "scores": {},
    }
    return Passage(**(fields | facts))


def question(text: str) -> Question:
    return Question(text=text, collection="handbook", k=8, language=detect_language(text))


def prompt(text: str, *passages: Passage) -> Prompt:
    return build_prompt(question(text), passages, budget_tokens=3000)
