"""`python -m identity appoint-platform-admin ROLE PHONE`: the first administrator of each kind, and
`python -m identity dismiss-platform-admin --role ROLE --reason WHY PERSON`: one who has lost access.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from contracts.vocabulary import PlatformRole
from identity.accounts.errors import AccountNotFound
from identity.accounts.service import Accounts, phone_of
from identity.app import make_vault
from identity.appointments.dependencies import appointments_for
from identity.appointments.service import Appointments
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.settings import Settings
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database
from servicekit.problems import Problem

OPERATOR = "operator"
_ROLES = [role.value for role in PlatformRole]


def run(arguments: list[str]) -> int:
    """Run the command that appoints. Return the exit status: 1 if the person cannot be appointed."""
    parser = argparse.ArgumentParser(prog="python -m identity appoint-platform-admin")
    parser.add_argument("role", choices=_ROLES)
    parser.add_argument("phone", help="of the registered person")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(appoint(Settings(), PlatformRole(parsed.role), parsed.phone))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{parsed.role} is appointed\n")
    return 0


def run_dismiss(arguments: list[str]) -> int:
    """Run the command that dismisses. Return the exit status: 1 if the person does not have the role."""
    parser = argparse.ArgumentParser(prog="python -m identity dismiss-platform-admin")
    parser.add_argument("--role", choices=_ROLES, required=True, help="the role that the person has")
    parser.add_argument("--reason", type=_reason, required=True, help="for the audit log")
    parser.add_argument("person", help="phone number or account id (sub)")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(
            dismiss(Settings(), SystemClock(), PlatformRole(parsed.role), parsed.person, parsed.reason)
        )
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{parsed.role} is dismissed\n")
    return 0


async def appoint(settings: Settings, role: PlatformRole, phone: str) -> None:
    """Appoint the first administrator of a kind.

    Raises `BadPhone`, `AccountNotFound`, `NotTheFirst`, `HasPlatformRole`,
    `AccountSuspended`, `BelongsToUnit`.
    """
    async with _services(settings, SystemClock()) as (accounts, appointments):
        await appointments.appoint_first(await _by_phone(accounts, phone), role, by=OPERATOR)


async def dismiss(settings: Settings, clock: Clock, role: PlatformRole, person: str, reason: str) -> None:
    """End the role of an administrator, also the last of a kind, by phone number or id.

    Raises `BadPhone`, `AccountNotFound`, `NoPlatformRole`.
    """
    async with _services(settings, clock) as (accounts, appointments):
        sub = _sub_of(person) or await _by_phone(accounts, person)
        await appointments.dismiss_lost(sub, role, reason, by=OPERATOR)


@asynccontextmanager
async def _services(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Accounts, Appointments]]:
    database = Database(settings.database_url, plans="force_custom_plan")
    vault = make_vault(settings)
    try:
        async with database.transaction() as session:
            accounts = Accounts(session, clock, vault, Codes(session, clock, vault), AuditLog(session, clock))
            yield accounts, appointments_for(session, clock, vault, settings)
    finally:
        await database.close()


async def _by_phone(accounts: Accounts, phone: str) -> UUID:
    account = await accounts.by_phone(phone_of(phone))
    if account is None:
        raise AccountNotFound
    return account.id


def _sub_of(person: str) -> UUID | None:
    try:
        return UUID(person)
    except ValueError:
        return None


def _reason(text: str) -> str:
    """As of proposals: 2 to 200 characters."""
    if not 2 <= len(text.strip()) <= 200:
        raise argparse.ArgumentTypeError("2 to 200 characters")
    return text.strip()
