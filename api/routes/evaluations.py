"""/v1/evaluations: run a suite in the background, follow it, read its report."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from api import cancelling
from api.dependencies import Cursor, FootnoteParts, Limit, decode_cursor, encode_cursor
from api.errors import problems
from api.llm_choice import allowed_llm
from api.routes.ingestions import IdempotencyKey
from api.schemas.base import Page
from api.schemas.evaluations import EvaluationBody, EvaluationRequest
from eval.suite.jobs import KIND, stored_report
from rag.domain import Job, JobState
from rag.errors import Conflict, JobNotFound
from rag.grounding.opening import check_requested
from rag.interfaces import Catalog

JSON, HTML = "application/json", "text/html"
router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])

Accept = Annotated[str, Header(description=f"{HTML} (also when unset) or {JSON}.", max_length=1000)]


@router.post("", status_code=202, responses=problems(404))
def evaluate(
    body: EvaluationRequest,
    response: Response,
    footnote: FootnoteParts,
    idempotency_key: IdempotencyKey = None,
) -> EvaluationBody:
    """Run a suite in the background; follow it at the `Location`. The suite is read now, as it stands."""
    from eval.suite.requested import requested_suite  # its libraries wait for the first evaluation

    settings = footnote.settings
    suite = requested_suite(body.suite, settings.allowed_roots)
    for llm in (suite.llm, suite.judge):
        allowed_llm(llm, settings)
    if suite.collection is not None:
        footnote.catalog.collection(suite.collection)
    if suite.checker is not None:
        check_requested(suite.checker, settings)
        footnote.checker(suite.checker)
    if body.baseline is not None:
        stored_report(footnote.catalog, body.baseline)
    job, _ = footnote.catalog.create_job(
        kind=KIND,
        collection=suite.collection or "",
        request={"suite": suite.model_dump(mode="json"), "baseline": body.baseline},
        idempotency_key=idempotency_key,
    )
    response.headers["Location"] = f"/v1/evaluations/{job.id}"
    return EvaluationBody.of(job)


@router.get("", responses=problems())
def list_evaluations(
    footnote: FootnoteParts, limit: Limit = 100, cursor: Cursor = None
) -> Page[EvaluationBody]:
    """All evaluations, newest first."""
    rows = footnote.catalog.jobs(limit=limit + 1, after=decode_cursor(cursor), kind=KIND)
    return Page(
        items=[EvaluationBody.of(job) for job in rows[:limit]],
        next_cursor=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.get("/{evaluation_id}", responses=problems(404))
def show_evaluation(evaluation_id: str, footnote: FootnoteParts) -> EvaluationBody:
    """One evaluation: how far it is, and its figures once it is committed."""
    return EvaluationBody.of(_evaluation(footnote.catalog, evaluation_id))


@router.delete("/{evaluation_id}", responses=problems(404))
def cancel_evaluation(evaluation_id: str, footnote: FootnoteParts) -> EvaluationBody:
    """Cancel an evaluation; one that is final is returned as it is."""
    _evaluation(footnote.catalog, evaluation_id)
    return EvaluationBody.of(cancelling.cancel_job(footnote.catalog, evaluation_id))


@router.get(
    "/{evaluation_id}/report",
    response_class=Response,
    responses={
        **problems(404, 409),
        200: {
            "description": "The report.",
            "content": {HTML: {"schema": {"type": "string"}}, JSON: {"schema": {"type": "object"}}},
        },
    },
)
def show_report(evaluation_id: str, footnote: FootnoteParts, accept: Accept = HTML) -> Response:
    """The whole report: one page without scripts that prints well, or JSON."""
    from eval.suite.html import content_security_policy, render_html
    from eval.suite.report import parse_report

    job = _evaluation(footnote.catalog, evaluation_id)
    if job.state is not JobState.COMMITTED:
        raise Conflict(
            f"Evaluation {job.id} is {job.state}, so it has no report; "
            "one that is committed has. GET /v1/evaluations/{id} says how far it is, or why it failed."
        )
    text = stored_report(footnote.catalog, job.id)
    if _wants_json(accept):
        return Response(text, media_type=JSON)
    policy = f"{content_security_policy()}; frame-ancestors 'none'; sandbox"
    page = render_html(parse_report(text, f"The report of {job.id}"))
    return Response(page, media_type=HTML, headers={"Content-Security-Policy": policy})


def _evaluation(catalog: Catalog, evaluation_id: str) -> Job:
    job = catalog.job(evaluation_id)
    if job.kind != KIND:
        raise JobNotFound(f"No evaluation has the id {evaluation_id!r}.")
    return job


def _wants_json(accept: str) -> bool:
    """Whether JSON stands before HTML in an Accept header, or stands there alone."""
    named = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    return JSON in named and (HTML not in named or named.index(JSON) < named.index(HTML))
