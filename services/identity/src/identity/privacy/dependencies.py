"""Builds the feature's service for one request, and outside of one."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.dependencies import AccountService
from identity.accounts.service import Accounts
from identity.audit.dependencies import AuditService
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.consents.dependencies import ConsentService
from identity.consents.service import Consents
from identity.dependencies import ServiceVault
from identity.memberships.dependencies import MembershipService
from identity.memberships.service import Memberships
from identity.phones.dependencies import PhoneService, phones_for
from identity.platform.dependencies import PlatformService
from identity.platform.service import Platform
from identity.policies.dependencies import PolicyService
from identity.privacy.service import Privacy
from identity.privacy.withdrawal import Withdrawal
from identity.revocations.service import Revocations
from identity.sessions.dependencies import SessionService
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.sms.dependencies import MessageService
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.units.service import Units
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _privacy(
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    accounts: AccountService,
    memberships: MembershipService,
    platform: PlatformService,
    phones: PhoneService,
    consents: ConsentService,
    sessions: SessionService,
    messages: MessageService,
    audit: AuditService,
) -> Privacy:
    return Privacy(
        session,
        clock,
        vault,
        accounts,
        memberships,
        platform,
        phones,
        consents,
        sessions,
        messages,
        audit,
    )


PrivacyService = Annotated[Privacy, Depends(_privacy)]


async def _withdrawal(
    accounts: AccountService, policies: PolicyService, sessions: SessionService
) -> Withdrawal:
    return Withdrawal(accounts, policies, sessions)


WithdrawalService = Annotated[Withdrawal, Depends(_withdrawal)]


def privacy_for(
    session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, dispatcher: SmsDispatcher
) -> Privacy:
    """Return the service for the periodic task."""
    audit = AuditLog(session, clock)
    accounts = Accounts(session, clock, vault, Codes(session, clock, vault), audit)
    revocations = Revocations(session, clock, settings.access_token_seconds)
    sessions = Sessions(session, clock, settings, revocations, audit)
    return Privacy(
        session,
        clock,
        vault,
        accounts,
        Memberships(
            session, clock, accounts, Units(session, clock, audit), Platform(session), sessions, audit
        ),
        Platform(session),
        phones_for(session, clock, vault, settings, dispatcher),
        Consents(session, clock, revocations, audit),
        sessions,
        TextMessages(session, clock, vault, dispatcher),
        audit,
    )
