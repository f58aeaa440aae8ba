"""Dead letters: events that a subscription could not process, in the database of its service.

They are rows instead of broker messages: a list is a read-only query, backups contain them, and a replay
moves a dead letter to the outbox in one transaction.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.envelope import Envelope
from messaging.outbox import Outbox
from servicekit.db import Database

_ERROR_CHARACTERS = 2000
_BATCH = 500


def make_dead_letter_table(metadata: MetaData) -> Table:
    """Declare the table in the metadata of a service. Rows are kept until replayed or discarded."""
    return Table(
        "dead_letters",
        metadata,
        Column("queue", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("type", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("error", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("message", LargeBinary, nullable=False, comment="the envelope as it was received"),
        Column("died_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


@dataclass(frozen=True)
class DeadLetter:
    """An event that a subscription could not process."""

    event_id: UUID
    queue: str
    type: str
    subject: str
    error: str
    attempts: int
    died_at: datetime


async def record(
    session: AsyncSession, table: Table, *, queue: str, message: bytes, error: str, attempts: int
) -> UUID:
    """Store `message` as a dead letter of `queue`, or update its row. Returns its id.

    The id of a message that is not an envelope is derived from its content.
    """
    try:
        envelope = Envelope.model_validate_json(message)
        event_id, type_, subject = envelope.id, envelope.type, envelope.subject
    except ValidationError:
        event_id = UUID(bytes=hashlib.sha256(message).digest()[:16], version=5)
        type_ = subject = "?"
    statement = insert(table).values(
        queue=queue,
        event_id=event_id,
        type=type_,
        subject=subject,
        # PostgreSQL stores no zero bytes in a text.
        error=error.replace("\0", "")[:_ERROR_CHARACTERS],
        attempts=attempts,
        message=message,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["queue", "event_id"],
            set_={
                "error": statement.excluded.error,
                "attempts": statement.excluded.attempts,
                "died_at": func.now(),
            },
        )
    )
    return event_id


class DeadLetters:
    """The operator's commands on the dead letters of one service."""

    def __init__(self, database: Database, table: Table, outbox: Outbox) -> None:
        self._database = database
        self._table = table
        self._outbox = outbox

    async def list(self, queue: str, limit: int = 100) -> list[DeadLetter]:
        """Return the dead letters of `queue`, oldest event first."""
        table = self._table
        columns = [column for column in table.c if column.name != "message"]
        query = select(*columns).where(table.c.queue == queue).order_by(table.c.event_id).limit(limit)
        async with self._database.transaction() as session:
            return [DeadLetter(**row) for row in (await session.execute(query)).mappings()]

    async def replay(self, queue: str, event_ids: Sequence[UUID] | None = None) -> int:
        """Deliver the named or all dead letters to `queue` again. Returns their number.

        Messages that are not envelopes are kept, because no release can process them.
        """
        table, count = self._table, 0
        after = UUID(int=0)
        while True:
            query = select(table.c.event_id, table.c.message).where(
                table.c.queue == queue, table.c.event_id > after
            )
            if event_ids is not None:
                query = query.where(table.c.event_id.in_(event_ids))
            async with self._database.transaction() as session:
                rows = (
                    await session.execute(query.order_by(table.c.event_id).limit(_BATCH).with_for_update())
                ).all()
                if not rows:
                    return count
                after = rows[-1].event_id
                replayed = [row.event_id for row in rows if self._send(session, queue, row.message)]
                await session.execute(
                    table.delete().where(table.c.queue == queue, table.c.event_id.in_(replayed))
                )
            count += len(replayed)

    async def discard(self, queue: str, event_ids: Sequence[UUID]) -> int:
        """Delete the named dead letters without delivery. Returns their number."""
        table = self._table
        async with self._database.transaction() as session:
            deleted = await session.execute(
                table.delete()
                .where(table.c.queue == queue, table.c.event_id.in_(event_ids))
                .returning(table.c.event_id)
            )
            return len(deleted.all())

    def _send(self, session: AsyncSession, queue: str, message: bytes) -> bool:
        try:
            envelope = Envelope.model_validate_json(message)
        except ValidationError:
            return False
        self._outbox.resend(session, envelope, queue=queue)
        return True
