"""What an edit of a claim may look at: the evidence, its names and numbers, the pool, the dice."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from eval.training.drafts import Draft, Token, tokenize
from eval.training.sentences_pool import Name, Sentence, SentencePool

NUMBER = re.compile(r"(?<![\w.,/:-])\d+(?:[.,\u202f ]\d{3})*(?:[.,]\d+)?(?![\w/:-]|[.,]\d)")


@dataclass(frozen=True)
class Scene:
    """Evidence that is being asked about.

    Attributes:
        passages: the sentences of each passage.
        documents: which documents of the pool they are of.
    """

    pool: SentencePool
    rng: random.Random
    passages: Sequence[Sequence[Sentence]]

    @property
    def language(self) -> str:
        """Of the evidence and its claims."""
        return self.pool.language

    @cached_property
    def sentences(self) -> list[Sentence]:
        """Of all passages."""
        return [sentence for passage in self.passages for sentence in passage]

    @cached_property
    def documents(self) -> frozenset[int]:
        """Which documents of the pool the evidence is of."""
        return frozenset(sentence.document for sentence in self.sentences)

    @cached_property
    def text(self) -> str:
        """All the evidence, in lower case."""
        return " ".join(sentence.text for sentence in self.sentences).lower()

    @cached_property
    def content(self) -> frozenset[str]:
        """All words of meaning in the evidence."""
        return frozenset().union(*(sentence.content for sentence in self.sentences))

    @cached_property
    def names(self) -> list[Name]:
        """All names of the evidence."""
        found: dict[str, Name] = {}
        for sentence in self.sentences:
            for name in self.pool.names_in(tokenize(sentence.text, self.language), sentence.text):
                found.setdefault(name.text, name)
        return list(found.values())

    @cached_property
    def numbers(self) -> list[str]:
        """All numbers of the evidence, as written."""
        return list(dict.fromkeys(NUMBER.findall(self.text)))

    def tokens(self, draft: Draft) -> tuple[Token, ...]:
        """The tokens of a draft."""
        return draft.tokens(self.language)

    def without_capital(self, text: str) -> str:
        """``text`` as it goes on after a comma: without its capital, if that is none of a name."""
        first = tokenize(text, self.language)[0].text
        if first == "I" or not first[0].isalpha() or not self.pool.is_common(first):
            return text
        return text[0].lower() + text[1:]

    def is_known(self, sentence: Sentence, share: float = 0.6) -> bool:
        """Whether most of a sentence's words are in the evidence, so that it may well be true of it."""
        known = len(sentence.content & self.content)
        return known >= share * max(1, len(sentence.content)) or sentence.text.lower() in self.text


Edit = Callable[[Draft, Scene], Draft | None]
"""An edit of a draft; ``None`` where it finds nothing to do."""
