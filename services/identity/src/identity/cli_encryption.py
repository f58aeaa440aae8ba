"""`python -m identity rotate-encryption-key [--status]`."""

import argparse
import asyncio
import sys

from identity.app import make_vault
from identity.audit.service import AuditLog
from identity.base import tables
from identity.encryption.jobs import ROTATE, Rotation
from identity.encryption.service import Encryption
from identity.settings import Settings
from jobs.queue import JobView
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database


def run(arguments: list[str]) -> int:
    """Run the command. Return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m identity rotate-encryption-key",
        description="Write every encrypted value with ENCRYPTION_KEY and every blind index with INDEX_KEY,"
        " in a job of the running workers.",
    )
    parser.add_argument("--status", action="store_true", help="progress, and how many values have which key")
    parsed = parser.parse_args(arguments)
    settings = Settings()
    sys.stdout.write(asyncio.run(_run(settings, SystemClock(), status=parsed.status)))
    return 0


async def _run(settings: Settings, clock: Clock, *, status: bool) -> str:
    database = Database(settings.database_url, plans="force_custom_plan")
    try:
        return await (status_of(database, settings) if status else begin(database, settings, clock))
    finally:
        await database.close()


async def begin(database: Database, settings: Settings, clock: Clock) -> str:
    """Enqueue the job, unless it waits already."""
    vault = make_vault(settings)
    rotation = Rotation(encryption=vault.encryption_version, index=vault.index_version)
    key = f"{rotation.encryption}/{rotation.index}"
    async with database.transaction() as session:
        queued = await tables.jobs.enqueue(session, ROTATE, rotation, dedupe_key=key)
        if queued.new:
            AuditLog(session, clock).record(
                actor="operator", action="encryption.rotation_asked", target=None, **rotation.model_dump()
            )
    return f"job {queued.id}: encryption key {rotation.encryption}, index key {rotation.index}\n"


async def status_of(database: Database, settings: Settings) -> str:
    """Return the latest job and the versions of the keys in use."""
    vault = make_vault(settings)
    async with database.transaction() as session:
        found = await tables.jobs.list(session, kind=ROTATE.name, limit=1)
        versions = await Encryption(session, vault).versions()
    old = sum(count for of in versions.values() for v, count in of.items() if v != vault.encryption_version)
    lines = [_line(found[0]) if found else "never started"]
    lines += [
        f"{name}: " + (", ".join(f"{count} with key {v}" for v, count in of.items()) or "none")
        for name, of in versions.items()
    ]
    lines.append(f"{old} values are not encrypted with key {vault.encryption_version}")
    return "".join(f"{line}\n" for line in lines)


def _line(job: JobView) -> str:
    what = f"job {job.id}: {job.state}, {job.done}/{job.total or '?'}"
    return " ".join(part for part in (what, job.message, job.error) if part)
