"""The outbox: an event is written in the same transaction as the change it describes.

`add` only calls `session.add`: it never flushes or commits, and works with sync and async sessions and lanes.
Rows are deleted after the bus has accepted them, so the table contains only undelivered events.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column

from contracts import EventModel
from messaging.envelope import Envelope
from servicekit.db import announce
from servicekit.ids import new_id
from servicekit.lanes import Lane
from servicekit.logs import correlation_id
from servicekit.tracing import traceparent


class OutboxRow:
    """Columns of the outbox; a service mixes this into its own declarative base."""

    __tablename__ = "outbox"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column()
    source: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    correlation_id: Mapped[str | None] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # Set for a replayed dead letter: deliver to this queue only.
    queue: Mapped[str | None] = mapped_column(Text)
    # No longer written; dropped in the next release, when no running code reads them.
    dead_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dead_queue: Mapped[str | None] = mapped_column(Text)
    last_error: Mapped[str | None] = mapped_column(Text)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - declared_attr works on the class
        return (Index("ix_outbox_due", "next_attempt_at", "seq", postgresql_where=text("dead_at IS NULL")),)

    def envelope(self) -> Envelope:
        """Return the row in its wire format."""
        return Envelope(
            id=self.id,
            source=self.source,
            type=self.type,
            subject=self.subject,
            time=self.created_at,
            sequence=self.sequence,
            correlationid=self.correlation_id,
            traceparent=self.traceparent,
            data=self.data,
        )


@dataclass(frozen=True)
class Recorded:
    """What the outbox has of an event that somebody else writes."""

    id: UUID
    source: str
    type: str
    subject: str
    correlation_id: str | None
    traceparent: str | None
    event: EventModel

    def values(self, prefix: str) -> dict[str, Any]:
        """Return the columns as parameters; `data` is JSON as text."""
        return {
            f"{prefix}id": self.id,
            f"{prefix}source": self.source,
            f"{prefix}type": self.type,
            f"{prefix}subject": self.subject,
            f"{prefix}correlation_id": self.correlation_id,
            f"{prefix}traceparent": self.traceparent,
            f"{prefix}data": self.event.model_dump_json(),
        }


class Outbox:
    """A service's outbox; `source` is the service's name in `Envelope.source`."""

    def __init__(self, base: type[DeclarativeBase], source: str) -> None:
        self.row: type[Any] = type("OutboxEvent", (OutboxRow, base), {"__module__": base.__module__})
        self.source = source

    def add(
        self,
        session: AsyncSession | Session | Lane,
        event: EventModel,
        *,
        subject: UUID | str,
        sequence: int | None = None,
    ) -> UUID:
        """Record `event` about `subject` in the caller's transaction. Returns the event id.

        Local listeners of this process can hear it with the commit (`LocalListener.at_commit`).
        """
        recorded = self.record(event, subject=subject)
        session.add(
            self.row(
                id=recorded.id,
                source=recorded.source,
                type=recorded.type,
                subject=recorded.subject,
                sequence=sequence,
                correlation_id=recorded.correlation_id,
                traceparent=recorded.traceparent,
                data=recorded.event.model_dump(mode="json"),
            )
        )
        announce(session, event)
        return recorded.id

    def record(self, event: EventModel, *, subject: UUID | str) -> "Recorded":
        """Return the row of `event` for a statement of a lane, which writes it; then call `Lane.announce`."""
        return Recorded(
            *(new_id(), f"/zhuxue/{self.source}", event.type, str(subject)),
            correlation_id=correlation_id(),
            traceparent=traceparent(),
            event=event,
        )

    def resend(self, session: AsyncSession, envelope: Envelope, *, queue: str) -> None:
        """Send `envelope` unchanged again, to `queue` only."""
        session.add(
            self.row(
                id=envelope.id,
                source=envelope.source,
                type=envelope.type,
                subject=envelope.subject,
                sequence=envelope.sequence,
                correlation_id=envelope.correlationid,
                traceparent=envelope.traceparent,
                data=envelope.data,
                created_at=envelope.time,
                queue=queue,
            )
        )
        announce(session)
