"""A unit's code is never changed and never used again, and each state of a unit has its own date."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from identity.audit.service import AuditLog
from identity.units.changes import Occasion, day_of
from identity.units.errors import UnitCodeTaken
from identity.units.models import Unit, UnitChange
from identity.units.schemas import RenameIn, UnitIn
from identity.units.service import Units
from identity.units.structure import UnitTree
from servicekit.etags import SeenVersions
from testkit.clock import FrozenClock
from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def opened(session: AsyncSession, clock: FrozenClock) -> tuple[Units, Principal, Unit]:
    """A school below the county, opened by somebody who acts for the centre."""
    units = Units(session, clock, AuditLog(session, clock))
    centre, county = await units.by_code("100000"), await units.by_code("370102")
    acting = Acting(centre.id, centre.path, centre.level, centre.kind, frozenset({"unit_admin"}))
    by = Principal(str(UUID(int=1)), "portal", frozenset(), clock.now(), clock.now(), "x", acting=acting)
    return units, by, await units.create(by, school(county.id))


def school(parent_id: UUID) -> UnitIn:
    return UnitIn(
        parent_id=parent_id,
        code="S3701029001",
        name="新建小学",
        level="school",
        kind="school",
        stages=["compulsory"],
    )


ANY = SeenVersions(frozenset({"*"}))


async def close(session: AsyncSession, clock: FrozenClock, unit: Unit) -> None:
    occasion = Occasion(clock.now(), None, day_of(clock.now()))
    await UnitTree(session, clock).close(unit, occasion)


async def test_the_code_of_a_closed_unit_is_not_given_to_another_one(
    app: FastAPI, clock: FrozenClock
) -> None:
    async with app.state.database.transaction() as session:
        units, by, unit = await opened(session, clock)
        assert unit.parent_id is not None
        await close(session, clock, unit)
        with pytest.raises(UnitCodeTaken):
            await units.create(by, school(unit.parent_id))


@pytest.mark.parametrize(
    "statement", ["UPDATE units SET code = 'S9' WHERE id = :id", "DELETE FROM units WHERE id = :id"]
)
async def test_the_database_refuses_to_free_a_code(app: FastAPI, clock: FrozenClock, statement: str) -> None:
    async with app.state.database.transaction() as session:
        _, _, unit = await opened(session, clock)
    with pytest.raises(DBAPIError, match="never changed or used again"):
        async with app.state.database.transaction() as session:
            await session.execute(text(statement), {"id": unit.id})


async def test_a_rename_is_dated_when_it_happens(app: FastAPI, clock: FrozenClock) -> None:
    """It was once dated when the unit had been opened, or closed."""
    begun = clock.now()
    async with app.state.database.transaction() as session:
        units, by, unit = await opened(session, clock)
        clock.advance(timedelta(days=30))
        await units.rename(by, unit.id, RenameIn(name="新建第一小学", reason="更名"), ANY)
        clock.advance(timedelta(days=30))
        await close(session, clock, unit)
        dates = await session.scalars(
            select(UnitChange.changed_at).where(UnitChange.unit_id == unit.id).order_by(UnitChange.version)
        )
        assert [(at - begun).days for at in dates] == [0, 30, 60]
