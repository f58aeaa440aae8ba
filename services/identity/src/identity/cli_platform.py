"""`python -m identity appoint-platform-admin ROLE PHONE`: the first administrator of each kind."""

import argparse
import asyncio
import sys

from contracts.vocabulary import PlatformRole
from identity.accounts.errors import AccountNotFound
from identity.accounts.service import Accounts, phone_of
from identity.app import make_vault
from identity.appointments.dependencies import appointments_for
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.settings import Settings
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.problems import Problem

OPERATOR = "operator"


def run(arguments: list[str]) -> int:
    """Run the command. Return the exit status: 1 if the person cannot be appointed."""
    parser = argparse.ArgumentParser(prog="python -m identity appoint-platform-admin")
    parser.add_argument("role", choices=[role.value for role in PlatformRole])
    parser.add_argument("phone", help="of the registered person")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(appoint(Settings(), PlatformRole(parsed.role), parsed.phone))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{parsed.role} is appointed\n")
    return 0


async def appoint(settings: Settings, role: PlatformRole, phone: str) -> None:
    """Appoint the first administrator of a kind.

    Raises `BadPhone`, `AccountNotFound`, `NotTheFirst`, `HasPlatformRole`,
    `AccountSuspended`, `BelongsToUnit`.
    """
    database = Database(settings.database_url, plans="force_custom_plan")
    clock, vault = SystemClock(), make_vault(settings)
    try:
        async with database.transaction() as session:
            audit = AuditLog(session, clock)
            accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
            account = await accounts.by_phone(phone_of(phone))
            if account is None:
                raise AccountNotFound
            appointments = appointments_for(session, clock, vault, settings)
            await appointments.appoint_first(account.id, role, by=OPERATOR)
    finally:
        await database.close()
