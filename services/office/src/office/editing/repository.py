"""Queries over the editors of drafts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import case, delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from office.directory.models import Person
from office.editing.models import DraftEditor
from office.editing.rules import LEASE, MAX_EDITORS
from office.tasks.feed import TaskChange


class Editor(NamedTuple):
    """A person who edits a draft; the name is None if the person is not replicated."""

    sub: UUID
    name: str | None
    since: datetime
    until: datetime


class EditorRepository:
    """Read and write the leases of editors."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def renew(self, notice_id: UUID, sub: UUID, now: datetime) -> bool:
        """Write or renew the lease of a person; return whether the person was not editing before."""
        table = DraftEditor.__table__
        added = insert(DraftEditor).values(notice_id=notice_id, sub=sub, since=now, until=now + LEASE)
        since = case((table.c.until < now, literal(now)), else_=table.c.since)
        written = await self._session.execute(
            added.on_conflict_do_update(
                index_elements=["notice_id", "sub"], set_={"until": now + LEASE, "since": since}
            ).returning(DraftEditor.since)
        )
        return written.scalar_one() == now

    async def end(self, notice_id: UUID, sub: UUID) -> bool:
        """Delete the lease of a person; return whether there was one."""
        gone = await self._session.execute(
            delete(DraftEditor)
            .where(DraftEditor.notice_id == notice_id, DraftEditor.sub == sub)
            .returning(DraftEditor.sub)
        )
        return gone.first() is not None

    async def editors(self, notice_id: UUID, now: datetime) -> Sequence[Editor]:
        """Return who edits a draft, the longest first."""
        rows = await self._session.execute(
            select(DraftEditor.sub, Person.name, DraftEditor.since, DraftEditor.until)
            .outerjoin(Person, Person.sub == DraftEditor.sub)
            .where(DraftEditor.notice_id == notice_id, DraftEditor.until >= now)
            .order_by(DraftEditor.since, DraftEditor.sub)
            .limit(MAX_EDITORS)
        )
        return [Editor(*row) for row in rows]

    def tell(self, changes: Sequence[TaskChange]) -> None:
        """Write what connected browsers are told."""
        self._session.add_all(changes)

    async def delete_ended(self, before: datetime) -> None:
        """Delete leases that ended before a time."""
        await self._session.execute(delete(DraftEditor).where(DraftEditor.until < before))
