"""Dead letters of `make run`: they stand in the outboxes of the producing services."""

import argparse

from cockpit.base import outbox as cockpit_outbox
from identity.base import outbox as identity_outbox
from messaging.cli import run_dead_letters
from messaging.inprocess import OutboxDeadLetters
from office.base import outbox as office_outbox
from onebox.postgres import Postgres
from onebox.settings import Settings
from onebox.state import load_secrets
from servicekit.db import Database

OUTBOXES = {"identity": identity_outbox, "office": office_outbox, "cockpit": cockpit_outbox}


async def dead_letters(settings: Settings, arguments: argparse.Namespace) -> None:
    """List or replay against the running PostgreSQL; what is replayed is delivered by the running process."""
    made = load_secrets(settings.state)
    postgres = Postgres(settings.state / "postgres", made.database_password)
    postgres.attach()
    databases = {
        name: Database(postgres.url(name), plans="force_custom_plan", pool_size=1) for name in OUTBOXES
    }
    try:
        sources = [(databases[name], outbox) for name, outbox in OUTBOXES.items()]
        await run_dead_letters(OutboxDeadLetters(sources), arguments)
    finally:
        for database in databases.values():
            await database.close()
