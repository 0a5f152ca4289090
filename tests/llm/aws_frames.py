"""Amazon's binary event streams (``application/vnd.amazon.eventstream``), written frame by frame."""

from __future__ import annotations

import json
import struct
from typing import Any
from zlib import crc32

_STRING = 7


def event_frame(kind: str, payload: dict[str, Any] | bytes) -> bytes:
    """One event: lengths, their checksum, headers, payload, checksum of all."""
    is_json = isinstance(payload, dict)
    content_type = "application/json" if is_json else "application/octet-stream"
    headers = b"".join(
        (
            _header(":message-type", "event"),
            _header(":event-type", kind),
            _header(":content-type", content_type),
        )
    )
    body = json.dumps(payload).encode() if isinstance(payload, dict) else payload
    prelude = struct.pack(">II", 12 + len(headers) + len(body) + 4, len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", _STRING, len(value)) + value.encode()
