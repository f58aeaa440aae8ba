"""`python -m identity keys list | rotate [--now] | retire KID [--now]`."""

import argparse
import asyncio
import sys
from datetime import datetime

from sqlalchemy.orm import Session

from identity.app import make_vault
from identity.audit.service import AuditLog
from identity.keys.models import SigningKey
from identity.keys.ring import ALGORITHMS, KeyRing, NoSuchKey
from identity.settings import Settings
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database


def run(arguments: list[str]) -> int:
    """Run a command. Return the exit status: 1 if the key does not exist."""
    parser = argparse.ArgumentParser(prog="python -m identity keys")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every key and the state it is in")
    rotate = commands.add_parser("rotate", help="publish successors; they sign once readers know them")
    rotate.add_argument("--alg", choices=ALGORITHMS, help="only this algorithm")
    rotate.add_argument("--now", action="store_true", help="sign with them at once")
    retire = commands.add_parser("retire", help="take one key out of use")
    retire.add_argument("kid")
    retire.add_argument("--now", action="store_true", help="compromised: withdraw it at once")
    parsed = parser.parse_args(arguments)
    try:
        sys.stdout.write(asyncio.run(_run(parsed)))
    except NoSuchKey as error:
        sys.stderr.write(f"no such key, or withdrawn already: {error}\n")
        return 1
    return 0


async def _run(parsed: argparse.Namespace) -> str:
    settings, clock = Settings(), SystemClock()
    ring = KeyRing(make_vault(settings), clock, token_seconds=settings.access_token_seconds)
    database = Database(settings.database_url, plans="force_custom_plan")
    try:
        async with database.transaction() as session:
            return await session.run_sync(lambda sync: perform(sync, ring, clock, parsed))
    finally:
        await database.close()


def perform(session: Session, ring: KeyRing, clock: Clock, parsed: argparse.Namespace) -> str:
    """Execute the command and print the result. Raises `NoSuchKey`."""
    now, audit = clock.now(), AuditLog(session, clock)
    if parsed.command == "list":
        return "".join(_line(row, now) for row in ring.listed(session))
    if parsed.command == "rotate":
        made = [
            ring.rotate(session, now, alg, at_once=parsed.now)
            for alg in ([parsed.alg] if parsed.alg else ALGORITHMS)
        ]
    else:
        successor = ring.retire(session, now, parsed.kid, at_once=parsed.now)
        made = [successor] if successor else []
        audit.record(actor="operator", action="keys.retired", target=parsed.kid, now=parsed.now)
    for kid in made:
        audit.record(actor="operator", action="keys.published", target=kid)
    return "".join(f"published {kid}\n" for kid in made)


def _line(row: SigningKey, now: datetime) -> str:
    if row.withdrawn_at is not None and row.withdrawn_at <= now:
        state = "compromised" if row.compromised else "withdrawn"
    elif row.retired_at is not None and row.retired_at <= now:
        state = "retired"
    else:
        state = "waiting" if row.activates_at > now else "signing"
    times = (f"{name}={at:%Y-%m-%dT%H:%M:%SZ}" for name, at in _times(row) if at is not None)
    return f"{row.kid} {row.alg} {state} {' '.join(times)}\n"


def _times(row: SigningKey) -> list[tuple[str, datetime | None]]:
    return [
        ("published", row.created_at),
        ("signs", row.activates_at),
        ("retires", row.retired_at),
        ("withdrawn", row.withdrawn_at),
    ]
