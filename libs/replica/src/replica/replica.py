"""Updates the replica: the newest version wins, independent of the order of arrival."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, delete, exists, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from contracts import EventModel
from contracts.identity import (
    DirectoryLoadedV1,
    PersonChangedV1,
    RoleChangedV1,
    UnitChangedV1,
    UnitsChangedV1,
)
from jobs.kinds import Handler, State
from jobs.queue import JobQueue
from replica.models import FormerPlaceColumns, PersonColumns, ReplicaTables, RoleColumns, UnitColumns
from replica.rebuild import DEDUPE_KEY, REBUILD, Rebuild, Rebuilder
from replica.snapshot import Snapshot
from replica.staging import Staging
from replica.upsert import put
from servicekit.db import Database


class Replica:
    """The replica of one service.

    `person` is None in a service that needs no people; `former_place` is None in a service that needs only
    the current tree, `role` in one that does not ask what people may do who are not there.
    """

    def __init__(
        self,
        unit: type[UnitColumns],
        tables: ReplicaTables,
        queue: JobQueue,
        *,
        person: type[PersonColumns] | None = None,
        former_place: type[FormerPlaceColumns] | None = None,
        role: type[RoleColumns] | None = None,
    ) -> None:
        self._unit = unit
        self._tables = tables
        self._queue = queue
        self._person = person
        self._former_place = former_place
        self._role = role

    @property
    def types(self) -> tuple[type[EventModel], ...]:
        """Return the events to subscribe to."""
        people: tuple[type[EventModel], ...] = () if self._person is None else (PersonChangedV1,)
        roles: tuple[type[EventModel], ...] = () if self._role is None else (RoleChangedV1,)
        return (UnitChangedV1, UnitsChangedV1, DirectoryLoadedV1, *people, *roles)

    async def handle(self, session: AsyncSession, event: EventModel, _: object = None) -> None:
        """Apply one event (a subscription's handler). A bulk load enqueues a rebuild."""
        match event:
            case UnitChangedV1():
                await self._put_units(session, [event])
            case UnitsChangedV1():
                # In one order everywhere: two batches with common units wait for each other, not in a circle.
                await self._put_units(session, sorted(event.units, key=lambda unit: unit.unit_id))
            case PersonChangedV1() if self._person is not None:
                await put(session, self._person, "sub", [event.model_dump()])
            case RoleChangedV1() if self._role is not None:
                await put(session, self._role, "code", [event.model_dump()])
            case DirectoryLoadedV1():
                await self._rebuild(session, Rebuild(units=event.units, people=event.people))
            case _:
                pass

    def rebuilding(self, snapshot: Snapshot) -> Handler[Rebuild]:
        """Return the handler of the rebuild job."""
        staging = Staging(self._unit, self._person, self._former_place, self._tables.snapshots, self._role)
        return Handler(REBUILD, Rebuilder(snapshot, staging).run)

    async def fill(self, database: Database) -> None:
        """Enqueue a rebuild unless one has completed or is pending.

        Call it after the subscriptions are bound, so that changes during the rebuild arrive as events.
        """
        async with database.transaction() as session:
            read = await session.scalar(select(exists(select(self._tables.snapshots.c.id))))
            if not read and not await self._queue.is_pending(session, REBUILD.name):
                await self._rebuild(session, Rebuild())

    async def distrust(self, session: AsyncSession, *, ahead: bool) -> None:
        """Have the next start read the whole snapshot, because the database was restored from a backup.

        A rebuild that was under way ends: it would go on with pages of before. `ahead`: Identity was restored
        to an earlier time than this service, and would be ignored until its versions had caught up, so what
        is here is deleted.
        """
        for state in (State.QUEUED, State.RUNNING):
            for job in await self._queue.list(session, kind=REBUILD.name, state=state):
                await self._queue.end(session, job.id)
        models = (self._unit, self._person, self._former_place) if ahead else ()
        emptied = [model.__tablename__ for model in models if model is not None]
        names = ", ".join([self._tables.snapshots.name, self._tables.staging.name, *emptied])
        await session.execute(text(f"TRUNCATE {names}"))
        if ahead and self._role is not None:
            await session.execute(update(self._role).values(version=0))

    async def _rebuild(self, session: AsyncSession, payload: Rebuild) -> None:
        await self._queue.enqueue(session, REBUILD, payload, dedupe_key=DEDUPE_KEY)

    async def _put_units(self, session: AsyncSession, units: Sequence[UnitChangedV1]) -> None:
        await put(session, self._unit, "id", [_unit_row(unit) for unit in units])
        if self._former_place is not None:
            await self._put_former_places(session, self._former_place, units)

    async def _put_former_places(
        self, session: AsyncSession, model: type[FormerPlaceColumns], units: Sequence[UnitChangedV1]
    ) -> None:
        """Replace the former places of those `units` whose version is current."""
        stored = await session.execute(
            select(self._unit.id, self._unit.version).where(_is_one_of(self._unit.id, units))
        )
        versions = dict(stored.all())
        current = [unit for unit in units if versions[unit.unit_id] == unit.version]
        if not current:
            return
        await session.execute(delete(model).where(_is_one_of(model.unit_id, current)))
        rows = [
            {"unit_id": unit.unit_id, **place.model_dump()}
            for unit in current
            for place in unit.former_places
        ]
        if rows:
            await session.execute(insert(model), rows)


def _is_one_of(column: InstrumentedAttribute[UUID], units: Sequence[UnitChangedV1]) -> ColumnElement[bool]:
    return column == any_(literal([unit.unit_id for unit in units], ARRAY(Uuid)))


def _unit_row(event: UnitChangedV1) -> dict[str, Any]:
    row = event.model_dump()
    row["id"] = row.pop("unit_id")
    return row
