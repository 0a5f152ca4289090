"""A language model that really judges: it compares the words of sentences with those of the evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt

_MOST = 0.6


class JudgingLlm:
    """Answers the prompts of the checker ``llm``, after ``replies`` that were put in first."""

    def __init__(self, *replies: str, name: str = "judging") -> None:
        self._replies = list(replies)
        self._name = name
        self.prompts: list[Prompt] = []

    @property
    def name(self) -> str:
        return self._name

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        self.prompts.append(prompt)
        asked = json.JSONDecoder().raw_decode(prompt.user)[0]
        text = self._replies.pop(0) if self._replies else json.dumps(judged(asked))
        yield Draft(text=text, llm=self._name)


def judged(asked: dict[str, Any]) -> dict[str, Any]:
    """The reply to what is asked."""
    evidence = [
        (each["n"], part) for each in asked["evidence"] for part in re.split(r"(?<=[.!?])\s+", each["text"])
    ]
    return {
        "sentences": [
            {"n": sentence["n"], "claims": [_claim(sentence["text"], evidence)]}
            for sentence in asked["sentences"]
        ]
    }


def _claim(sentence: str, evidence: Sequence[tuple[int, str]]) -> dict[str, Any]:
    wanted = _words(sentence)
    shares = [(len(wanted & _words(part)) / max(1, len(wanted)), part, number) for number, part in evidence]
    share, quote, number = max(shares, key=lambda each: each[:2])
    figures = {word for word in wanted if word.isdigit()}
    verdict = "unsupported"
    if share >= _MOST:
        verdict = "supported" if figures <= _words(quote) else "contradicted"
    return {"claim": sentence, "verdict": verdict, "evidence": number, "quote": quote, "confidence": 0.8}


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3 or word.isdigit()}
