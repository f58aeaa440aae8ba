"""`python -m identity verify-audit [--since DATE]` and `drop-audit-month YYYYMM --archived`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from identity.app import make_vault
from identity.audit.service import AuditLog
from identity.audit_review.repository import AuditReader
from identity.audit_review.rules import KEPT
from identity.audit_review.verification import Verifier
from identity.keys.ring import KeyRing
from identity.settings import Settings
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database
from servicekit.ids import first_id
from servicekit.partitions import ByMonth

T = TypeVar("T")
_MOST = 20


class Refused(ValueError):
    """The month must be kept."""


def verify(arguments: list[str]) -> int:
    """Verify the audit log. Return the exit status: 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m identity verify-audit")
    parser.add_argument(
        "--since", type=_day, help="read only rows from this day (UTC, YYYY-MM-DD); seals are all read"
    )
    parsed = parser.parse_args(arguments)
    return asyncio.run(_with_database(lambda database, ring, clock: run(database, ring, clock, parsed.since)))


def drop(arguments: list[str]) -> int:
    """Drop a month of the audit log. Return the exit status: 1 if it must be kept."""
    parser = argparse.ArgumentParser(prog="python -m identity drop-audit-month")
    parser.add_argument("month", type=_month, metavar="YYYYMM")
    parser.add_argument("--archived", action="store_true", required=True, help="the month has been dumped")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(_with_database(lambda database, _, clock: drop_month(database, clock, parsed.month)))
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(f"dropped {parsed.month:%Y%m}\n")
    return 0


async def run(database: Database, ring: KeyRing, clock: Clock, since: datetime | None = None) -> int:
    """Verify, print what is wrong and what was verified, and return the exit status."""
    verifier, found = Verifier(database, ring, clock), 0
    async for finding in verifier.findings(since):
        found += 1
        if found <= _MOST:
            where = "" if finding.number is None else f"batch {finding.number}: "
            sys.stdout.write(f"{'FIRST BROKEN ' if found == 1 else ''}{where}{finding.what}\n")
    if found > _MOST:
        sys.stdout.write(f"and {found - _MOST} more\n")
    seen = verifier.summary
    sys.stdout.write(
        f"{seen.seals} seals, {seen.rows} rows verified, {seen.archived} batches archived,"
        f" {seen.unsealed} rows not sealed yet\n"
    )
    if seen.last is not None:
        sys.stdout.write(f"last seal {seen.last.number} {seen.last.digest.hex()}\n")
    sys.stdout.write("BROKEN\n" if found else "intact\n")
    return 1 if found else 0


async def drop_month(database: Database, clock: Clock, month: datetime) -> None:
    """Drop the oldest month, if it was kept for six months and is sealed. Raises `Refused`."""
    end, now = ByMonth.following(month), clock.now()
    if now < end + KEPT:
        raise Refused(f"{month:%Y%m} must be kept until {end + KEPT:%Y-%m-%d}: the law requires six months")
    async with database.transaction() as session:
        reader = AuditReader(session)
        name = f"audit_log_part_{month:%Y%m}"
        months = [part for part in await reader.partitions() if not part.endswith("_rest")]
        if name not in months:
            raise Refused(f"there is no {name}")
        if months[0] != name:
            raise Refused(f"drop {months[0]} first: the chain stays verifiable from the first month kept")
        last = await reader.last_seal()
        unsealed = None if last is None else await reader.first_from(last.until_id)
        if last is None or (unsealed is not None and unsealed < first_id(end)):
            raise Refused(f"{name} is not sealed completely")
        await reader.drop(month)
        AuditLog(session, clock).record(
            actor="operator",
            action="audit.month_dropped",
            target=f"{month:%Y%m}",
            last_seal=last.number,
            digest=last.digest.hex(),
        )


async def _with_database(call: Callable[[Database, KeyRing, Clock], Awaitable[T]]) -> T:
    settings, clock = Settings(), SystemClock()
    database = Database(settings.database_url, plans="force_custom_plan")
    ring = KeyRing(make_vault(settings), clock, token_seconds=settings.access_token_seconds)
    try:
        return await call(database, ring, clock)
    finally:
        await database.close()


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _month(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m").replace(tzinfo=UTC)
