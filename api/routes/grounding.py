"""POST /v1/ground: the groundedness check as a service, for any system's answers."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import FootnoteParts
from api.errors import problems
from api.schemas.answers import GroundingReportBody
from api.schemas.grounding import GroundRequest
from rag.grounding.opening import check_requested

router = APIRouter(prefix="/v1", tags=["grounding"])


@router.post("/ground", responses=problems(503))
def ground(body: GroundRequest, footnote: FootnoteParts) -> GroundingReportBody:
    """Check every sentence of an answer against the passages it was written from; nothing is stored."""
    if body.checker is not None:
        check_requested(body.checker, footnote.settings)
    checker = footnote.checker(body.checker)
    return GroundingReportBody.of(checker.check(body.answer, body.evidence(), question=body.question))
