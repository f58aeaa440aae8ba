"""Builds the feature's services for one request, and outside of one."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.dependencies import AccountService
from identity.accounts.service import Accounts
from identity.audit.dependencies import AuditService
from identity.audit.service import AuditLog
from identity.codes.dependencies import CodeService
from identity.codes.service import Codes
from identity.dependencies import ServiceSettings, ServiceVault
from identity.memberships.dependencies import AdministratorService, MembershipService
from identity.memberships.service import Memberships
from identity.phones.recovery import Recoveries
from identity.phones.service import Phones
from identity.platform.dependencies import PlatformService
from identity.platform.service import Platform
from identity.policies.dependencies import PolicyService
from identity.reminders.budgets import ReminderBudgets
from identity.revocations.service import Revocations
from identity.roles.dependencies import RoleService
from identity.sessions.dependencies import SessionService
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.sms.dependencies import MessageService
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.units.service import Units
from identity.vault import Vault
from identity.verification.dependencies import RealNameService
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _phones(
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    accounts: AccountService,
    memberships: MembershipService,
    platform: PlatformService,
    sessions: SessionService,
    codes: CodeService,
    messages: MessageService,
    audit: AuditService,
) -> Phones:
    return Phones(session, clock, vault, accounts, memberships, platform, sessions, codes, messages, audit)


PhoneService = Annotated[Phones, Depends(_phones)]


async def _recoveries(
    session: Session,
    clock: ServiceClock,
    phones: PhoneService,
    accounts: AccountService,
    memberships: MembershipService,
    roles: RoleService,
    sessions: SessionService,
    codes: CodeService,
    real_names: RealNameService,
    policies: PolicyService,
    administrators: AdministratorService,
    settings: ServiceSettings,
    messages: MessageService,
    audit: AuditService,
) -> Recoveries:
    return Recoveries(
        session,
        clock,
        phones,
        accounts,
        memberships,
        roles,
        sessions,
        codes,
        real_names,
        policies,
        administrators,
        ReminderBudgets(session, clock, settings),
        messages,
        audit,
    )


RecoveryService = Annotated[Recoveries, Depends(_recoveries)]


def phones_for(
    session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, dispatcher: SmsDispatcher
) -> Phones:
    """Return the service for the periodic task."""
    audit = AuditLog(session, clock)
    codes = Codes(session, clock, vault)
    accounts = Accounts(session, clock, vault, codes, audit)
    revocations = Revocations(session, clock, settings.access_token_seconds)
    sessions = Sessions(session, clock, settings, revocations, audit)
    platform = Platform(session)
    memberships = Memberships(
        session, clock, accounts, Units(session, clock, audit), Platform(session), sessions, audit
    )
    messages = TextMessages(session, clock, vault, dispatcher)
    return Phones(session, clock, vault, accounts, memberships, platform, sessions, codes, messages, audit)
