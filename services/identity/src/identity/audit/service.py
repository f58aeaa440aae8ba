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


def record(
    session: AsyncSession | Session,
    clock: Clock,
    *,
    actor: UUID | str | None,
    action: str,
    target: UUID | str | None,
    **details: Any,
) -> None:
    """Add a row to the caller's transaction: the act and its record stand or fall together.

    `details` must not hold personal data beyond ids; they also name the client that acts for a person.
    """
    session.add(AuditRecord(**values(clock, actor=actor, action=action, target=target, **details)))


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
