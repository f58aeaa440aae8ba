"""A rebuild reads Identity's snapshot as a job that resumes, and puts it into force at once."""

import asyncio

from sqlalchemy import func, select, text

from contracts.identity import DirectoryLoadedV1
from jobs.kinds import State
from replica.models import UnitColumns
from servicekit.db import Database
from servicekit.ids import new_id

from .replica_service import (
    NOT_KEPT,
    TABLES,
    Identity,
    Unit,
    apply,
    person,
    rebuilds,
    rebuilt,
    replica_of,
    state,
    unit,
    working,
)


def loaded(units: int = 0, people: int = 0) -> DirectoryLoadedV1:
    return DirectoryLoadedV1(load_id=new_id(), units=units, people=people)


def world(identity: Identity, units: int = 5, people: int = 3) -> None:
    identity.lists = {
        "units": [unit(f"37{number:04}") for number in range(units)],
        "people": [person(f"p{number}") for number in range(people)],
    }


async def codes(database: Database) -> set[str]:
    return {row["code"] for row in (await state(database))[0]}


async def test_a_directory_that_was_loaded_is_read_page_by_page(
    database: Database, identity: Identity
) -> None:
    world(identity)
    await apply(database, replica_of(), loaded(5, 3))
    (job,) = await rebuilt(database, identity)
    units, people = await state(database)
    assert {row["code"] for row in units} == {f"37{number:04}" for number in range(5)}
    assert {row["name"] for row in people} == {"p0", "p1", "p2"}
    assert identity.requests == ["units"] * 3 + ["people"] * 2
    assert (job.state, job.done, job.total, job.message) == (State.SUCCEEDED, 8, 8, "已读取单位 5、人员 3")
    assert job.result == {"units": 5, "people": 3}
    assert await staged(database) == 0


async def staged(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(TABLES.staging)) or 0


async def test_a_unit_is_read_whole(database: Database, identity: Identity) -> None:
    event = unit("370102", path="100000.370000.370100.370102", region_code=None)
    identity.lists["units"] = [event]
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    expected = event.model_dump(exclude=NOT_KEPT)
    expected["id"] = expected.pop("unit_id")
    assert (await state(database))[0] == [expected]


async def test_the_event_of_a_load_only_asks_for_a_rebuild(database: Database, identity: Identity) -> None:
    world(identity)
    await apply(database, replica_of(), loaded(), loaded())
    assert identity.requests == []
    # Two loads that are announced before the rebuild begins are one rebuild.
    (job,) = await rebuilds(database)
    assert job.state == State.QUEUED


async def test_a_load_that_is_announced_during_a_rebuild_is_read_by_another(
    database: Database, identity: Identity
) -> None:
    world(identity, people=0)
    replica = replica_of()

    async def announce(_: str) -> None:
        if len(identity.requests) == 1:
            identity.before = None
            await apply(database, replica, loaded())

    identity.before = announce
    await apply(database, replica, loaded())
    assert [job.state for job in await rebuilt(database, identity)] == [State.SUCCEEDED] * 2
    assert [start for what, start in identity.cursors if what == "units"] == [0, 2, 4, 0, 2, 4]


async def test_a_rebuild_that_fails_goes_on_at_its_cursor(database: Database, identity: Identity) -> None:
    world(identity)
    identity.breaks_after = 2
    await apply(database, replica_of(), loaded())
    (job,) = await rebuilt(database, identity)
    assert job.state == State.SUCCEEDED
    assert identity.cursors == [("units", 0), ("units", 2), ("units", 4), ("people", 0), ("people", 2)]
    assert len(await codes(database)) == 5


async def test_a_rebuild_whose_worker_stops_goes_on_at_its_cursor(
    database: Database, identity: Identity
) -> None:
    world(identity)
    held = asyncio.Event()

    async def hold(_: str) -> None:
        if len(identity.requests) == 2:
            held.set()
            await asyncio.Event().wait()

    identity.before = hold
    await apply(database, replica_of(), loaded())
    async with working(database, identity):
        await held.wait()
    identity.before = None
    await rebuilt(database, identity)
    assert identity.cursors == [("units", 0), ("units", 2), ("units", 4), ("people", 0), ("people", 2)]
    assert len(await codes(database)) == 5


