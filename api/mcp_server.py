"""The Model Context Protocol at /mcp: Footnote's tools for language models that work with tools.

Over HTTP every request stands for itself (no sessions), so that any number of servers can answer; it passes
the same :class:`api.security.Guard` as all others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any
from uuid import uuid4

import mcp_types
from anyio.to_thread import run_sync
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from api.dependencies import asker_access
from api.errors import problem_of
from api.release import release
from api.schemas.base import RequestBody
from api.tools import TOOLS, Tool
from rag.cancellation import Cancellation
from rag.domain import Access
from rag.errors import InvalidRequest
from rag.factory import Footnote

INSTRUCTIONS = (
    "Footnote answers from an organisation's documents and says where every sentence comes from. Keep its "
    "citations when you repeat what it says. A refusal means that the documents do not say."
)
_HINTS = mcp_types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


def build_mcp_server(footnote: Footnote, *, rights: Callable[[], Access] = asker_access) -> Server[Any]:
    """A server of the protocol, for any transport, whose callers have these rights."""

    async def list_tools(_: Any, __: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=_descriptions())

    async def call_tool(
        context: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult:
        tool = _BY_NAME.get(params.name)
        if tool is None:
            known = ", ".join(_BY_NAME)
            raise MCPError(
                mcp_types.INVALID_PARAMS, f"There is no tool {params.name[:50]!r}; known: {known}."
            )
        try:
            return await _called(tool, footnote, rights(), params.arguments or {})
        except Exception as exc:  # noqa: BLE001  # problem_of logs what is not the caller's doing
            return _failed(exc, context)

    return Server(
        "footnote",
        version=release(),
        title="Footnote",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


@cache
def _descriptions() -> list[mcp_types.Tool]:
    """Made once: every call of a tool looks its description up."""
    return [
        mcp_types.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.arguments.model_json_schema(),
            output_schema=tool.result.model_json_schema(),
            annotations=_HINTS,
        )
        for tool in TOOLS
    ]


async def _called(
    tool: Tool, footnote: Footnote, access: Access, given: dict[str, Any]
) -> mcp_types.CallToolResult:
    arguments = _checked(tool, given)
    cancellation = Cancellation()
    try:
        work = partial(tool.run, footnote, access, arguments, cancellation)
        result, text = await run_sync(work, abandon_on_cancel=True)
    finally:
        cancellation.cancel()  # whoever is gone waits for nothing; else the work is done
    return mcp_types.CallToolResult(
        content=[mcp_types.TextContent(text=text)], structured_content=result.to_json()
    )


def _checked(tool: Tool, given: dict[str, Any]) -> RequestBody:
    try:
        return tool.arguments.model_validate(given)
    except ValidationError as exc:
        found = [
            ": ".join(filter(None, (".".join(map(str, error["loc"])), error["msg"])))
            for error in exc.errors()
        ]
        raise InvalidRequest(f"{tool.name} cannot be called so: {'; '.join(found)}.") from exc


def _failed(error: Exception, context: ServerRequestContext[Any]) -> mcp_types.CallToolResult:
    scope = context.request.scope if context.request is not None else {}
    problem = problem_of(error, request_id=scope.get("request_id") or uuid4().hex)
    request = f", request {problem['request_id']}" if "request_id" in problem else ""
    text = f"{problem['detail']} ({problem['code']}{request})"
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=text)], is_error=True)


async def serve_stdio(footnote: Footnote) -> None:
    """Serve whoever started this process, over its stdin and stdout, until they close."""
    server = build_mcp_server(footnote)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


class McpDoor:
    """The ASGI application behind /mcp; served while it is open."""

    def __init__(self, footnote: Footnote) -> None:
        self._server = build_mcp_server(footnote)
        self._sessions: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve within the block."""
        self._sessions = StreamableHTTPSessionManager(self._server, stateless=True)
        async with self._sessions.run():
            yield
        self._sessions = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the protocol."""
        assert self._sessions is not None, "the application's lifespan opens the door"
        await self._sessions.handle_request(scope, receive, send)
