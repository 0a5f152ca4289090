"""GET /healthz and /readyz: for load balancers and supervisors, without a key."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from api.dependencies import FootnoteParts
from api.readiness import Readiness, readiness
from api.schemas.base import Body

router = APIRouter(tags=["health"])


class Alive(Body):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
def healthz() -> Alive:
    """Whether the process is alive; touches nothing else."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready; the checks say why."}})
def readyz(request: Request, response: Response, footnote: FootnoteParts) -> Readiness:
    """Whether questions can be answered: catalog, indexes, embedding model, free disk."""
    found = readiness(footnote, request.app.state.warmup)
    response.status_code = 200 if found.ready else 503
    return found