async def test_no_transaction_is_open_while_a_page_is_read(database: Database, identity: Identity) -> None:
    world(identity)
    open_transactions: list[int] = []

    async def look(_: str) -> None:
        # Longer than the transactions of this test's own look at the jobs.
        await asyncio.sleep(0.2)
        async with database.transaction() as session:
            open_transactions.append(
                await session.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                        "AND state LIKE 'idle in transaction%' AND xact_start < now() - interval '0.15 s'"
                    )
                )
                or 0
            )

    identity.before = look
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    assert open_transactions == [0] * 5


async def test_nothing_is_in_force_before_all_has_been_read(database: Database, identity: Identity) -> None:
    world(identity)
    seen: list[int] = []

    async def look(_: str) -> None:
        seen.append(len(await codes(database)))

    identity.before = look
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    assert seen == [0] * 5
    assert len(await codes(database)) == 5


async def test_one_token_reads_all_pages(database: Database, identity: Identity) -> None:
    world(identity)
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    assert identity.tokens == 1


async def test_a_token_is_replaced_before_it_expires_and_when_it_is_refused(
    database: Database, identity: Identity
) -> None:
    world(identity)
    identity.token_seconds = 0
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    assert identity.tokens == 5
    identity.token_seconds = 300

    def withdraw(_: str) -> None:
        if len(identity.requests) == 7:
            identity.before = None
            identity.valid_token = 0

    identity.before = withdraw
    await apply(database, replica_of(), loaded())
    (job, _) = await rebuilt(database, identity)
    assert (job.state, identity.tokens) == (State.SUCCEEDED, 7)


async def test_a_rebuild_never_overwrites_what_an_event_brought_meanwhile(
    database: Database, identity: Identity
) -> None:
    replica = replica_of()
    await apply(database, replica, unit("370102", 5, name="新"), person("zhang", 5, status="suspended"))
    identity.lists = {
        "units": [unit("370102", 4, name="旧"), unit("370103", 9), unit("370104", 1)],
        "people": [person("zhang", 4)],
    }

    async def bring(_: str) -> None:
        identity.before = None
        await apply(database, replica, unit("370103", 10, name="更新"), unit("370105", 1))

    identity.before = bring
    await apply(database, replica, loaded(2, 1))
    await rebuilt(database, identity)
    units, people = await state(database)
    found = {row["short_name"]: (row["name"], row["version"]) for row in units}
    assert found["370102"] == ("新", 5)
    assert found["370103"] == ("更新", 10)
    # 370105 is not in the snapshot: it was read past before an event brought it.
    assert set(found) == {"370102", "370103", "370104", "370105"}
    assert people[0]["status"] == "suspended"


async def test_what_the_snapshot_no_longer_has_goes(database: Database, identity: Identity) -> None:
    replica = replica_of()
    await apply(database, replica, unit("370102"), unit("370103"), person("zhang"), person("li"))
    identity.lists = {"units": [unit("370102")], "people": [person("li")]}
    await apply(database, replica, loaded())
    await rebuilt(database, identity)
    units, people = await state(database)
    assert ([row["code"] for row in units], [row["name"] for row in people]) == (["370102"], ["li"])


async def test_an_empty_snapshot_never_empties_a_replica(database: Database, identity: Identity) -> None:
    replica = replica_of()
    await apply(database, replica, unit("370102"), loaded())
    (job,) = await rebuilt(database, identity)
    assert (job.state, job.error) == (
        State.DEAD,
        "PermanentFailure: the snapshot has no units, the replica has some",
    )
    assert await codes(database) == {"370102"}


async def test_rows_that_stay_as_they_are_are_not_written(database: Database, identity: Identity) -> None:
    world(identity)
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    before = await written(database, Unit)
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    assert await written(database, Unit) == before


