"""What routes are given: the wired parts, the asker's rights, and cursors."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from api.answer_streams import AnswerStreams
from rag.domain import OPERATOR, Access
from rag.errors import InvalidRequest
from rag.factory import Footnote

_MOST_DIGITS = 18  # of a number that a database takes


def _footnote(request: Request) -> Footnote:
    footnote: Footnote = request.app.state.footnote
    return footnote


def asker_access() -> Access:
    """The one bearer key, or the local operator, may read everything."""
    return Access.everything()


def _owner() -> str:
    """Whose conversations: the one bearer key's, and the local operator's, are the same."""
    return OPERATOR


def encode_cursor(item_id: str) -> str:
    """An opaque cursor that continues after this item."""
    return base64.urlsafe_b64encode(item_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The item a cursor continues after.

    Raises:
        InvalidRequest: this server never gave out such a cursor.
    """
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise _foreign(cursor) from exc


def decode_number_cursor(cursor: str | None) -> int | None:
    """The number of the item a cursor continues after. Raises: as :func:`decode_cursor`."""
    number = decode_cursor(cursor)
    if cursor is None or number is None:
        return None
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        raise _foreign(cursor)
    return int(number)


def _foreign(cursor: str) -> InvalidRequest:
    return InvalidRequest(f"Cursor {cursor[:80]!r} is not one of ours; give back a `next_cursor`.")


def _streams(request: Request) -> AnswerStreams:
    streams: AnswerStreams = request.app.state.answer_streams
    return streams


FootnoteParts = Annotated[Footnote, Depends(_footnote)]
AskerAccess = Annotated[Access, Depends(asker_access)]
AskerOwner = Annotated[str, Depends(_owner)]
Streams = Annotated[AnswerStreams, Depends(_streams)]
LastEventId = Annotated[
    str | None,
    Header(description="Id of the last event received: only what followed is sent.", max_length=200),
]
Limit = Annotated[int, Query(ge=1, le=500, description="Items per page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=500)]
