"""What Footnote adds to a language model's time to the first word: ``python benchmarks/llm_overhead.py``.

The sample handbook is asked through the whole answer path, and the model is a server on loopback, in a
process of its own, that thinks for a fixed time and then writes word by word. Every question is asked by
turns through Footnote and of the server itself over a bare connection. The overhead is what is left of the
first when the second and the time until the passages are found are taken off. Nothing is asked twice, so
no cache helps.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from eval.metrics import percentiles
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.answering.answerer import Answerer
from rag.answering.events import DoneEvent, RetrievalEvent, TokenEvent
from rag.domain import Access
from rag.factory import Footnote
from rag.settings import load_settings

SAMPLES = Path(__file__).parents[1] / "samples"
WORDS = "Every employee has the days that the handbook names [1]. The rest is said there too [2]. ".split(" ")
WARM_UP = 5


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds of one question.

    Attributes:
        found: until the passages were there.
        first: until the first word, through Footnote.
        model: until the first word of the server itself.
        judge: spent meanwhile on whether the passages answer at all.
    """

    found: float
    first: float
    model: float
    judge: float

    @property
    def overhead(self) -> float:
        """What Footnote adds beside retrieval."""
        return self.first - self.found - self.model


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--think-ms", type=float, default=200.0, help="before the model's first word")
    parser.add_argument("--word-ms", type=float, default=10.0, help="between its words")
    given = parser.parse_args()
    with slow_model(given.think_ms / 1000, given.word_ms / 1000) as port, TemporaryDirectory() as folder:
        llms = {"slow": {"model": "openai:slow", "base_url": f"http://127.0.0.1:{port}/v1"}}
        with Footnote(load_settings(data_dir=folder, llm="slow", llms=llms)) as footnote:
            ingest_handbook(footnote)
            show(measure(footnote.answerer(), port, questions(given.questions + WARM_UP)))


def ingest_handbook(footnote: Footnote) -> None:
    with build_ingestor(footnote) as ingestor:
        ingestor.sync(FolderSource(SAMPLES / "handbook"), collection=footnote.open_collection("handbook"))


def questions(count: int) -> list[str]:
    lines = (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [record["question"] for record in map(json.loads, lines) if record["answerable"]]
    return asked[:count]


def measure(answerer: Answerer, port: int, asked: Sequence[str]) -> list[Timing]:
    """Those of the questions that were given to the model; some are refused before."""
    bare = http.client.HTTPConnection("127.0.0.1", port)
    timings = [timing for question in asked if (timing := timed(answerer, bare, question)) is not None]
    return timings[WARM_UP:]


def timed(answerer: Answerer, bare: http.client.HTTPConnection, question: str) -> Timing | None:
    started = time.perf_counter()
    found = first = judge = 0.0
    for event in answerer.events(question, collection="handbook", access=Access.everything()):
        now = (time.perf_counter() - started) * 1000
        if isinstance(event, RetrievalEvent):
            found = now
        elif isinstance(event, TokenEvent):
            first = first or now
        elif isinstance(event, DoneEvent):
            judge = event.answer.timings_ms["judge"]
            assert not event.answer.failed_llms
    return Timing(found=found, first=first, model=first_word_ms(bare), judge=judge) if first else None


def first_word_ms(bare: http.client.HTTPConnection) -> float:
    started = time.perf_counter()
    body = json.dumps({"model": "slow", "stream": True, "messages": []})
    bare.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    response = bare.getresponse()
    while b'"content": "Every' not in response.readline():
        pass
    spent = (time.perf_counter() - started) * 1000
    response.read()
    return spent


def show(timings: Sequence[Timing]) -> None:
    columns = {
        "first word, through Footnote": [timing.first for timing in timings],
        "of it: passages found": [timing.found for timing in timings],
        "of it: the model itself": [timing.model for timing in timings],
        "of it: overhead": [timing.overhead for timing in timings],
        "meanwhile: judging": [timing.judge for timing in timings],
    }
    print(f"{len(timings)} questions, milliseconds{'':13} median      p95")
    for label, values in columns.items():
        print(f"{label:40} {median(values):8.1f} {percentiles(values, (95,))['p95']:8.1f}")


# ---------------------------------------------------------------------------------- the model


@contextmanager
def slow_model(think_s: float, word_s: float) -> Iterator[int]:
    """The port of a server in another process, so that it takes no time from ours."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=serve, args=(theirs, think_s, word_s), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def serve(ready: Connection, think_s: float, word_s: float) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            time.sleep(think_s)
            for number, word in enumerate(WORDS):
                if number:
                    time.sleep(word_s)
                self.event({"content": f"{' ' if number else ''}{word}"})
            self.event({}, finish="stop")
            self.wfile.write(b"0\r\n\r\n")

        def event(self, delta: dict[str, str], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            content = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "slow"}
            data = f"data: {json.dumps({**content, 'choices': [choice]})}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
