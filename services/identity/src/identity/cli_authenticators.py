"""`python -m identity reset-authenticators PHONE`: reset the last administrator who can reset others."""

import argparse
import asyncio
import sys

from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.errors import AccountNotFound
from identity.accounts.service import Accounts, phone_of
from identity.app import make_sms, make_vault
from identity.audit.service import AuditLog
from identity.authenticators.service import Authenticators
from identity.codes.service import Codes
from identity.platform.service import Platform
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.vault import Vault
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database
from servicekit.problems import Problem

OPERATOR = "operator"


def run(arguments: list[str]) -> int:
    """Run the command. Return the exit status: 1 if the account does not exist."""
    parser = argparse.ArgumentParser(prog="python -m identity reset-authenticators")
    parser.add_argument("phone", help="of the account whose password, TOTP and passkeys are removed")
    parsed = parser.parse_args(arguments)
    try:
        asyncio.run(_run(parsed.phone))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


async def _run(phone: str) -> None:
    settings = Settings()
    database = Database(settings.database_url, plans="force_custom_plan")
    clock, vault = SystemClock(), make_vault(settings)
    dispatcher = SmsDispatcher(database, vault, make_sms(settings), clock)
    try:
        async with database.transaction() as session:
            messages = TextMessages(session, clock, vault, dispatcher)
            await perform(session, clock, vault, settings, messages, phone)
        # The service sends any message that the gateway does not accept now.
        await dispatcher.drain()
    finally:
        await dispatcher.gateway.close()
        await database.close()


async def perform(
    session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, messages: TextMessages, phone: str
) -> None:
    """Remove the authenticators and end the sessions.

    Raises `BadPhone`, `AccountNotFound`.
    """
    audit = AuditLog(session, clock)
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
    revocations = Revocations(session, clock, settings.access_token_seconds)
    sessions = Sessions(session, clock, settings, revocations, audit)
    account = await accounts.by_phone(phone_of(phone), share=True)
    if account is None:
        raise AccountNotFound
    authenticators = Authenticators(
        session, clock, vault, settings, messages, sessions, Platform(session), audit
    )
    await authenticators.reset(account, OPERATOR)
    await sessions.end_all(account.id, "authenticators reset by the operator", actor=OPERATOR)
