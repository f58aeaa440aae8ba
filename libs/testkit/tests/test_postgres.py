"""Databases are migrated once, cloned per test, and never shared."""

import asyncio
import functools

import pytest

from testkit.backends.postgresql import connect
from testkit.plugin import DatabaseFactory
from testkit.postgres import Templates, create_database, database_url, drop_all

migrated: list[str] = []


async def migrate(url: str) -> None:
    migrated.append(url)
    connection = await connect(url)
    await connection.execute(
        "CREATE EXTENSION ltree; CREATE TABLE unit (path ltree); INSERT INTO unit VALUES ('a.b')"
    )
    await connection.close()


def migrate_in_thread(url: str, label: str = "") -> None:
    # As alembic's env.py does.
    asyncio.run(migrate(url))


async def leaky(url: str) -> None:
    leaked.append(await connect(url))


leaked: list[object] = []


async def failing(url: str) -> None:
    raise LookupError("no such revision")


async def rows(url: str) -> int:
    connection = await connect(url)
    count: int = await connection.fetchval("SELECT count(*) FROM unit")
    await connection.close()
    return count


async def test_a_service_is_migrated_once_and_cloned_for_each_database(
    database_factory: DatabaseFactory,
) -> None:
    migrated.clear()
    first, second = await asyncio.gather(database_factory("once", migrate), database_factory("once", migrate))
    connection = await connect(first)
    await connection.execute("DELETE FROM unit")
    await connection.close()
    assert (await rows(first), await rows(second)) == (0, 1)
    assert await rows(await database_factory("once", migrate)) == 1, "a later test gets the migrated state"
    assert len(migrated) == 1


async def test_a_plain_migration_may_run_a_loop_of_its_own(database_factory: DatabaseFactory) -> None:
    url = await database_factory("threaded", functools.partial(migrate_in_thread, label="x"))
    assert await rows(url) == 1


async def test_without_a_migration_the_database_is_empty(database_factory: DatabaseFactory) -> None:
    connection = await connect(await database_factory("once"))
    assert await connection.fetchval("SELECT to_regclass('unit')") is None
    await connection.close()


async def test_connections_that_a_migration_left_open_do_not_matter(
    database_factory: DatabaseFactory,
) -> None:
    await database_factory("leaky", leaky)
    await database_factory("leaky", leaky)
    assert len(leaked) == 1


async def test_a_failed_migration_is_told_and_leaves_no_database(postgres_server: str) -> None:
    templates = Templates(postgres_server)
    with pytest.raises(LookupError, match="no such revision"):
        await templates.new_database("failing", failing)
    connection = await connect(postgres_server)
    left = await connection.fetchval(
        "SELECT count(*) FROM pg_database WHERE datname LIKE $1", f"zx_{templates.run_id}%"
    )
    await connection.close()
    assert left == 0


async def test_processes_of_a_run_share_what_is_migrated(postgres_server: str) -> None:
    """Two `Templates` stand for two processes."""
    one = Templates(postgres_server)
    other = Templates(postgres_server, one.run_id)
    migrated.clear()
    try:
        urls = await asyncio.gather(*(each.new_database("shared", migrate) for each in (one, other, other)))
        assert len(set(urls)) == 3
        assert len(migrated) == 1
    finally:
        await drop_all(postgres_server, one.run_id)
    connection = await connect(postgres_server)
    left = await connection.fetchval(
        "SELECT count(*) FROM pg_database WHERE datname LIKE $1", f"zx_{one.run_id}%"
    )
    await connection.close()
    assert left == 0


async def test_a_template_that_a_killed_process_left_half_done_is_made_anew(postgres_server: str) -> None:
    templates = Templates(postgres_server)
    try:
        name = await templates.template("half", migrate)
        connection = await connect(postgres_server)
        await connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        await connection.close()
        migrated.clear()
        url = await Templates(postgres_server, templates.run_id).new_database("half", migrate)
        assert (len(migrated), await rows(url)) == (1, 1)
    finally:
        await drop_all(postgres_server, templates.run_id)


async def test_only_plain_names_are_taken(postgres_server: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        await create_database(postgres_server, 'x"; DROP DATABASE y')


async def test_a_database_of_somebody_else_is_never_dropped(postgres_server: str) -> None:
    with pytest.raises(ValueError, match="this session"):
        Templates(postgres_server).discard(database_url(postgres_server, "postgres"))
