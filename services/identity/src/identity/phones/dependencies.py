"""Builds the feature's services for one request, and outside of one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.dependencies import AccountService
from identity.accounts.service import Accounts
from identity.audit.dependencies import AuditService
from identity.audit.service import AuditLog
from identity.codes.dependencies import CodeService
from identity.codes.service import Codes
from identity.dependencies import ServiceVault
from identity.memberships.administrators import Administrators
from identity.memberships.dependencies import MembershipService
from identity.memberships.service import Memberships
from identity.phones.recovery import Recoveries
from identity.phones.seeking import LostAccounts
from identity.phones.service import Phones
from identity.platform.dependencies import PlatformService
from identity.platform.service import Platform
from identity.policies.dependencies import PolicyService
from identity.reminders.administrators import AdministratorTexts
from identity.reminders.budgets import ReminderBudgets
from identity.reminders.dependencies import AdministratorTextService
from identity.revocations.service import Revocations
from identity.roles.dependencies import RoleService
from identity.roles.service import Roles
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
        audit,
    )


RecoveryService = Annotated[Recoveries, Depends(_recoveries)]


async def _lost_accounts(
    session: Session,
    clock: ServiceClock,
    vault: ServiceVault,
    phones: PhoneService,
    accounts: AccountService,
    memberships: MembershipService,
    roles: RoleService,
    codes: CodeService,
    texts: AdministratorTextService,
) -> LostAccounts:
    return LostAccounts(session, clock, vault, phones, accounts, memberships, roles, codes, texts)


LostAccountService = Annotated[LostAccounts, Depends(_lost_accounts)]


@dataclass(frozen=True)
class _Parts:
    """What the services outside of a request are made of."""

    accounts: Accounts
    memberships: Memberships
    codes: Codes
    messages: TextMessages
    phones: Phones


def phones_for(
    session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, dispatcher: SmsDispatcher
) -> Phones:
    """Return the service for the periodic task."""
    return _parts(session, clock, vault, settings, dispatcher).phones


def lost_accounts_for(
    session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, dispatcher: SmsDispatcher
) -> LostAccounts:
    """Return the service for the job."""
    parts = _parts(session, clock, vault, settings, dispatcher)
    texts = AdministratorTexts(
        parts.accounts, Administrators(session), ReminderBudgets(session, clock, settings), parts.messages
    )
    return LostAccounts(
        session,
        clock,
        vault,
        parts.phones,
        parts.accounts,
        parts.memberships,
        Roles(session),
        parts.codes,
        texts,
    )


def _parts(
    session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, dispatcher: SmsDispatcher
) -> _Parts:
    audit = AuditLog(session, clock)
    codes = Codes(session, clock, vault)
    accounts = Accounts(session, clock, vault, codes, audit)
    revocations = Revocations(session, clock, settings.access_token_seconds)
    sessions = Sessions(session, clock, settings, revocations, audit)
    platform = Platform(session)
    memberships = Memberships(
        session, clock, accounts, Units(session, clock, audit), platform, sessions, audit
    )
    messages = TextMessages(session, clock, vault, dispatcher)
    phones = Phones(session, clock, vault, accounts, memberships, platform, sessions, codes, messages, audit)
    return _Parts(accounts, memberships, codes, messages, phones)
