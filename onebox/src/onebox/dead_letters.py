"""Dead letters of `make run`, which are in the database of each service."""

import argparse
import asyncio
import importlib
from collections.abc import Sequence

from messaging.cli import add_dead_letters, dead_letters_of, run_dead_letters
from onebox import services
from onebox.postgres import Postgres
from onebox.settings import Settings
from onebox.state import load_secrets
from servicekit.db import Database


def main(argv: Sequence[str]) -> int:
    """Execute the command on the running PostgreSQL; the running process delivers replayed events."""
    parser = argparse.ArgumentParser(prog="python -m onebox")
    add_dead_letters(parser.add_subparsers(dest="command", required=True))
    arguments = parser.parse_args(["dead-letters", *argv])
    service = arguments.queue.partition(".")[0]
    if service not in services.NAMES:
        parser.error(f"no service has the queue {arguments.queue}")
    asyncio.run(_run(service, Settings(), arguments))
    return 0


async def _run(service: str, settings: Settings, arguments: argparse.Namespace) -> None:
    made = load_secrets(settings.state, services.CLIENTS)
    postgres = Postgres(settings.state / "postgres", made.database_password, services.STORED)
    postgres.attach()
    database = Database(postgres.url(service), plans="force_custom_plan", pool_size=1)
    tables = importlib.import_module(f"{service}.base").tables
    try:
        await run_dead_letters(dead_letters_of(database, tables), arguments)
    finally:
        await database.close()
