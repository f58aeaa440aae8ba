"""Alembic for all services: on the command line, in tests and in `make run`."""

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

# The same key for all, so that two migration jobs of one database wait for each other.
_LOCK = 0x5A485558
_LOCK_POLL_SECONDS = 0.1
_EXCLUDED = "zhuxue.excluded_tables"
# Alembic keeps its environment in a module global, which two threads would overwrite.
_one_at_a_time = threading.Lock()


def config(directory: Path, url: str) -> Config:
    """Return Alembic's configuration for the migrations in `directory` and the database `url`."""
    settings = Config()
    settings.set_main_option("script_location", str(directory))
    settings.attributes["url"] = url
    return settings


async def upgrade(directory: Path, url: str, revision: str = "head") -> None:
    """Upgrade the database to a revision; safe to call concurrently, also from other processes."""
    await asyncio.to_thread(_upgrade, directory, url, revision)


def _upgrade(directory: Path, url: str, revision: str) -> None:
    with _one_at_a_time:
        command.upgrade(config(directory, url), revision)


async def check(directory: Path, metadata: MetaData, url: str) -> list[str]:
    """Return the problems of a service's migrations as text; empty if there are none.

    Verify that there is one head, that an empty database (at `url`) upgrades to it, and that the result
    matches the models in `metadata`.
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
        # A change is a tuple; changes of one column are a list of tuples.
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
    from alembic import context  # a proxy that exists only while Alembic runs an environment

    # A transaction for each: the locks of one migration do not last until the end of the next ones.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        **_comparison(metadata),
    )
    # Lock and timeout belong to the connection, because `create_index_concurrently` ends the transaction.
    # The lock is polled, because a concurrent index build of the other job would wait for a transaction
    # that waits for the lock.
    while not connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
        connection.rollback()
        time.sleep(_LOCK_POLL_SECONDS)
    # Set after the lock: the wait for another migration job may be long, the wait for a table must not.
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()


def create_index_concurrently(name: str, definition: str, *, unique: bool = False) -> None:
    """Create an index in a migration without blocking writers; `definition` follows the name.

    `create_index_concurrently("ix_grants_client_id", "ON grants (client_id) WHERE revoked_at IS NULL")`

    PostgreSQL builds it outside of any transaction, so the earlier statements of the migration are committed:
    create each such index in a separate migration. A failed attempt leaves an invalid index, which the next
    attempt replaces. The timeout for locks and earlier transactions is that of any other migration.
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


def create_partitioned_index_concurrently(name: str, table: str, definition: str) -> None:
    """Create an index of a partitioned table in a migration without blocking writers.

    `create_partitioned_index_concurrently("ix_audit_log_actor_id", "audit_log", "(actor, id)")`

    The index of each partition is built like that of `create_index_concurrently`, then attached. An attempt
    that failed is continued.
    """
    from alembic import op

    suffix = name.removeprefix(f"ix_{table}_")
    with op.get_context().autocommit_block():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} {definition}")
        partitions = op.get_bind().scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:table)"
                " ORDER BY 1"
            ),
            {"table": table},
        )
        names = list(partitions)
    for partition in names:
        part = f"{partition}_{suffix}_idx"
        create_index_concurrently(part, f"ON {partition} {definition}")
        op.execute(f"ALTER INDEX {name} ATTACH PARTITION {part}")


def in_batches(body: str, key: str = "uuid") -> None:
    """Fill a large table in a migration without blocking writers: each batch is a transaction of its own.

    `body` is a block of PL/pgSQL that changes the rows after the key `after`, which is null at first, and
    returns the last key of the batch, or null after the last one. Each of its statements sees what has been
    committed before it. An attempt that failed starts anew, so the effect must be safe to repeat, and the
    earlier statements of the migration are committed: use a separate migration.
    """
    from alembic import op

    with op.get_context().autocommit_block():
        connection = op.get_bind()
        name = "pg_temp.next_batch"
        op.execute(
            f"CREATE OR REPLACE FUNCTION {name}(after {key}) RETURNS {key} LANGUAGE plpgsql AS $_$ {body} $_$"
        )
        call = text(f"SELECT {name}(CAST(:after AS {key}))")
        after = connection.scalar(call, {"after": None})
        while after is not None:
            after = connection.scalar(call, {"after": after})
        op.execute(f"DROP FUNCTION {name}")


def validate_constraint(table: str, name: str) -> None:
    """Validate a constraint that was added `NOT VALID` against the existing rows, without blocking writers.

    Commits the earlier statements first, because their locks would last until the end of the validation.
    """
    from alembic import op

    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def exclude_tables(metadata: MetaData, names: Collection[str]) -> None:
    """Exclude tables that migrations create and another library defines from the comparison in `check`."""
    metadata.info.setdefault(_EXCLUDED, set()).update(names)


def _comparison(metadata: MetaData) -> dict[str, Any]:
    excluded: Collection[str] = metadata.info.get(_EXCLUDED, ())

    def compared(_: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
        """Exclude partitions and their indexes: migrations create them, and models define only the parent."""
        if not reflected or compare_to is not None:
            return True
        if type_ == "table" and name in excluded:
            return False
        return not (type_ in {"table", "index"} and "_part_" in (name or ""))

    return {"compare_type": True, "compare_server_default": False, "include_object": compared}
