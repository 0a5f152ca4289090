"""POST /v1/ingestions: a folder under an allowed root, or uploaded files, as a background job."""

from __future__ import annotations

import json
import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.dependencies import FootnoteParts
from api.errors import UploadTooLarge, problems
from api.schemas.jobs import FolderIngestion, JobBody
from api.uploads import MEBIBYTE, Upload, place, receive_upload, staging_folder, upload_folder
from ingest.allowed import allowed_path
from ingest.factory import target_collection
from ingest.jobs import KIND
from ingest.uploads import uploads_of
from rag.domain import Job
from rag.errors import InvalidRequest
from rag.factory import Footnote

MULTIPART = "multipart/form-data"
JSON = "application/json"
MAX_JSON_BYTES = 100_000
UPLOAD_FIELDS = frozenset({"collection", "groups"})
router = APIRouter(prefix="/v1/ingestions", tags=["jobs"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=200, description="The same key with the same request gives the same job."
    ),
]

_REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": FolderIngestion.model_json_schema()},
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "collection": {"type": "string", "description": "Unset: the default one."},
                        "groups": {
                            "type": "string",
                            "description": "Access groups, by commas; unset: everyone.",
                        },
                    },
                }
            },
        },
    }
}


@router.post("", status_code=202, responses=problems(409, 413, 507), openapi_extra=_REQUEST_BODY)
async def ingest(
    request: Request, response: Response, footnote: FootnoteParts, idempotency_key: IdempotencyKey = None
) -> JobBody:
    """Start an ingestion; follow it at the `Location`. A file sent again replaces its earlier document."""
    content_type = request.headers.get("content-type", "")
    if content_type.startswith(MULTIPART):
        job = await _ingest_upload(request, content_type, footnote, idempotency_key)
    elif content_type.startswith(JSON):
        body = _folder_request(await _read_json(request))
        job = await run_in_threadpool(_ingest_folder, body, footnote, idempotency_key)
    else:
        raise InvalidRequest(f"Content-Type {content_type[:80]!r} is neither {JSON} nor {MULTIPART}.")
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobBody.of(job)


def _ingest_folder(body: FolderIngestion, footnote: Footnote, key: str | None) -> Job:
    path = allowed_path(body.path, footnote.settings.allowed_roots)
    request = {
        "path": str(path),
        "dry_run": body.dry_run,
        "delete_missing": body.delete_missing,
        "groups": sorted(set(body.groups)),
    }
    collection = body.collection or footnote.settings.collection
    target_collection(footnote, collection, dry_run=True)  # a name or model that cannot work is said now
    job, created = footnote.catalog.create_job(
        kind=KIND, collection=collection, request=request, idempotency_key=key
    )
    if created and not body.dry_run:
        footnote.open_collection(collection)
    return job


async def _ingest_upload(request: Request, content_type: str, footnote: Footnote, key: str | None) -> Job:
    settings = footnote.settings
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > settings.max_upload_mb * MEBIBYTE:
        raise UploadTooLarge(
            f"The upload is larger than {settings.max_upload_mb} MB; send fewer files at a time."
        )
    with staging_folder(settings.data_dir) as folder:
        upload = await receive_upload(
            request.stream(), content_type, folder=folder, max_mb=settings.max_upload_mb
        )
        _check_fields(upload)
        return await run_in_threadpool(_start_upload, upload, footnote, key)


def _start_upload(upload: Upload, footnote: Footnote, key: str | None) -> Job:
    collection = upload.fields.get("collection") or footnote.settings.collection
    groups = sorted({group.strip() for group in upload.fields.get("groups", "").split(",")} - {""})
    target_collection(footnote, collection, dry_run=True)  # a name or model that cannot work is said now
    folder = upload_folder(uploads_of(footnote.settings.data_dir, collection), upload.files, groups, key)
    is_placed, created = place(upload.files, folder), False
    try:
        job, created = footnote.catalog.create_job(
            kind=KIND,
            collection=collection,
            request={"upload": str(folder), "groups": groups},
            idempotency_key=key,
        )
    finally:
        if is_placed and not created:  # refused, or its job has long taken it in
            shutil.rmtree(folder)
    if created:
        footnote.open_collection(collection)
    return job


def _check_fields(upload: Upload) -> None:
    if not upload.files:
        raise InvalidRequest("The upload holds no file; send at least one in the field 'files'.")
    unknown = sorted(set(upload.fields) - UPLOAD_FIELDS)
    if unknown:
        raise InvalidRequest(f"Unknown field {unknown[0][:80]!r}; known are files, collection and groups.")


async def _read_json(request: Request) -> Any:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise UploadTooLarge(f"The JSON body is larger than {MAX_JSON_BYTES:,} bytes.")
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest("The body is not valid JSON.") from exc


def _folder_request(body: Any) -> FolderIngestion:
    try:
        return FolderIngestion.model_validate(body)
    except ValidationError as exc:
        raise RequestValidationError(
            [{**error, "loc": ("body", *error["loc"])} for error in exc.errors()]
        ) from exc
