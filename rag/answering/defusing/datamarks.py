"""Before all stages: the marker that the passages carry in the prompt, where the model repeats it."""

from __future__ import annotations

from collections.abc import Callable


class Datamarks:
    """Removes every ``mark`` from a text that comes character by character; an empty one removes nothing."""

    def __init__(self, sink: Callable[[str], None], mark: str) -> None:
        self._sink = sink
        self._mark = mark
        self._held = ""

    def feed(self, character: str) -> None:
        """The next character."""
        self._held += character
        while not self._mark.startswith(self._held):
            self._sink(self._held[0])
            self._held = self._held[1:]
        if self._held == self._mark:
            self._held = ""

    def finish(self) -> None:
        """The text ends."""
        for character in self._held:
            self._sink(character)
        self._held = ""
