"""The database's own clock, which decides about leases."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, func, select
from sqlalchemy.orm import Session


def database_now(session: Session) -> datetime:
    """The present moment as the database sees it.

    Workers on several machines then agree on when a lease ends, however much their own clocks differ. All
    processes that share an SQLite file run on one machine, so there its clock is the database's.
    """
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    now = select(func.clock_timestamp(type_=DateTime(timezone=True)))  # now() stands still in a transaction
    return session.scalars(now).one().astimezone(UTC)
