"""The HTTP application: routes, guard, error table, and the background workers' life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from api.answer_streams import AnswerStreams
from api.body_limit import BodyLimit
from api.errors import install_error_handlers
from api.mcp_server import McpDoor
from api.readiness import Warmup
from api.release import release
from api.routes import (
    asking,
    collections,
    conversations,
    documents,
    evaluations,
    grounding,
    health,
    ingestions,
    jobs,
    llms,
    openai,
    page,
)
from api.security import Doorkeeper, Guard
from eval.suite.jobs import EvaluationRunner
from ingest.jobs import JobRunner
from rag.factory import Footnote

DESCRIPTION = (
    "Answers over an organisation's documents, every sentence tied to an exact span and checked against it."
)
_ROUTERS = (
    asking.router,
    conversations.router,
    llms.router,
    openai.router,
    grounding.router,
    ingestions.router,
    jobs.router,
    evaluations.router,
    documents.router,
    collections.router,
    health.router,
    page.router,
)


def create_app(footnote: Footnote) -> FastAPI:
    """The application over one set of wired parts; starting it starts the job workers and loads the model."""
    app = FastAPI(
        title="Footnote",
        version=release(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.footnote = footnote
    app.state.warmup = Warmup(footnote)
    app.state.answer_streams = AnswerStreams()
    app.state.mcp = McpDoor(footnote)
    for router in _ROUTERS:
        app.include_router(router)
    app.router.routes.append(Route("/mcp", app.state.mcp, methods=["POST"], include_in_schema=False))
    install_error_handlers(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, doorkeeper=Doorkeeper(footnote.settings.api_key))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runners = [JobRunner(app.state.footnote), EvaluationRunner(app.state.footnote)]
    app.state.warmup.start()
    for runner in runners:
        runner.start()
    try:
        async with app.state.mcp.open():
            yield
    finally:
        for runner in runners:
            await run_in_threadpool(runner.stop)
        await run_in_threadpool(app.state.warmup.wait)  # ending while torch loads aborts the process
