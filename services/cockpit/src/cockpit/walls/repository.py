"""Queries over wall displays."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.directory.models import Unit
from cockpit.walls.models import WallDisplay
from contracts.identity import WallAllowedV1
from servicekit.lists import Listed, by_id, listed
from servicekit.ltree import under
from servicekit.paging import PageRequest

Found = tuple[WallDisplay, Unit]


class WallRepository:
    """Read and write wall displays."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, event: WallAllowedV1) -> None:
        """Write a wall display; an event that comes twice changes nothing."""
        values = {
            "grant_id": event.grant_id,
            "unit_id": event.unit_id,
            "name": event.name,
            "client_id": event.client_id,
            "approved_by": event.sub,
            "approver": event.approver,
            "approved_at": event.allowed_at,
            "expires_at": event.expires_at,
        }
        await self._session.execute(insert(WallDisplay).values(values).on_conflict_do_nothing())

    async def get(self, grant_id: UUID) -> WallDisplay | None:
        """Return a wall display."""
        return await self._session.get(WallDisplay, grant_id)

    async def found(self, grant_id: UUID, path: str) -> Found | None:
        """Return a wall display of a unit at or below a path, locked, with the unit."""
        statement = (
            select(WallDisplay, Unit)
            .join(Unit, Unit.id == WallDisplay.unit_id)
            .where(WallDisplay.grant_id == grant_id, under(Unit.path, path))
            .with_for_update(of=WallDisplay)
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def below(
        self, path: str, unit_id: UUID | None, now: datetime, paging: PageRequest, *, ended: bool
    ) -> Listed[Found]:
        """Return the wall displays of a unit, or of all at or below a path; those of now, or those `ended`.
        The last one to expire is the first.
        """
        over = or_(WallDisplay.ended_at.is_not(None), WallDisplay.expires_at <= now)
        statement = (
            select(WallDisplay, Unit)
            .join(Unit, Unit.id == WallDisplay.unit_id)
            .where(under(Unit.path, path), over if ended else ~over)
        )
        if unit_id is not None:
            statement = statement.where(WallDisplay.unit_id == unit_id)
        rows = await listed(self._session, statement, by_id(WallDisplay.grant_id, latest_first=True), paging)
        return rows.each(lambda row: (row[0], row[1]))

    async def seen(self, grant_id: UUID, now: datetime, before: datetime) -> None:
        """Note that a wall display was here, unless that was noted after `before`."""
        await self._session.execute(
            update(WallDisplay)
            .where(
                WallDisplay.grant_id == grant_id,
                or_(WallDisplay.last_seen_at.is_(None), WallDisplay.last_seen_at < before),
            )
            .values(last_seen_at=now)
        )

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete some wall displays that ended before a time; return their number."""
        old = select(WallDisplay.grant_id).where(WallDisplay.expires_at < before).limit(limit)
        gone = await self._session.execute(
            delete(WallDisplay).where(WallDisplay.grant_id.in_(old)).returning(WallDisplay.grant_id)
        )
        return len(gone.all())

    async def end_grant(self, grant_id: UUID, now: datetime) -> None:
        """End the wall display of a grant, if there is one."""
        await self._session.execute(
            update(WallDisplay)
            .where(WallDisplay.grant_id == grant_id, WallDisplay.ended_at.is_(None))
            .values(ended_at=now)
        )

    async def end_client(self, client_id: str, before: datetime, now: datetime) -> None:
        """End the wall displays of a client that were allowed before a time."""
        await self._session.execute(
            update(WallDisplay)
            .where(
                WallDisplay.client_id == client_id,
                WallDisplay.approved_at < before,
                WallDisplay.ended_at.is_(None),
            )
            .values(ended_at=now)
        )
