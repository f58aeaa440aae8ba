"""Databases for tests: migrated once per service and session, then cloned for each test."""

import asyncio
import functools
import inspect
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy.engine import make_url

from testkit.backends.postgresql import asyncpg_url, connect

Migration = Callable[[str], Awaitable[None] | None]
"""Migrates the empty database at the given URL; plain functions run in a thread (alembic)."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _quoted(name: str) -> str:
    """Return `name` as an identifier; ValueError if PostgreSQL would truncate or fold it."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain database name: {name!r}")
    return f'"{name}"'


def database_url(admin_url: str, name: str) -> str:
    """Return the URL of database `name` on the server of `admin_url`, for SQLAlchemy with asyncpg."""
    return make_url(asyncpg_url(admin_url)).set(database=name).render_as_string(hide_password=False)


async def create_database(
    admin_url: str, name: str, *, template: str | None = None, instead_of: Sequence[str] = ()
) -> str:
    """Create database `name`, empty or a copy of `template`, and return its URL.

    A template must have no connections while it is copied. The databases `instead_of` are dropped before.
    """
    connection = await connect(admin_url)
    try:
        for old in instead_of:
            await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(old)} WITH (FORCE)")
        if template is None:
            # template0, because template1 may contain additional objects.
            clause = "TEMPLATE template0 ENCODING 'UTF8'"
        else:
            # Copying files forces a checkpoint: several times faster than logging each page when nothing
            # is flushed to disk, slower when it is.
            flushes = await connection.fetchval("SHOW fsync") == "on"
            clause = f"TEMPLATE {_quoted(template)} STRATEGY {'wal_log' if flushes else 'file_copy'}"
        await connection.execute(f"CREATE DATABASE {_quoted(name)} {clause}")
    finally:
        await connection.close()
    return database_url(admin_url, name)


async def drop_database(admin_url: str, name: str) -> None:
    """Drop database `name` and its connections, if it exists."""
    connection = await connect(admin_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
    finally:
        await connection.close()


async def _close_to_connections(admin_url: str, name: str) -> None:
    """Refuse new connections to a template and terminate those that a migration has left."""
    connection = await connect(admin_url)
    try:
        await connection.execute(f"ALTER DATABASE {_quoted(name)} WITH ALLOW_CONNECTIONS false")
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()


def _identity(migrate: Migration) -> str:
    """Return the module and name of a migration function, which identify it in every process."""
    while isinstance(migrate, functools.partial):
        migrate = migrate.func
    own = f"{os.getpid()} {migrate!r}"
    return f"{getattr(migrate, '__module__', '')} {getattr(migrate, '__qualname__', own)}"


async def drop_all(admin_url: str, run_id: str) -> None:
    """Drop the databases of a run that are left."""
    connection = await connect(admin_url)
    try:
        left = await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", _prefix(run_id)
        )
        for row in left:
            await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(row['datname'])} WITH (FORCE)")
    finally:
        await connection.close()


def _prefix(run_id: str) -> str:
    return f"zx_{run_id}_"


@dataclass
class Templates:
    """One migrated database per (service, migration) on one server, for all processes of a run."""

    admin_url: str
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _process: str = field(default_factory=lambda: secrets.token_hex(4))
    _count: int = 0
    _discarded: list[str] = field(default_factory=list)

    def _name(self, service: str, rest: str) -> str:
        return f"{_prefix(self.run_id)}{service.replace('-', '_')[:24]}_{rest}"

    async def template(self, service: str, migrate: Migration) -> str:
        """Return the name of the migrated database of `service`, made at the run's first call.

        Two migrations of one service are told apart by the function's module and name, not by its arguments.
        """
        key = (service, _identity(migrate))
        if key not in self._names:
            name = self._name(service, f"t{sha256(' '.join(key).encode()).hexdigest()[:12]}")
            guard = await connect(self.admin_url)
            try:
                # Released with the connection. Other processes of the run wait here during the migration.
                await guard.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", name)
                # Closed to connections when it is complete.
                state = await guard.fetchval("SELECT datallowconn FROM pg_database WHERE datname = $1", name)
                if state is not False:
                    await drop_database(self.admin_url, name)
                    await self._make(name, migrate)
            finally:
                await guard.close()
            self._names[key] = name
        return self._names[key]

    async def _make(self, name: str, migrate: Migration) -> None:
        url = await create_database(self.admin_url, name)
        try:
            if inspect.iscoroutinefunction(migrate):
                await migrate(url)
            else:
                # In a thread: alembic's env.py may call asyncio.run().
                outcome = await asyncio.to_thread(migrate, url)
                if outcome is not None:
                    await outcome
        except BaseException:
            await drop_database(self.admin_url, name)
            raise
        await _close_to_connections(self.admin_url, name)

    async def new_database(self, service: str, migrate: Migration | None = None) -> str:
        """Create a database of its own and return its URL: migrated, or empty when `migrate` is None."""
        template = None if migrate is None else await self.template(service, migrate)
        self._count += 1
        name = self._name(service, f"{self._process}_{self._count}")
        old, self._discarded = self._discarded, []
        return await create_database(self.admin_url, name, template=template, instead_of=old)

    def discard(self, url: str) -> None:
        """Have the next `new_database` drop a database that an earlier one made, on the same connection.

        The last ones of a run are dropped with its server, or by `drop_all`.
        """
        name = make_url(url).database
        if name is None or not name.startswith(_prefix(self.run_id)):
            raise ValueError("not a database of this session")
        self._discarded.append(name)
