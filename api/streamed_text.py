"""A streamed answer as one text, for dialects in which nothing that was sent can be taken back.

Words go out as they come, up to the end of a sentence; its ``[n]`` follow as soon as it is checked, and then
the next one. Where the final answer is not what was sent (another model began anew, or it was refused),
it is sent whole after an empty line.
"""

from __future__ import annotations

from api.plain_answers import marks, notes, written_out
from rag.answering.events import AnswerEvent, DoneEvent, GroundingEvent, TokenEvent
from rag.domain import Answer, Sentence
from rag.text.sentences import split_sentences

BREAK = "\n\n"


class StreamedText:
    """Turns answer events into pieces of text that, put together, read like the whole answer.

    Args:
        markers: write ``[n]`` behind sentences and the sources below.
        live: send words before the answer is final.
    """

    def __init__(self, *, markers: bool, live: bool) -> None:
        self._markers = markers
        self._live = live
        self._text = ""
        self._sent = 0
        self._checked = 0
        self._told = 0
        self._due: list[Sentence] = []
        self._is_open = False

    def piece(self, event: AnswerEvent) -> str:
        """What to send upon an event; empty when there is nothing to send yet."""
        match event:
            case TokenEvent(restart=True):
                return self._restart()
            case TokenEvent() if self._live:
                self._text += event.text
                piece = self._sendable()
            case GroundingEvent() if self._live:
                self._told += 1
                self._due.append(event.sentence)
                piece = self._sendable()
            case DoneEvent():
                piece = self._finish(event.answer)
            case _:
                piece = ""
        self._is_open = self._is_open or bool(piece)
        return piece

    def _restart(self) -> str:
        piece = BREAK if self._is_open else ""
        self._text = ""
        self._sent = self._checked = self._told = 0
        self._due.clear()
        self._is_open = False
        return piece

    def _sendable(self) -> str:
        """The checked sentences with their numbers, and the words up to the end of the next one."""
        if not self._markers:
            return self._send_to(len(self._text))
        pieces: list[str] = []
        while self._due and (start := self._text.find(self._due[0].text, self._checked)) >= 0:
            sentence = self._due.pop(0)
            self._checked = max(start + len(sentence.text), self._sent)
            pieces += (self._send_to(self._checked), marks(sentence))
        spans = split_sentences(self._text[self._checked :])
        if spans:
            pieces.append(self._send_to(self._checked + spans[0][1]))
        return "".join(pieces)

    def _send_to(self, end: int) -> str:
        piece = self._text[self._sent : end]
        self._sent = max(self._sent, end)
        return piece

    def _finish(self, answer: Answer) -> str:
        if self._text.split() != answer.text.split():
            piece = BREAK if self._is_open else ""
            return piece + (written_out(answer) if self._markers else answer.text)
        if not self._markers:
            return self._send_to(len(self._text))
        self._due += answer.sentences[self._told :]
        return self._sendable() + self._send_to(len(self._text)) + notes(answer)
