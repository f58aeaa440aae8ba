"""Writes the audit log."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.audit.models import AuditRecord
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lane_sessions import lane_of
from servicekit.lanes import Lane
from servicekit.logs import actor as acting_client
from servicekit.logs import correlation_id


class AuditLog:
    """Audit log for one request, on the async or sync interface of its session, or on its lane."""

    def __init__(self, session: AsyncSession | Session | Lane, clock: Clock) -> None:
        self._session = lane_of(session) or session
        self._clock = clock

    def record(
        self, *, actor: UUID | str | None, action: str, target: UUID | str | None, **details: Any
    ) -> None:
        """Add a row to the transaction, so that the action and its record are committed together.

        `details` must not contain personal data except ids. The client that acts for a person is added to
        them.
        """
        row = values(self._clock, actor=actor, action=action, target=target, **details)
        self._session.add(AuditRecord(**row))


def values(
    clock: Clock, *, actor: UUID | str | None, action: str, target: UUID | str | None, **details: Any
) -> dict[str, Any]:
    """Return the columns of a row for the current time and request."""
    via = acting_client()
    return {
        "id": new_id(),
        "at": clock.now(),
        "actor": None if actor is None else str(actor),
        "action": action,
        "target_id": None if target is None else str(target),
        "correlation_id": correlation_id(),
        "details": details if via is None else {**details, "via": via},
    }
