"""Alembic, driven the same way by every service: from the command line, in tests and by `make run`."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

# One number for all: two migration jobs of one database wait for each other instead of colliding.
_LOCK = 0x5A485558


def config(directory: Path, url: str) -> Config:
    """Alembic's configuration for the migrations in `directory` and the database `url`."""
    settings = Config()
    settings.set_main_option("script_location", str(directory))
    settings.attributes["url"] = url
    return settings


async def upgrade(directory: Path, url: str) -> None:
    """Bring the database up to the newest revision; safe to call at once from several processes."""
    await asyncio.to_thread(command.upgrade, config(directory, url), "head")


def run_env(settings: Config, metadata: MetaData) -> None:
    """The body of every service's `migrations/env.py`."""
    url = settings.attributes.get("url") or settings.get_main_option("sqlalchemy.url")
    connection = settings.attributes.get("connection")
    if connection is not None:
        _migrate(connection, metadata)
        return
    if not url:
        raise RuntimeError("no database URL: run migrations through the service's `migrate` command")
    asyncio.run(_run(url, metadata))


async def _run(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    from alembic import context  # a proxy that only exists while alembic runs an environment

    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=False,
        include_object=_ours,
    )
    with context.begin_transaction():
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        context.run_migrations()


def _ours(_: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
    """Partitions and their indexes are made by hand in migrations; the models know only the parent."""
    return not (reflected and compare_to is None and type_ in {"table", "index"} and "_part_" in (name or ""))
