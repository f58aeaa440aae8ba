"""What other services learn about units."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from contracts.identity import UnitChangedV1, UnitPlace
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.units.models import Unit, UnitChange
from identity.units.schemas import ChangeIn, UnitIn
from identity.units.service import Units
from identity.units.structure import UnitTree
from servicekit.db import Database
from testkit.clock import FrozenClock
from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def units_of(session: AsyncSession, clock: FrozenClock) -> Units:
    return Units(session, clock, AuditLog(session, clock))


async def administrator(database: Database, clock: FrozenClock) -> Principal:
    """Somebody who acts for the centre."""
    async with database.transaction() as session:
        centre = await units_of(session, clock).by_code("100000")
    acting = Acting(centre.id, centre.path, centre.level, centre.kind, frozenset({"unit_admin"}))
    now = clock.now()
    return Principal(str(UUID(int=1)), "portal", frozenset(), now, now, "x", acting=acting)


async def sent(session: AsyncSession, unit: Unit) -> UnitChangedV1:
    """The event of the transaction, before the relay takes it away; an earlier one may still be there."""
    of_unit = select(outbox.row).where(outbox.row.subject == str(unit.id))
    row = (await session.scalars(of_unit.order_by(outbox.row.seq.desc()).limit(1))).one()
    return UnitChangedV1.model_validate(row.data)


async def opened(database: Database, clock: FrozenClock) -> tuple[Unit, UnitChangedV1]:
    by = await administrator(database, clock)
    async with database.transaction() as session:
        county = await units_of(session, clock).by_code("370102")
        new = UnitIn(
            parent_id=county.id,
            code="S3701029001",
            name="新建小学",
            level="school",
            kind="school",
            stages=["compulsory"],
        )
        unit = await units_of(session, clock).create(by, new)
        return unit, await sent(session, unit)


async def snapshot_of(database: Database, clock: FrozenClock, unit_id: UUID) -> UnitChangedV1:
    async with database.transaction() as session:
        units = await units_of(session, clock).snapshot(None, 1000)
    return next(unit for unit in units if unit.unit_id == unit_id)


async def test_an_event_says_since_when_the_unit_stands_there_and_where_it_stood_before(
    app: FastAPI, clock: FrozenClock
) -> None:
    database: Database = app.state.database
    opened_at = clock.now()
    unit, first = await opened(database, clock)
    clock.advance(timedelta(days=30))
    by = await administrator(database, clock)
    async with database.transaction() as session:
        tree = UnitTree(session, clock)
        occasion = tree.occasion(by, ChangeIn(reason="布局调整"))
        await tree.close(await tree.to_close(by, unit.id), occasion)
        second = await sent(session, unit)
    assert (first.placed_at, first.former_places) == (opened_at, ())
    assert (second.status, second.placed_at) == ("closed", clock.now())
    assert second.former_places == (
        UnitPlace(
            parent_id=unit.parent_id,
            path=unit.path,
            status="active",
            valid_from=opened_at,
            valid_to=clock.now(),
            level=unit.level,
            kind=unit.kind,
            stages=sorted(unit.stages),
        ),
    )
    assert await snapshot_of(database, clock, unit.id) == second


async def test_the_snapshot_carries_the_places_of_a_unit_that_has_moved(
    app: FastAPI, clock: FrozenClock
) -> None:
    database: Database = app.state.database
    opened_at = clock.now()
    unit, _ = await opened(database, clock)
    clock.advance(timedelta(days=30))
    async with database.transaction() as session:
        city = await units_of(session, clock).by_code("370100")
        moved = await session.get_one(Unit, unit.id)
        moved.parent_id, moved.path, moved.version = city.id, f"{city.path}.{unit.code}", 2
        session.add(UnitChange(unit_id=unit.id, version=2, changed_at=clock.now(), state=moved.snapshot()))
    event = await snapshot_of(database, clock, unit.id)
    assert (event.path, event.placed_at) == (f"{city.path}.{unit.code}", clock.now())
    assert [(place.path, place.valid_from, place.valid_to) for place in event.former_places] == [
        (unit.path, opened_at, clock.now())
    ]


async def test_a_unit_at_the_top_has_a_place_without_a_parent(app: FastAPI, clock: FrozenClock) -> None:
    async with app.state.database.transaction() as session:
        centre = await units_of(session, clock).by_code("100000")
    event = await snapshot_of(app.state.database, clock, centre.id)
    assert (event.parent_id, event.placed_at) == (None, centre.opened_at)
