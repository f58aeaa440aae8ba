"""The copies end the same in whatever order events arrive."""

import asyncio
from uuid import uuid5

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from contracts import EventModel
from contracts.identity import DirectoryLoadedV1, PersonChangedV1, UnitChangedV1, UnitsChangedV1
from servicekit.db import Database
from servicekit.ltree import under

from .replica_service import NAMES, NOT_KEPT, Person, Unit, apply, person, replica_of, state, unit

HISTORY: list[EventModel] = [
    unit("370102"),
    unit("370102", 2, name="历下区学生资助中心"),
    unit("370102", 3, status="closed", stages=[], region_code=None),
    unit("370103", path="100000.370000.370103"),
    # The code of a unit that took another passes to a new unit.
    unit("370103", 2, code="370103X"),
    unit("new", 1, code="370103"),
    person("zhang"),
    person("zhang", 2, unit_id=uuid5(NAMES, "370102"), unit_path="100000.370102", roles=["handler"]),
    person("zhang", 3, status="suspended"),
    person("li", 7, unit_path="100000.370000.370103"),
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(HISTORY), repeated=st.lists(st.sampled_from(HISTORY), max_size=5))
def test_every_order_and_repetition_of_events_ends_in_the_same_state(
    database_url: str, order: list[EventModel], repeated: list[EventModel]
) -> None:
    async def check() -> None:
        database = Database(database_url, plans="force_custom_plan", pool_size=1)
        try:
            async with database.transaction() as session:
                await session.execute(delete(Unit))
                await session.execute(delete(Person))
            await apply(database, replica_of(), *order, *repeated)
            units, people = await state(database)
            assert {row["id"]: (row["version"], row["code"], row["status"]) for row in units} == {
                uuid5(NAMES, "370102"): (3, "370102", "closed"),
                uuid5(NAMES, "370103"): (2, "370103X", "active"),
                uuid5(NAMES, "new"): (1, "370103", "active"),
            }
            assert {row["name"]: (row["version"], row["status"]) for row in people} == {
                "zhang": (3, "suspended"),
                "li": (7, "active"),
            }
        finally:
            await database.close()

    asyncio.run(check())


async def test_a_unit_is_kept_whole_and_found_by_reach(database: Database) -> None:
    event = unit("370102", path="100000.370000.370100.370102", parent_id=uuid5(NAMES, "370100"))
    await apply(database, replica_of(), event)
    units, _ = await state(database)
    expected = event.model_dump(exclude=NOT_KEPT)
    expected["id"] = expected.pop("unit_id")
    assert units == [expected]
    async with database.transaction() as session:
        assert (await session.scalars(select(Unit.code).where(under(Unit.path, "100000.370000")))).all() == [
            "370102"
        ]
        assert (await session.scalars(select(Unit.code).where(under(Unit.path, "100000.320000")))).all() == []


async def test_a_service_that_needs_no_people_does_not_subscribe_to_them(database: Database) -> None:
    replica = replica_of(people=False)
    assert set(replica.types) == {UnitChangedV1, UnitsChangedV1, DirectoryLoadedV1}
    assert set(replica_of().types) == {
        UnitChangedV1,
        UnitsChangedV1,
        PersonChangedV1,
        DirectoryLoadedV1,
    }
    await apply(database, replica, person("li"))
    assert (await state(database))[1] == []


async def test_an_additional_optional_field_of_an_event_is_ignored(database: Database) -> None:
    class UnitWithMore(UnitChangedV1):
        type = "zhuxue.identity.unit.changed.test"
        phone: str | None = None

    class PersonWithMore(PersonChangedV1):
        type = "zhuxue.identity.person.changed.test"
        nickname: str | None = None

    more = UnitWithMore(**unit("370102").model_dump(), phone="010")
    someone = PersonWithMore(**person("zhang").model_dump(), nickname="小张")
    await apply(database, replica_of(), more, someone)
    units, people = await state(database)
    assert ([row["code"] for row in units], [row["name"] for row in people]) == (["370102"], ["zhang"])
