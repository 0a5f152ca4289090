"""One language model after another, until one answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt, Restart
from rag.errors import GenerationFailed
from rag.interfaces import Generator

log = logging.getLogger(__name__)


class FallbackGenerator:
    """Asks the first generator, and each next one only when those before it failed.

    The draft names those that failed. What a failed one had streamed already is taken back by a
    :class:`Restart`. A cancellation ends the chain: nobody waits for the others either.

    Args:
        chain: in the order they are asked, at least one; this generator goes by the first one's name.
    """

    def __init__(self, chain: Sequence[Generator]) -> None:
        self._chain = tuple(chain)

    @property
    def name(self) -> str:
        """The chosen generator's; the draft says which one answered."""
        return self._chain[0].name

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """As the generators do. Raises: GenerationCancelled; GenerationFailed as the last of them says it."""
        failed: list[str] = []
        shown = False
        for generator in self._chain:
            if shown:
                yield Restart(llm=generator.name)
                shown = False
            try:
                for item in generator.stream(prompt, cancellation=cancellation):
                    if isinstance(item, Draft):
                        yield replace(item, failed=(*failed, *item.failed))
                        return
                    shown = isinstance(item, str)
                    yield item
                raise GenerationFailed(f"The generator {generator.name} ended without a draft.")
            except GenerationFailed as exc:
                if generator is self._chain[-1]:
                    raise
                failed.append(generator.name)
                log.warning("%s Asking another one.", exc)
