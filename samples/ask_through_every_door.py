"""One question through every door: ``python samples/ask_through_every_door.py [--llm provider:model]``.

Ingests the sample handbook into a folder that is thrown away, serves it on a free port, asks through REST and
the ``openai`` client (streamed, too), ChatOpenAI, the ``mcp`` client, and LangChain chains over HTTP and in
process, and prints a line each with the first citation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import uvicorn
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI
from mcp import Client

from api.app import create_app
from api.langchain import FootnoteRetriever
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.factory import Footnote
from rag.settings import load_settings

HANDBOOK = Path(__file__).parent / "handbook"
QUESTION = "How many days of annual leave do full-time staff have in Leeds?"


def rest(url: str, _: Footnote) -> tuple[str, str]:
    """REST."""
    answer = httpx.post(f"{url}/v1/ask", json={"question": QUESTION}, timeout=60).json()
    return answer["text"], cited(answer)


def rest_streamed(url: str, _: Footnote) -> tuple[str, str]:
    """Server-sent events, as a browser reads them."""
    text, citation = "", ""
    body = {"question": QUESTION, "stream": True}
    with httpx.stream("POST", f"{url}/v1/ask", json=body, timeout=60) as response:
        name = ""
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name == "token":
                text += json.loads(value)["text"]
            elif field == "data" and name == "citation" and not citation:
                citation = cited({"citations": [json.loads(value)]})
    return text, citation


def openai_client(url: str, _: Footnote) -> tuple[str, str]:
    """The official client of OpenAI."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none needed") as client:
        completion = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": QUESTION}]
        )
    message = completion.choices[0].message
    return message.content or "", cited(message.footnote)  # type: ignore[attr-defined]


def openai_streamed(url: str, _: Footnote) -> tuple[str, str]:
    """The same, in chunks."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none needed") as client:
        chunks = list(
            client.chat.completions.create(
                model="default", messages=[{"role": "user", "content": QUESTION}], stream=True
            )
        )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return text, cited(chunks[-1].footnote)  # type: ignore[attr-defined]


def chat_openai(url: str, _: Footnote) -> tuple[str, str]:
    """LangChain's client of OpenAI, which hands on nothing but the text."""
    text = str(
        ChatOpenAI(base_url=f"{url}/v1", api_key="none needed", model="default").invoke(QUESTION).content
    )
    return text, text.rpartition("Sources:\n- ")[2]


def mcp_client(url: str, _: Footnote) -> tuple[str, str]:
    """The official client of the Model Context Protocol."""

    async def ask() -> tuple[str, str]:
        async with Client(f"{url}/mcp") as client:
            answer = (await client.call_tool("ask", {"question": QUESTION})).structured_content
            return answer["text"], cited(answer)

    return asyncio.run(ask())


def langchain_http(url: str, _: Footnote) -> tuple[str, str]:
    """A chain over the retriever that asks a server."""
    return quoted(FootnoteRetriever(url=url, k=1))


def langchain_in_process(_: str, footnote: Footnote) -> tuple[str, str]:
    """A chain over the retriever that uses the parts of this process."""
    return quoted(FootnoteRetriever.of(footnote, k=1))


def quoted(retriever: FootnoteRetriever) -> tuple[str, str]:
    """What a chain says in which, in place of a chat model, somebody reads out the best passage."""
    chain = retriever | RunnableLambda(read_out) | StrOutputParser()
    text = chain.invoke(QUESTION)
    return text, text.rpartition(" — ")[2]


def read_out(documents: list[Document]) -> str:
    """The best passage with its source."""
    best = documents[0]
    return f"{best.page_content} — {best.metadata['title']} ({best.metadata['source']})"


def cited(answer: Any) -> str:
    """The first citation of an answer's JSON."""
    found = answer["citations"][0]
    return f"[{found['n']}] {found['title']} ({found['source_uri']}), {found['start']}–{found['end']}"


DOORS: dict[str, Callable[[str, Footnote], tuple[str, str]]] = {
    "REST": rest,
    "REST, streamed": rest_streamed,
    "openai": openai_client,
    "openai, streamed": openai_streamed,
    "ChatOpenAI": chat_openai,
    "mcp": mcp_client,
    "LangChain, over HTTP": langchain_http,
    "LangChain, in process": langchain_in_process,
}


@contextmanager
def served(footnote: Footnote) -> Iterator[str]:
    """The URL of a server over these parts."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(footnote), log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        while not server.started:
            time.sleep(0.05)
        yield url
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """Ask through every door."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llm", default="extractive", help="provider:model that writes the answers")
    llm = parser.parse_args().llm
    with (
        tempfile.TemporaryDirectory() as data_dir,
        Footnote(load_settings(data_dir=Path(data_dir), llm=llm)) as footnote,
    ):
        with build_ingestor(footnote) as ingestor:
            ingestor.sync(FolderSource(HANDBOOK), collection=footnote.open_collection("default"))
        print(QUESTION)
        with served(footnote) as url:
            for door, ask in DOORS.items():
                text, citation = ask(url, footnote)
                print(f"{door:22} {' '.join(text.split())[:60]}…  {citation.splitlines()[0]}")


if __name__ == "__main__":
    main()
