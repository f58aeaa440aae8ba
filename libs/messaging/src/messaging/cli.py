"""The commands every service has: `serve`, `work`, `migrate`, `restored`, `prune`, `dead-letters`, `jobs`."""

import argparse
import asyncio
import gc
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

import uvicorn
from fastapi import FastAPI

from jobs import cli as jobs_cli
from messaging import pruning
from messaging.dead_letters import DeadLetters
from messaging.tables import ServiceTables
from servicekit import handover, logs
from servicekit.app import worker_app
from servicekit.db import Database
from servicekit.migrations import upgrade
from servicekit.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)
_WORKER_OF = "ZHUXUE_WORKER_OF"


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service, as the commands use it; `SERVICE` in its module `cli`.

    `settings` reads the environment, so it is called only when needed. Without `tables`, the service has
    neither events nor jobs, nor the commands for them. `first_data` gives a new database what it begins
    with, after each migration: it does nothing where there is something already.
    """

    name: str
    settings: Callable[[], S]
    build: Callable[[S], FastAPI]
    migrations: Path
    tables: ServiceTables | None = None
    first_data: Callable[[Database], Awaitable[None]] | None = None
    restored: Callable[[S, Database, bool], Awaitable[Sequence[str]]] | None = None
    """Brings a database that was restored from a backup in step with the rest; returns what to tell the
    operator. With True, Identity was restored to an earlier time than this service."""
    owned: Callable[[S], Path | None] | None = None
    """The folder that only one serving process may have (`servicekit.handover`)."""


def main(service: Service[S], argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {service.name}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "serve", help="serve HTTP, relay and consume events; run jobs unless RUN_JOBS is false"
    )
    commands.add_parser(
        "migrate", help="bring the database up to the newest revision, and a new one its first data"
    )
    if service.restored is not None:
        restored = commands.add_parser(
            "restored", help="bring a database restored from a backup in step, before the services start"
        )
        restored.add_argument(
            "--ahead", action="store_true", help="Identity was restored to an earlier time than this service"
        )
    if service.tables is not None:
        commands.add_parser(
            "work", help="only run jobs and periodic tasks; serves health and metrics on PORT"
        )
        commands.add_parser("prune", help="delete old processed events and idempotency keys")
        add_dead_letters(commands)
        jobs_cli.add(commands)
    arguments = parser.parse_args(argv)
    if arguments.command == "dead-letters" and not arguments.queue.startswith(f"{service.name}."):
        parser.error(f"{arguments.queue} is not a queue of {service.name}")
    settings = service.settings()
    logs.configure(json=settings.log_json, level=settings.log_level)
    if arguments.command == "serve":
        serve(service, settings)
    elif arguments.command == "work":
        work(service, settings)
    elif arguments.command == "migrate":
        asyncio.run(migrate(service, settings.database_url))
    elif arguments.command == "restored":
        asyncio.run(restore(service, settings, ahead=arguments.ahead))
    elif service.tables is not None:
        asyncio.run(_with_tables(service.tables, settings, arguments))
    return 0


async def migrate(service: Service[Any], url: str) -> None:
    """Bring the database of a service up to the newest revision, and give a new one its first data."""
    await upgrade(service.migrations, url)
    if service.first_data is None:
        return
    database = Database(url, plans="force_custom_plan")
    try:
        await service.first_data(database)
    finally:
        await database.close()


async def restore(service: Service[S], settings: S, *, ahead: bool) -> None:
    """Bring a restored database in step, and print what the operator has to know."""
    assert service.restored is not None
    database = Database(settings.database_url, plans="force_custom_plan")
    try:
        for line in await service.restored(settings, database, ahead):
            sys.stdout.write(f"{service.name}: {line}\n")
    finally:
        await database.close()


def serve(service: Service[S], settings: S) -> None:
    """Serve until stopped, in `settings.workers` processes that share the port."""
    options = _options(settings)
    folder = None if service.owned is None else service.owned(settings)
    if folder is not None:
        handover.serve(uvicorn.Config(_built(service, settings), **options), folder)
        return
    if settings.workers == 1:
        uvicorn.run(_built(service, settings), **options)
        return
    with tempfile.TemporaryDirectory(prefix="zhuxue-metrics-") as directory:
        # Any process may serve /metrics: each writes its values to a file there and reads those of all.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        os.environ[_WORKER_OF] = service.name
        uvicorn.run("messaging.cli:worker", factory=True, workers=settings.workers, **options)


def work(service: Service[S], settings: S) -> None:
    """Run jobs and periodic tasks until stopped."""
    uvicorn.run(worker_app(_built(service, settings)), **_options(settings))


def _options(settings: ServiceSettings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "http": "servicekit.writes:OneWriteHttp",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": True,
        "timeout_graceful_shutdown": 10,
        # Longer than gateways and clients keep an idle connection, so that they close it and none of them
        # sends a request on a connection that is being closed here.
        "timeout_keep_alive": 75,
    }


def worker() -> FastAPI:
    """Create the application in one of several processes, which inherit only the environment."""
    service: Service[ServiceSettings] = import_module(f"{os.environ[_WORKER_OF]}.cli").SERVICE
    settings = service.settings()
    logs.configure(json=settings.log_json, level=settings.log_level)
    return _built(service, settings)


def _built(service: Service[S], settings: S) -> FastAPI:
    app = service.build(settings)
    keep_objects()
    return app


def keep_objects() -> None:
    """Tell the garbage collector that the current objects live as long as the process.

    Without this, it scans half a million objects repeatedly, and requests wait meanwhile, 0.2 s each time.
    """
    gc.collect()
    gc.freeze()


def add_dead_letters(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `dead-letters list|replay|discard QUEUE [EVENT_ID ...]`."""
    parser = commands.add_parser("dead-letters", help="events that a subscription has given up on")
    parser.add_argument("action", choices=["list", "replay", "discard"])
    parser.add_argument("queue", help="queue name without namespace, e.g. office.directory")
    parser.add_argument("event_ids", nargs="*", type=UUID, help="only these (replay without any: all)")


async def run_dead_letters(dead_letters: DeadLetters, arguments: argparse.Namespace) -> None:
    """Execute the `dead-letters` command and print the result."""
    if arguments.action == "list":
        for dead in await dead_letters.list(arguments.queue):
            sys.stdout.write(f"{dead.event_id}\t{dead.type}\t{dead.subject}\t{dead.error}\n")
    elif arguments.action == "replay":
        count = await dead_letters.replay(arguments.queue, arguments.event_ids or None)
        sys.stdout.write(f"{count} replayed\n")
    else:
        count = await dead_letters.discard(arguments.queue, arguments.event_ids)
        sys.stdout.write(f"{count} discarded\n")


def dead_letters_of(database: Database, tables: ServiceTables) -> DeadLetters:
    """Return the dead letters of a service."""
    return DeadLetters(database, tables.dead_letters, tables.outbox)


async def _with_tables(
    tables: ServiceTables, settings: ServiceSettings, arguments: argparse.Namespace
) -> None:
    """Execute a command that reads or changes the tables of events and jobs."""
    database = Database(settings.database_url, plans="force_custom_plan")
    try:
        if arguments.command == "jobs":
            await jobs_cli.run(database, tables.jobs, arguments)
        elif arguments.command == "prune":
            await pruning.prune(database, tables)
        else:
            await run_dead_letters(dead_letters_of(database, tables), arguments)
    finally:
        await database.close()
