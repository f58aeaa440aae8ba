"""Alembic, driven the same way by every service: from the command line, in tests and by `make run`."""

import asyncio
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, pool, text

from servicekit import words
from servicekit.engine import new_engine

# One number for all: two migration jobs of one database wait for each other instead of colliding.
_LOCK = 0x5A485558
_LOCK_POLL_SECONDS = 0.1
_EXCLUDED = "zhuxue.excluded_tables"
# Alembic keeps the environment it runs in a global of its module: two threads would mix theirs up.
_one_at_a_time = threading.Lock()


def config(directory: Path, url: str) -> Config:
    """Alembic's configuration for the migrations in `directory` and the database `url`."""
    settings = Config()
    settings.set_main_option("script_location", str(directory))
    settings.attributes["url"] = url
    return settings


async def upgrade(directory: Path, url: str, revision: str = "head") -> None:
    """Bring the database up to a revision; safe to call at once, here and in other processes."""
    await asyncio.to_thread(_upgrade, directory, url, revision)


def _upgrade(directory: Path, url: str, revision: str) -> None:
    with _one_at_a_time:
        command.upgrade(config(directory, url), revision)


async def check(directory: Path, metadata: MetaData, url: str) -> list[str]:
    """What is wrong with a service's migrations, in words; empty when nothing is.

    There is one head, an empty database (at `url`; it is filled) comes up to it, and what is there then
    is what the models in `metadata` describe.
    """
    heads = ScriptDirectory.from_config(config(directory, url)).get_heads()
    if len(heads) != 1:
        return [f"{len(heads)} heads instead of one: {', '.join(sorted(heads)) or 'no revision at all'}"]
    try:
        await upgrade(directory, url)
    except Exception as error:
        return [f"does not come up from empty: {type(error).__name__}: {error}"]
    engine = new_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences, metadata)
    finally:
        await engine.dispose()


def _differences(connection: Connection, metadata: MetaData) -> list[str]:
    context = MigrationContext.configure(
        connection, opts={**_comparison(metadata), "target_metadata": metadata}
    )
    found: list[str] = []
    for difference in compare_metadata(context, metadata):
        # One change is a tuple; those of one column come as a list of tuples.
        for change in difference if isinstance(difference, list) else [difference]:
            what, *where = change
            found.append(f"models and migrations differ: {what} {' '.join(map(_named, where))}")
    return found + words.differences(connection, metadata)


def _named(part: object) -> str:
    table = getattr(part, "table", None)
    name = getattr(part, "name", None)
    if name is None:
        return str(part)
    return f"{table.name}.{name}" if table is not None else str(name)


def run_env(settings: Config, metadata: MetaData) -> None:
    """The body of every service's `migrations/env.py`."""
    url = settings.attributes.get("url") or settings.get_main_option("sqlalchemy.url")
    if not url:
        raise RuntimeError("no database URL: run migrations through the service's `migrate` command")
    asyncio.run(_run(url, metadata))


async def _run(url: str, metadata: MetaData) -> None:
    engine = new_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    from alembic import context  # a proxy that only exists while alembic runs an environment

    context.configure(connection=connection, target_metadata=metadata, **_comparison(metadata))
    # Lock and timeout belong to the connection, not to a transaction: `create_index_concurrently` ends that.
    # Asking again and again, because a transaction that waits for the lock would be one that an index built
    # concurrently by the other job waits for.
    while not connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
        connection.rollback()
        time.sleep(_LOCK_POLL_SECONDS)
    # After the lock: the wait for another migration job may be long, that for a table must not be.
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()


def create_index_concurrently(name: str, definition: str, *, unique: bool = False) -> None:
    """Build an index in a migration without keeping writers from the table; `definition` follows the name.

    `create_index_concurrently("ix_grants_client_id", "ON grants (client_id) WHERE revoked_at IS NULL")`

    PostgreSQL builds it outside of any transaction, so what the migration did before is committed: give each
    such index a migration of its own. An attempt that failed leaves an invalid index, which the next attempt
    replaces. It waits for a lock, and for transactions that began before it, as long as any other migration.
    """
    from alembic import op

    with op.get_context().autocommit_block():
        connection = op.get_bind()
        valid = connection.scalar(
            text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": name}
        )
        if valid:
            return
        if valid is False:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        op.execute(f"CREATE {'UNIQUE ' if unique else ''}INDEX CONCURRENTLY {name} {definition}")


def validate_constraint(table: str, name: str) -> None:
    """Check the present rows against a constraint that was added `NOT VALID`, while others go on writing.

    The lock of adding it would last as long as the check, so what the migration did before is committed.
    """
    from alembic import op

    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def exclude_tables(metadata: MetaData, names: Collection[str]) -> None:
    """Declare tables that migrations make and another library describes: `check` does not compare them."""
    metadata.info.setdefault(_EXCLUDED, set()).update(names)


def _comparison(metadata: MetaData) -> dict[str, Any]:
    excluded: Collection[str] = metadata.info.get(_EXCLUDED, ())

    def compared(_: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
        """Partitions and their indexes are made by hand in migrations; the models know only the parent."""
        if not reflected or compare_to is not None:
            return True
        if type_ == "table" and name in excluded:
            return False
        return not (type_ in {"table", "index"} and "_part_" in (name or ""))

    return {"compare_type": True, "compare_server_default": False, "include_object": compared}
