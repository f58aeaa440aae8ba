"""Dead letters of `make run`: they are in the outboxes of the producing services."""

import argparse
import asyncio
import importlib
from collections.abc import Sequence

from messaging.cli import add_dead_letters, run_dead_letters
from messaging.inprocess import OutboxDeadLetters
from onebox import services
from onebox.postgres import Postgres
from onebox.settings import Settings
from onebox.state import load_secrets
from servicekit.db import Database


def main(argv: Sequence[str]) -> int:
    """List or replay dead letters in the running PostgreSQL; the running process delivers those replayed."""
    parser = argparse.ArgumentParser(prog="python -m onebox")
    add_dead_letters(parser.add_subparsers(dest="command", required=True))
    asyncio.run(_run(Settings(), parser.parse_args(["dead-letters", *argv])))
    return 0


async def _run(settings: Settings, arguments: argparse.Namespace) -> None:
    made = load_secrets(settings.state, services.CLIENTS)
    postgres = Postgres(settings.state / "postgres", made.database_password, services.NAMES)
    postgres.attach()
    databases = {
        name: Database(postgres.url(name), plans="force_custom_plan", pool_size=1) for name in services.NAMES
    }
    try:
        sources = [
            (database, importlib.import_module(f"{name}.base").outbox) for name, database in databases.items()
        ]
        await run_dead_letters(OutboxDeadLetters(sources), arguments)
    finally:
        for database in databases.values():
            await database.close()
