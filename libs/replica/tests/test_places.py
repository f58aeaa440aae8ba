"""Where units stood before is the same in whatever order events arrive, and after a rebuild."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from contracts.identity import DirectoryLoadedV1, UnitChangedV1, UnitPlace, UnitsChangedV1
from servicekit.db import Database
from servicekit.ids import new_id

from .replica_service import FormerPlace, Identity, Unit, rebuilt, replica_of
from .replica_service import apply as apply_events

SCHOOL = uuid5(UUID(int=0), "S1")
PATHS = ("100000.37.A.S1", "100000.37.B.S1")


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


def place(path: str, first: int, last: int) -> UnitPlace:
    return UnitPlace(
        parent_id=None,
        path=path,
        status="active",
        valid_from=year(first),
        valid_to=year(last),
        level="county",
        kind="school",
        stages=["compulsory"],
    )


def school(version: int, path: str, since: datetime | None, *former: UnitPlace) -> UnitChangedV1:
    return UnitChangedV1(
        unit_id=SCHOOL,
        code="S1",
        name="学校",
        short_name="学校",
        level="school",
        kind="school",
        stages=[],
        region_code=None,
        parent_id=None,
        path=path,
        status="active",
        version=version,
        placed_at=since,
        former_places=former,
    )


A, B = PATHS
HISTORY = (
    school(1, A, year(2024)),
    school(2, B, year(2025), place(A, 2024, 2025)),
    school(3, B, year(2025), place(A, 2024, 2025)),  # a rename
    school(4, A, year(2026), place(A, 2024, 2025), place(B, 2025, 2026)),
)


async def apply(database: Database, *events: UnitChangedV1 | UnitsChangedV1) -> None:
    await apply_events(database, replica_of(), *events)


async def rebuild(database: Database, identity: Identity, *snapshot: UnitChangedV1) -> None:
    identity.lists["units"] = snapshot
    await apply_events(database, replica_of(), DirectoryLoadedV1(load_id=new_id(), units=1, people=0))
    await rebuilt(database, identity)


async def stored(database: Database) -> tuple[datetime | None, list[tuple[str, datetime, datetime]]]:
    """Since when the school stands where it stands, and where it stood before."""
    async with database.transaction() as session:
        since = (await session.scalars(select(Unit.placed_at))).one()
        rows = await session.scalars(select(FormerPlace).order_by(FormerPlace.valid_from))
        places = rows.all()
        attributes = [(row.level, row.kind, row.stages) for row in places]
        assert attributes == [("county", "school", ["compulsory"])] * len(places)
        return since, [(row.path, row.valid_from, row.valid_to) for row in places]


PLACES = (year(2026), [(A, year(2024), year(2025)), (B, year(2025), year(2026))])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(HISTORY), repeated=st.lists(st.sampled_from(HISTORY), max_size=4))
def test_places_are_the_same_in_whatever_order_events_arrive(
    database_url: str, order: list[UnitChangedV1], repeated: list[UnitChangedV1]
) -> None:
    async def check() -> None:
        database = Database(database_url, plans="force_custom_plan", pool_size=1)
        try:
            async with database.transaction() as session:
                await session.execute(delete(Unit))
                await session.execute(delete(FormerPlace))
            await apply(database, *order, *repeated)
            assert await stored(database) == PLACES
        finally:
            await database.close()

    asyncio.run(check())


async def test_events_that_were_lost_are_made_up_for_by_a_later_one(database: Database) -> None:
    await apply(database, HISTORY[0], HISTORY[-1])
    assert await stored(database) == PLACES


async def test_a_rebuild_brings_the_places_and_leaves_newer_ones(
    database: Database, identity: Identity
) -> None:
    await apply(database, HISTORY[1])
    await rebuild(database, identity, HISTORY[-1])
    assert await stored(database) == PLACES
    await rebuild(database, identity, HISTORY[1])
    assert await stored(database) == PLACES


async def test_a_rebuild_dates_a_unit_that_was_replicated_without_dates(
    database: Database, identity: Identity
) -> None:
    await apply(database, school(4, A, None))
    assert await stored(database) == (None, [])
    await rebuild(database, identity, HISTORY[-1])
    assert await stored(database) == PLACES


@pytest.mark.parametrize("version", [1, 4])
async def test_two_versions_at_once_end_in_the_newer(database: Database, version: int) -> None:
    other = HISTORY[-1] if version == 1 else HISTORY[0]
    await apply(database, HISTORY[1])
    await asyncio.gather(apply(database, HISTORY[version - 1]), apply(database, other))
    assert await stored(database) == PLACES


def child(version: int, path: str, since: int, *former: UnitPlace) -> UnitChangedV1:
    """A unit below the school, which moves with it."""
    fields = school(version, f"{path}.C1", year(since), *former).model_dump()
    return UnitChangedV1.model_validate({**fields, "unit_id": CHILD, "code": "C1", "parent_id": SCHOOL})


CHILD = uuid5(UUID(int=0), "C1")
CHILDREN = (
    child(1, A, 2024),
    child(2, B, 2025, place(f"{A}.C1", 2024, 2025)),
    child(3, A, 2026, place(f"{A}.C1", 2024, 2025), place(f"{B}.C1", 2025, 2026)),
)
SINGLE = (*HISTORY, *CHILDREN)
BATCHES = (
    UnitsChangedV1(units=(HISTORY[1], CHILDREN[1])),
    # A job announces units in the state in which it finds them.
    UnitsChangedV1(units=(CHILDREN[2], HISTORY[2])),
    UnitsChangedV1(units=(HISTORY[3], CHILDREN[2])),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations((*SINGLE, *BATCHES)),
    lost=st.integers(0, 4),
    repeated=st.lists(st.sampled_from((*SINGLE, *BATCHES)), max_size=5),
)
def test_a_moved_subtree_ends_the_same_before_after_between_or_instead_of_events_of_its_units(
    database_url: str,
    order: list[UnitChangedV1 | UnitsChangedV1],
    lost: int,
    repeated: list[UnitChangedV1 | UnitsChangedV1],
) -> None:
    """The reference model: for each unit, the newest version that any event has brought."""
    arriving = [*order[lost:], *repeated]
    newest: dict[UUID, UnitChangedV1] = {}
    for event in arriving:
        for unit in event.units if isinstance(event, UnitsChangedV1) else (event,):
            known = newest.get(unit.unit_id)
            if known is None or known.version < unit.version:
                newest[unit.unit_id] = unit

    async def check() -> None:
        database = Database(database_url, plans="force_custom_plan", pool_size=1)
        try:
            async with database.transaction() as session:
                await session.execute(delete(Unit))
                await session.execute(delete(FormerPlace))
            await apply(database, *arriving)
            async with database.transaction() as session:
                units = (await session.scalars(select(Unit))).all()
                former = (await session.scalars(select(FormerPlace))).all()
            assert {unit.id: (unit.version, unit.path, unit.placed_at) for unit in units} == {
                unit.unit_id: (unit.version, unit.path, unit.placed_at) for unit in newest.values()
            }
            assert {(row.unit_id, row.path, row.valid_from, row.valid_to) for row in former} == {
                (unit.unit_id, old.path, old.valid_from, old.valid_to)
                for unit in newest.values()
                for old in unit.former_places
            }
        finally:
            await database.close()

    asyncio.run(check())


async def test_batches_that_overlap_wait_for_each_other_and_never_in_a_circle(database: Database) -> None:
    forth = UnitsChangedV1(units=(HISTORY[3], CHILDREN[2]))
    back = UnitsChangedV1(units=(CHILDREN[1], HISTORY[1]))
    for _ in range(5):
        await asyncio.gather(apply(database, forth), apply(database, back))
    assert await stored_of(database, SCHOOL) == PATHS[0]


async def stored_of(database: Database, unit_id: UUID) -> str:
    async with database.transaction() as session:
        return (await session.get_one(Unit, unit_id)).path
