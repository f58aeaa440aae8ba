"""Keeps the copies: newest version wins, whatever the order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import structlog
from sqlalchemy import Table, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import EventModel
from contracts.identity import DirectoryLoadedV1, PersonChangedV1, UnitChangedV1
from replica.models import PersonColumns, UnitColumns
from replica.snapshot import Snapshot
from servicekit.db import Database
from servicekit.ids import new_id

log = structlog.get_logger("replica")

_RETRY_SECONDS = 1.0


class Replica:
    """The copies of one service; `snapshots` is the table of `make_snapshot_table`, `person` is None in a
    service that needs no people.
    """

    def __init__(
        self,
        unit: type[UnitColumns],
        snapshot: Snapshot,
        snapshots: Table,
        *,
        person: type[PersonColumns] | None = None,
    ) -> None:
        self._unit = unit
        self._snapshots = snapshots
        self._person = person
        self._snapshot = snapshot

    @property
    def types(self) -> tuple[type[EventModel], ...]:
        """The events to subscribe to."""
        people: tuple[type[EventModel], ...] = () if self._person is None else (PersonChangedV1,)
        return (UnitChangedV1, DirectoryLoadedV1, *people)

    async def handle(self, session: AsyncSession, event: EventModel, _: object = None) -> None:
        """Apply one event (a subscription's handler)."""
        match event:
            case UnitChangedV1():
                await self._put(session, self._unit, "id", [_unit_row(event)])
            case PersonChangedV1() if self._person is not None:
                await self._put(session, self._person, "sub", [event.model_dump()])
            case DirectoryLoadedV1():
                await self.rebuild(session)
            case _:
                pass

    async def rebuild(self, session: AsyncSession) -> None:
        """Read the whole snapshot. What events have brought meanwhile and is newer stays."""
        count = 0
        async for units in self._snapshot.units():
            await self._put(session, self._unit, "id", [_unit_row(unit) for unit in units])
            count += len(units)
        if self._person is not None:
            async for people in self._snapshot.people():
                await self._put(session, self._person, "sub", [person.model_dump() for person in people])
        await session.execute(insert(self._snapshots).values(id=new_id(), units=count))
        log.info("replica rebuilt", units=count)

    @contextlib.asynccontextmanager
    async def filled(self, database: Database) -> AsyncIterator[None]:
        """Read the snapshot in the background unless one has been read before.

        Enter this after the subscriptions are bound: what changes while the snapshot is read arrives as
        events then.
        """
        task = asyncio.create_task(self._fill(database), name="replica")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _fill(self, database: Database) -> None:
        while True:
            try:
                async with database.transaction() as session:
                    if not await session.scalar(select(exists(select(self._snapshots.c.id)))):
                        await self.rebuild(session)
                return
            except httpx.HTTPError as error:
                log.info("identity not reachable yet", error=type(error).__name__)
            except Exception:
                log.warning("replica not filled", exc_info=True)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _put(self, session: AsyncSession, model: Any, key: str, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = insert(model)
        newer = {name: statement.excluded[name] for name in rows[0] if name != key}
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[key],
                set_={**newer, "replicated_at": func.now()},
                where=model.version < statement.excluded.version,
            ),
            rows,
        )


def _unit_row(event: UnitChangedV1) -> dict[str, Any]:
    row = event.model_dump()
    row["id"] = row.pop("unit_id")
    return row
