"""Writing the audit log."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.audit.models import AuditRecord
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.logs import actor as acting_client
from servicekit.logs import correlation_id


class AuditLog:
    """The audit log within one request, on either face of its session."""

    def __init__(self, session: AsyncSession | Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def record(
        self, *, actor: UUID | str | None, action: str, target: UUID | str | None, **details: Any
    ) -> None:
        """Add a row to the transaction: the act and its record are committed together or not at all.

        `details` must not contain personal data beyond ids; they also name the client that acts for a person.
        """
        row = values(self._clock, actor=actor, action=action, target=target, **details)
        self._session.add(AuditRecord(**row))


def values(
    clock: Clock, *, actor: UUID | str | None, action: str, target: UUID | str | None, **details: Any
) -> dict[str, Any]:
    """The columns of a row, as of now and of the request that is being handled."""
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
