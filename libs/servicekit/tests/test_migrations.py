"""The check that every service runs over its migrations finds what it is there to find."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from contracts.vocabulary import Vocabulary
from servicekit import migrations
from servicekit.db import Database, new_metadata
from servicekit.ltree import LTree
from servicekit.words import Word, known
from testkit.plugin import DatabaseFactory

ENV = """
from alembic import context
from servicekit.migrations import run_env
from sqlalchemy import MetaData

run_env(context.config, MetaData())
"""
REVISION = """
import sqlalchemy as sa
from alembic import op
from servicekit.ltree import LTree

revision = {revision!r}
down_revision = {down!r}


def upgrade() -> None:
    {body}
"""
CREATE = """op.execute("CREATE EXTENSION IF NOT EXISTS ltree")
    op.create_table(
        "places",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", LTree(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
    )
    op.create_index("ix_places_path", "places", ["path"], postgresql_using="gist")"""


def places(*more: Column[Any], without: str = "") -> MetaData:
    metadata = new_metadata()
    columns: tuple[Column[Any], ...] = (
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False),
        Column("path", LTree, nullable=False),
        *more,
    )
    table = Table("places", metadata, *(column for column in columns if column.name != without))
    if without != "path":
        Index("ix_places_path", table.c.path, postgresql_using="gist")
    return metadata


def revisions(directory: Path, *bodies: tuple[str, str | None, str]) -> Path:
    (directory / "versions").mkdir(parents=True)
    (directory / "env.py").write_text(ENV)
    for revision, down, body in bodies:
        content = REVISION.format(revision=revision, down=down, body=body)
        (directory / "versions" / f"{revision}.py").write_text(content)
    return directory


async def test_migrations_that_make_the_models_pass(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    directory = revisions(tmp_path / "m", ("0001", None, CREATE))
    assert await migrations.check(directory, places(), await database_factory("migrations")) == []


async def test_a_column_that_only_the_model_has_is_found(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    directory = revisions(tmp_path / "m", ("0001", None, CREATE))
    found = await migrations.check(
        directory, places(Column("extra", Text)), await database_factory("migrations")
    )
    assert found == ["models and migrations differ: add_column None places places.extra"]


async def test_a_column_that_only_the_database_has_is_found(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    directory = revisions(tmp_path / "m", ("0001", None, CREATE))
    found = await migrations.check(directory, places(without="name"), await database_factory("migrations"))
    assert found == ["models and migrations differ: remove_column None places places.name"]


async def test_another_type_or_nullability_is_found(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    other = CREATE.replace('"name", sa.Text(), nullable=False', '"name", sa.Integer(), nullable=True')
    directory = revisions(tmp_path / "m", ("0001", None, other))
    found = await migrations.check(directory, places(), await database_factory("migrations"))
    assert len(found) == 2
    assert "modify_nullable" in found[0] + found[1]
    assert "modify_type" in found[0] + found[1]


async def test_a_path_that_is_text_in_the_database_is_found(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    other = CREATE.replace("LTree()", "sa.Text()").replace(', postgresql_using="gist"', "")
    directory = revisions(tmp_path / "m", ("0001", None, other))
    [found] = await migrations.check(directory, places(), await database_factory("migrations"))
    assert "modify_type" in found


async def test_two_heads_are_found(tmp_path: Path, database_factory: DatabaseFactory) -> None:
    directory = revisions(
        tmp_path / "m", ("0001", None, CREATE), ("0002a", "0001", "pass"), ("0002b", "0001", "pass")
    )
    found = await migrations.check(directory, places(), await database_factory("migrations"))
    assert found == ["2 heads instead of one: 0002a, 0002b"]


async def test_a_migration_that_does_not_run_is_found(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    directory = revisions(tmp_path / "m", ("0001", None, 'op.execute("CREATE NONSENSE")'))
    [found] = await migrations.check(directory, places(), await database_factory("migrations"))
    assert "does not come up from empty" in found
    assert "NONSENSE" in found


async def test_two_migration_jobs_at_once_wait_for_each_other(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("migrations")
    directory = revisions(tmp_path / "m", ("0001", None, CREATE))
    await asyncio.gather(migrations.upgrade(directory, url), migrations.upgrade(directory, url))
    assert await migrations.check(directory, places(), url) == []


async def test_a_job_waits_for_another_longer_than_it_would_for_a_table(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("migrations")
    directory = revisions(tmp_path / "m", ("0001", None, CREATE))
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(text(f"SELECT pg_advisory_xact_lock({migrations._LOCK})"))
        started = time.monotonic()
        waiting = asyncio.create_task(migrations.upgrade(directory, url))
        await asyncio.sleep(5.5)
        assert not waiting.done()
    await waiting
    assert time.monotonic() - started > 5
    await database.close()


# --- indexes built concurrently ---

INDEX = """from servicekit.migrations import create_index_concurrently
    create_index_concurrently("ix_places_name", "ON places (name)"{options})"""


def named() -> MetaData:
    metadata = places()
    Index("ix_places_name", metadata.tables["places"].c.name)
    return metadata


async def test_an_index_is_built_concurrently_under_lock_and_lock_timeout(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("migrations")
    # The migration itself says what it runs under, before and after the index.
    note = f"""op.execute(
        "INSERT INTO places SELECT {{id}}, concat_ws(' ', current_setting('lock_timeout'), "
        "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() "
        "AND objid = {migrations._LOCK})), '{{id}}'"
    )"""
    body = "\n    ".join([note.format(id=1), INDEX.format(options=""), note.format(id=2)])
    directory = revisions(tmp_path / "m", ("0001", None, CREATE), ("0002", "0001", body))
    assert await migrations.check(directory, named(), url) == []
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        assert (await session.scalars(text("SELECT name FROM places ORDER BY id"))).all() == ["5s 1", "5s 1"]
        # The lock is free again.
        assert await session.scalar(text(f"SELECT pg_try_advisory_xact_lock({migrations._LOCK})"))
    await database.close()


async def test_another_job_that_waits_does_not_hold_up_an_index_built_concurrently(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("migrations")
    directory = revisions(tmp_path / "m", ("0001", None, CREATE), ("0002", "0001", INDEX.format(options="")))
    program = "import asyncio, pathlib, sys; from servicekit.migrations import upgrade; "
    program += "asyncio.run(upgrade(pathlib.Path(sys.argv[1]), sys.argv[2]))"
    # Processes: in one process they would wait for each other before they reach the database.
    jobs = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(directory), url, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    ended = await asyncio.gather(*(job.communicate() for job in jobs))
    assert [job.returncode for job in jobs] == [0, 0, 0], ended
    assert await migrations.check(directory, named(), url) == []


async def test_the_index_of_a_failed_attempt_is_built_again(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("migrations")
    directory = revisions(
        tmp_path / "m", ("0001", None, CREATE), ("0002", "0001", INDEX.format(options=", unique=True"))
    )
    database = Database(url, plans="force_custom_plan", pool_size=1)
    await migrations.upgrade(directory, url, "0001")
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO places VALUES (1, 'same', '1'), (2, 'same', '2')"))
    with pytest.raises(IntegrityError):
        await migrations.upgrade(directory, url)
    async with database.transaction() as session:
        invalid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_places_name'::regclass"
        assert await session.scalar(text(invalid)) is False
        await session.execute(text("DELETE FROM places WHERE id = 2"))
    await migrations.upgrade(directory, url)
    # A third run, whose record of the second was lost, finds the index in its place.
    async with database.transaction() as session:
        assert await session.scalar(text(invalid)) is True
        await session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    await migrations.upgrade(directory, url)
    await database.close()


async def test_an_index_built_concurrently_waits_no_longer_than_the_lock_timeout(
    tmp_path: Path, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("migrations")
    directory = revisions(tmp_path / "m", ("0001", None, CREATE), ("0002", "0001", INDEX.format(options="")))
    await migrations.upgrade(directory, url, "0001")
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE places IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with asyncio.timeout(30):
                await migrations.upgrade(directory, url)
    await migrations.upgrade(directory, url)
    await database.close()


# --- columns that hold a word of a vocabulary ---


class Light(Vocabulary):
    RED = "red", "红"
    GREEN = "green", "绿"


LAMPS = """op.create_table(
        "lamps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("light", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lamps")),
        sa.CheckConstraint("light IN ('red','green')", name=op.f("ck_lamps_light")),
    )"""


def lamps() -> tuple[MetaData, Table]:
    metadata = new_metadata()
    table = Table(
        "lamps",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("light", Word(Light), nullable=True),
        known("light", Light, "light"),
    )
    return metadata, table


async def test_a_word_comes_back_as_a_member(tmp_path: Path, database_factory: DatabaseFactory) -> None:
    url = await database_factory("words")
    metadata, table = lamps()
    assert await migrations.check(revisions(tmp_path / "m", ("0001", None, LAMPS)), metadata, url) == []
    database = Database(url, plans="force_custom_plan")
    try:
        async with database.transaction() as session:
            lights = ("red", Light.GREEN, None)
            rows = [{"id": number, "light": light} for number, light in enumerate(lights, 1)]
            await session.execute(insert(table), rows)
            found = (await session.scalars(select(table.c.light).order_by(table.c.id))).all()
            assert found == [Light.RED, Light.GREEN, None]
            assert found[0] is Light.RED
            assert await session.scalar(select(table.c.id).where(table.c.light == Light.GREEN)) == 2
        with pytest.raises(StatementError, match="a value does not fit its type"):
            async with database.transaction() as session:
                await session.execute(insert(table), {"id": 4, "light": "blue"})
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("light IN ('red','green','blue')", "['blue', 'green', 'red']"),
        ("light IN ('red','amber')", "['amber', 'red']"),
        ("light <> ''", "[]"),
    ],
)
async def test_a_constraint_with_other_words_is_found(
    tmp_path: Path, database_factory: DatabaseFactory, constraint: str, said: str
) -> None:
    other = LAMPS.replace("light IN ('red','green')", constraint)
    directory = revisions(tmp_path / "m", ("0001", None, other))
    [found] = await migrations.check(directory, lamps()[0], await database_factory("words"))
    assert found.startswith("lamps.light holds ['green', 'red'], and its constraint says [")
    assert said in found