async def written(database: Database, model: type[UnitColumns]) -> list[tuple[str, str]]:
    """Which transactions wrote the rows."""
    async with database.transaction() as session:
        rows = await session.execute(
            text(f"SELECT id::text, xmin::text FROM {model.__tablename__} ORDER BY id")
        )
        return list(rows)


async def test_a_field_that_is_new_reaches_rows_of_the_same_version(
    database: Database, identity: Identity
) -> None:
    await apply(database, replica_of(), unit("370102", 3))
    async with database.transaction() as session:
        await session.execute(text("UPDATE units SET stages = '{}'"))
    identity.lists["units"] = [unit("370102", 3)]
    await apply(database, replica_of(), loaded())
    await rebuilt(database, identity)
    assert (await state(database))[0][0]["stages"] == ["compulsory", "general_high"]


async def test_a_service_that_needs_no_people_does_not_read_them(
    database: Database, identity: Identity
) -> None:
    world(identity)
    await apply(database, replica_of(people=False), loaded(5, 3))
    (job,) = await rebuilt(database, identity, people=False)
    assert identity.requests == ["units"] * 3
    assert (job.total, job.message) == (5, "已读取单位 5")
    assert (await state(database))[1] == []


async def test_an_empty_replica_is_filled_once_identity_can_be_reached(
    database: Database, identity: Identity
) -> None:
    identity.away = 3
    world(identity, people=0)
    for _ in range(2):
        await replica_of().fill(database)
    (job,) = await rebuilt(database, identity)
    assert (job.state, identity.away) == (State.SUCCEEDED, 0)
    assert len(await codes(database)) == 5


async def test_a_unit_that_an_event_brought_first_does_not_stand_for_the_snapshot(
    database: Database, identity: Identity
) -> None:
    world(identity, people=0)
    await apply(database, replica_of(), unit("370000"))
    await replica_of().fill(database)
    await rebuilt(database, identity)
    assert len(await codes(database)) == 5


async def test_a_replica_that_has_read_the_snapshot_asks_for_nothing_at_start(
    database: Database, identity: Identity
) -> None:
    world(identity, people=0)
    await replica_of().fill(database)
    await rebuilt(database, identity)
    await replica_of().fill(database)
    assert len(await rebuilds(database)) == 1


async def test_a_restored_database_reads_the_snapshot_anew_and_not_on_from_older_pages(
    database: Database, identity: Identity
) -> None:
    world(identity, people=0)
    await replica_of().fill(database)
    await rebuilt(database, identity)
    async with database.transaction() as session:
        await session.execute(
            text("INSERT INTO replica_staging SELECT 'units', id, to_jsonb(units) FROM units")
        )
    # Asked for before the moment of the backup, and not done in it.
    await apply(database, replica_of(), loaded())
    async with database.transaction() as session:
        await replica_of().distrust(session, ahead=False)
    assert [job.state for job in await rebuilds(database)] == [State.CANCELLED, State.SUCCEEDED]
    assert await staged(database) == 0
    assert len(await codes(database)) == 5
    identity.lists["units"] = [unit("370000", 2), unit("370001")]
    await replica_of().fill(database)
    await rebuilt(database, identity, others=(State.CANCELLED,))
    assert await codes(database) == {"370000", "370001"}


async def test_a_replica_ahead_of_a_restored_identity_is_emptied(
    database: Database, identity: Identity
) -> None:
    await apply(database, replica_of(), unit("370000", 7), person("p", 7))
    async with database.transaction() as session:
        await replica_of().distrust(session, ahead=True)
    assert await state(database) == ([], [])
    identity.lists["units"] = [unit("370000", 3)]
    await replica_of().fill(database)
    await rebuilt(database, identity)
    assert [row["version"] for row in (await state(database))[0]] == [3]


async def test_a_rebuild_that_is_dead_does_not_stand_for_the_snapshot(
    database: Database, identity: Identity
) -> None:
    await apply(database, replica_of(), unit("370000"))
    await replica_of().fill(database)
    (dead,) = await rebuilt(database, identity)
    assert dead.state == State.DEAD
    world(identity)
    await replica_of().fill(database)
    assert [job.state for job in await rebuilt(database, identity)] == [State.SUCCEEDED, State.DEAD]
