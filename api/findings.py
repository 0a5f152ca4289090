"""What the doctor says of one part."""

from __future__ import annotations

from enum import StrEnum

from api.schemas.base import Body, optional


class Health(StrEnum):
    """How a part is doing; a problem makes the command exit with 1."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Body):
    """One line of the report."""

    part: str
    health: Health
    message: str
    next_step: str | None = optional("What to do about it.")
