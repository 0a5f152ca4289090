"""The tools at /mcp, called by the official client over a real socket, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult
from pydantic import SecretStr

from api.mcp_server import build_mcp_server
from rag.domain import Access, Document
from rag.interfaces import Catalog
from tests.api.conftest import QUESTION, Server, problem
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import FOREVER_S, LONG_S

pytestmark = pytest.mark.slow

T = TypeVar("T")
Call = Callable[..., CallToolResult]


def with_client(server: Server, use: Callable[[Client], Awaitable[T]], *, mode: str = "auto") -> T:
    """What ``use`` makes of a client that is connected to the server."""

    async def run() -> T:
        async with Client(f"{server.url}/mcp", mode=mode) as client:
            return await use(client)

    return asyncio.run(run())


@pytest.fixture(params=["auto", "legacy"])
def call(request: pytest.FixtureRequest, shared_server: Server) -> Call:
    """Calls a tool; ``legacy`` is the protocol with a handshake, of 2025 and before."""

    def call(tool: str, **arguments: Any) -> CallToolResult:
        return with_client(
            shared_server, lambda client: client.call_tool(tool, arguments), mode=request.param
        )

    return call


def text_of(result: CallToolResult) -> str:
    [block] = result.content
    return str(getattr(block, "text", ""))


def test_the_tools_say_what_they_take_and_give(shared_server: Server) -> None:
    tools = {tool.name: tool for tool in with_client(shared_server, lambda client: client.list_tools()).tools}

    assert [*tools] == ["ask", "search", "get_passage"]
    assert tools["ask"].input_schema["required"] == ["question"]
    for tool in tools.values():
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.output_schema is not None
        assert all("description" in field for field in tool.input_schema["properties"].values())


def test_ask_gives_a_cited_answer(call: Call) -> None:
    result = call("ask", question=QUESTION)

    answer = result.structured_content
    assert not result.is_error
    assert answer["status"] == "answered"
    assert answer["citations"][0]["title"] == "Annual leave"
    assert "27 days of annual leave per year. [1]" in text_of(result)
    assert "- [1] Annual leave (handbook/leave.md)" in text_of(result)


def test_a_refusal_is_a_result_with_the_nearest_passages(call: Call) -> None:
    result = call("ask", question="Which spacecraft photographed Neptune's rings?")

    assert not result.is_error
    assert result.structured_content["status"] == "refused"
    assert text_of(result).startswith(result.structured_content["reason"])


def test_search_finds_passages_that_get_passage_reads(call: Call) -> None:
    found = call("search", query="congé parental", k=1, filters={"language": "fr"})
    [passage] = found.structured_content["results"]
    assert passage["text"] in text_of(found)
    assert f"chunk_id {passage['chunk_id']}" in text_of(found)

    read = call("get_passage", chunk_id=passage["chunk_id"]).structured_content
    assert read.items() <= passage.items()

    start, end = passage["start"], passage["end"]
    stretch = call("get_passage", document_id=passage["document_id"], start=start, end=end)
    assert stretch.structured_content["text"] == passage["text"]


def test_nothing_found_is_said(call: Call) -> None:
    result = call("search", query="zzyzx", mode="keyword")

    assert result.structured_content["results"] == []
    assert text_of(result) == "No passage was found."


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ask", {}, "question: Field required"),
        ("ask", {"question": " "}, "invalid_question"),
        ("ask", {"question": QUESTION, "kay": 3}, "kay"),
        ("ask", {"question": QUESTION, "llm": "openai:gpt-4o"}, "extractive"),
        ("ask", {"question": QUESTION, "collection": "nowhere"}, "collection_not_found"),
        ("search", {"query": "leave", "k": 1000}, "k: Input should be less than or equal to 100"),
        ("search", {"query": "leave", "filters": {"colour": "red"}}, "invalid_filter"),
        ("get_passage", {}, "give either chunk_id, or document_id with start and end"),
        ("get_passage", {"chunk_id": "1", "start": 3}, "give either chunk_id"),
        ("get_passage", {"document_id": "x", "start": 5, "end": 5}, "end must lie behind start"),
        ("get_passage", {"document_id": "x", "start": 0, "end": 5}, "document_not_found"),
    ],
)
def test_bad_input_is_a_tool_error_that_says_what_to_do(
    shared_server: Server, tool: str, arguments: dict[str, Any], said: str
) -> None:
    result = with_client(shared_server, lambda client: client.call_tool(tool, arguments))

    assert result.is_error
    assert said in text_of(result)


def test_a_stretch_beyond_the_end_says_how_long_the_document_is(shared_server: Server) -> None:
    [document, *_] = shared_server.client.get("/v1/documents").json()["items"]
    arguments = {"document_id": document["id"], "start": 0, "end": 9999}
    result = with_client(shared_server, lambda client: client.call_tool("get_passage", arguments))

    assert result.is_error
    assert f"{document['characters']} characters" in text_of(result)


def test_an_unknown_tool_is_an_error_of_the_protocol(shared_server: Server) -> None:
    async def misuse(client: Client) -> None:
        with pytest.raises(MCPError, match="ask, search, get_passage"):
            await client.call_tool("delete_everything", {})

    with_client(shared_server, misuse)


@pytest.mark.parametrize("chunk_id", ["999999", "-1", "nonsense", "9" * 40, "²"])
def test_an_unknown_passage_is_not_found(shared_server: Server, chunk_id: str) -> None:
    arguments = {"chunk_id": chunk_id}
    result = with_client(shared_server, lambda client: client.call_tool("get_passage", arguments))

    assert result.is_error
    assert "search again" in text_of(result)


def test_what_is_forbidden_answers_like_what_is_unknown(shared_server: Server) -> None:
    catalog = shared_server.footnote.catalog
    [document, *_] = catalog.documents(catalog.collection("default").id, access=Access.everything())
    [chunk, *_] = catalog.document_chunks(document.id, access=Access.everything())
    hide(catalog, document)

    async def read(rights: Access) -> list[str]:
        server = build_mcp_server(shared_server.footnote, rights=lambda: rights)
        calls = [{"chunk_id": str(chunk.id)}, {"document_id": document.id, "start": 0, "end": 3}]
        async with Client(server) as client:
            return [text_of(await client.call_tool("get_passage", arguments)) for arguments in calls]

    assert all(document.title in text for text in asyncio.run(read(Access(groups=frozenset({"board"})))))
    denied = asyncio.run(read(Access(groups=frozenset({"staff"}))))
    assert "search again" in denied[0]
    assert "document_not_found" in denied[1]


def hide(catalog: Catalog, document: Document) -> None:
    """Let only the board read it."""
    catalog.touch_source(
        document.collection_id,
        document.root,
        document.path,
        size=document.size,
        mtime_ns=document.mtime_ns,
        groups=frozenset({"board"}),
    )


def test_the_guard_stands_before_it(serve: Callable[..., Server]) -> None:
    server = serve(filled=True, api_key=SecretStr("a-long-enough-key-for-tests"))

    async def tools(key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client,
        ):
            return len((await client.list_tools()).tools)

    assert asyncio.run(tools("a-long-enough-key-for-tests")) == 3
    with pytest.RaisesGroup(MCPError, flatten_subgroups=True):
        asyncio.run(tools("another"))
    assert problem(server.client.post("/mcp", json={})) == (401, "not_authorized")


def test_other_sites_and_methods_are_refused(shared_server: Server) -> None:
    foreign = shared_server.client.post("/mcp", json={}, headers={"origin": "http://evil.example"})

    assert problem(foreign) == (403, "forbidden")
    assert problem(shared_server.client.post("/mcp", json={}, headers={"host": "evil.example"}))[0] == 403
    assert problem(shared_server.client.get("/mcp")) == (405, "method_not_allowed")


@pytest.fixture
def llm() -> Iterator[OpenAIServer]:
    """A language model that stops in the middle of its answer."""
    with openai_server(Reply(text="Every employee has 27 days of annual leave.", hang_after=3)) as server:
        yield server


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_call_that_is_given_up_ends_the_models_work(
    serve: Callable[..., Server], llm: OpenAIServer, mode: str
) -> None:
    server = serve(filled=True, llm="openai:scripted", llm_base_url=llm.base_url, llm_timeout_s=FOREVER_S)

    async def give_up(client: Client) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "ask", {"question": QUESTION})
            with anyio.fail_after(LONG_S):
                while not llm.requests:
                    await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()

    with_client(server, give_up, mode=mode)
    assert llm.hung_up.wait(timeout=LONG_S)


def test_a_desktop_client_starts_it_as_a_command(ingested: Path, tmp_path: Path) -> None:
    shutil.copytree(ingested, tmp_path / "data")
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "api", "mcp", "--data-dir", str(tmp_path / "data")],
        env=dict(os.environ),
        cwd=Path(__file__).parents[2],
    )

    async def search() -> CallToolResult:
        async with Client(command) as client:
            return await client.call_tool("search", {"query": "annual leave", "mode": "keyword"})

    assert "Annual leave" in text_of(asyncio.run(search()))
