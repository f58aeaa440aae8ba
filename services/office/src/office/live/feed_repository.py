"""The feed: numbering changes, reading them in order, and deleting old ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, Uuid, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from office.desk.rules import Place
from office.directory.models import Unit
from office.live.models import FeedState
from office.tasks.feed import FeedEntry, TaskChange
from office.tasks.models import TaskAddress
from office.tasks.predicates import reaches_now

CHANNEL = "task_feed"
_NUMBERING = 0x5A58_5441_534B
# The columns that a change and its entry have in common.
_NAMES = ("sub", "unit_id", "dispatched", "roles", "data", "created_at")

_COLUMNS = (
    FeedEntry.position,
    FeedEntry.sub,
    FeedEntry.unit_id,
    FeedEntry.dispatched,
    FeedEntry.needs,
    FeedEntry.data,
)


class Entry(NamedTuple):
    """An entry of the feed."""

    position: int
    sub: UUID | None
    unit_id: UUID | None
    dispatched: UUID | None
    needs: list[str]
    data: dict[str, Any]


class FeedRepository:
    """Read and write the feed on the session of one process."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def number(self, limit: int) -> int | None:
        """Give the next changes their positions; return how many, None if another process does it now.

        One process at a time, so a position that becomes visible is greater than all visible ones. Only here
        are processes notified: a NOTIFY in the transactions that write changes would make their commits wait
        for each other.
        """
        if not await self._session.scalar(select(exists(select(TaskChange.id)))):
            return 0
        if not await self._session.scalar(select(func.pg_try_advisory_xact_lock(_NUMBERING))):
            return None
        oldest = select(TaskChange.id).order_by(TaskChange.id).limit(limit).with_for_update(skip_locked=True)
        moved = (
            delete(TaskChange)
            .where(TaskChange.id.in_(oldest.scalar_subquery()))
            .returning(TaskChange.id, *(TaskChange.__table__.c[name] for name in _NAMES))
            .cte("moved")
        )
        rows = await self._session.scalars(
            insert(FeedEntry)
            .from_select(_NAMES, select(*(moved.c[name] for name in _NAMES)).order_by(moved.c.id))
            .returning(FeedEntry.position)
        )
        count = len(rows.all())
        if count:
            await self._session.execute(select(func.pg_notify(CHANNEL, "")))
        return count

    async def state(self) -> FeedState:
        """Return which feed this is, and from where it is kept."""
        return (await self._session.scalars(select(FeedState))).one()

    async def begin_epoch(self) -> None:
        """Begin another feed, because positions are assigned again: browsers that come back reload."""
        await self._session.execute(update(FeedState).values(epoch=func.gen_random_uuid()))

    async def newest(self) -> int:
        """Return the position of the newest entry, or the last deleted one."""
        newest = await self._session.scalar(select(func.max(FeedEntry.position)))
        return newest if newest is not None else (await self.state()).floor

    async def after(self, position: int, limit: int) -> Sequence[Entry]:
        """Return the entries after `position`, in order."""
        rows = await self._session.execute(
            select(*_COLUMNS).where(FeedEntry.position > position).order_by(FeedEntry.position).limit(limit)
        )
        return [Entry(*row) for row in rows]

    async def missed(
        self, sub: UUID, places: Sequence[Place], after: int, until: int, limit: int
    ) -> Sequence[Entry]:
        """Return what concerns a person, after one position and up to another, in order."""
        between = (FeedEntry.position > after, FeedEntry.position <= until)
        concerned = [select(*_COLUMNS).where(FeedEntry.sub == sub, *between)]
        for place in places:
            holds = literal(sorted(place.holds), ARRAY(Text))
            concerned.append(
                select(*_COLUMNS).where(
                    FeedEntry.unit_id == place.unit_id,
                    or_(
                        func.cardinality(FeedEntry.needs) == 0,
                        FeedEntry.needs.op("&&", is_comparison=True)(holds),
                    ),
                    *between,
                )
            )
        found: list[Entry] = []
        for statement in concerned:
            rows = await self._session.execute(statement.order_by(FeedEntry.position).limit(limit))
            found += [Entry(*row) for row in rows]
        found += await self._missed_dispatches(places, after, until, limit)
        return sorted(found, key=lambda entry: entry.position)

    async def _missed_dispatches(
        self, places: Sequence[Place], after: int, until: int, limit: int
    ) -> list[Entry]:
        """Return the dispatched changes that concern a person's units, one entry for each unit."""
        holds = {place.unit_id: place.holds for place in places}
        sender, found = aliased(Unit), list[Entry]()
        # An entry names an address that is new, or a task with all its addresses.
        for named in (TaskAddress.id, TaskAddress.task_id):
            rows = await self._session.execute(
                select(*_COLUMNS, Unit.id)
                .ext(distinct_on(FeedEntry.position, Unit.id))
                .join(TaskAddress, named == FeedEntry.dispatched)
                .join(sender, sender.id == TaskAddress.sender_id)
                .join(Unit, reaches_now(sender, Unit))
                .where(
                    FeedEntry.dispatched.is_not(None),
                    FeedEntry.position > after,
                    FeedEntry.position <= until,
                    Unit.id.in_(holds),
                )
                .order_by(FeedEntry.position, Unit.id)
                .limit(limit)
            )
            for *entry, unit_id in rows:
                one = Entry(*entry)
                if not one.needs or not holds[unit_id].isdisjoint(one.needs):
                    found.append(one._replace(data={**one.data, "unit_id": str(unit_id)}))
        return found

    async def addressed(self, dispatched: UUID, units: Sequence[UUID]) -> Sequence[UUID]:
        """Return which of `units` an address reaches now, or a task with all its addresses."""
        sender = aliased(Unit)
        rows = await self._session.scalars(
            select(Unit.id)
            .distinct()
            .select_from(TaskAddress)
            .join(sender, sender.id == TaskAddress.sender_id)
            .join(Unit, reaches_now(sender, Unit))
            .where(
                or_(TaskAddress.id == dispatched, TaskAddress.task_id == dispatched),
                Unit.id == func.any(literal(list(units), ARRAY(Uuid))),
            )
        )
        return rows.all()

    async def prune(self, before: datetime, limit: int) -> int:
        """Delete the oldest entries that were written before a time; return their number."""
        oldest = (
            select(FeedEntry.position)
            .where(FeedEntry.created_at < before)
            .order_by(FeedEntry.position)
            .limit(limit)
        )
        last = await self._session.scalar(select(func.max(oldest.subquery().c.position)))
        if last is None:
            return 0
        await self._session.execute(update(FeedState).values(floor=func.greatest(FeedState.floor, last)))
        gone = await self._session.scalars(
            delete(FeedEntry).where(FeedEntry.position <= last).returning(FeedEntry.position)
        )
        return len(gone.all())
