"""Acknowledgements of hand-overs by other services."""

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.office import HandOverCompletedV1
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.delegations.service import Delegations
from identity.entitlements.service import Entitlements
from identity.member_changes.service import MemberChanges
from identity.memberships.administrators import Administrators
from identity.memberships.service import Memberships
from identity.platform.service import Platform
from identity.revocations.service import Revocations
from identity.roles.service import Roles
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.units.service import Units
from identity.vault import Vault
from messaging.envelope import Envelope
from servicekit.clock import Clock


class HandOvers:
    """Handles `HandOverCompletedV1`."""

    def __init__(self, settings: Settings, vault: Vault, clock: Clock) -> None:
        self._settings = settings
        self._vault = vault
        self._clock = clock

    async def handle(self, session: AsyncSession, event: HandOverCompletedV1, _: Envelope) -> None:
        """Record the hand-over; the person who leaves has left with it."""
        await self._member_changes(session).complete(event.hand_over_id, event.items)

    def _member_changes(self, session: AsyncSession) -> MemberChanges:
        clock, audit = self._clock, AuditLog(session, self._clock)
        units = Units(session, clock, audit)
        accounts = Accounts(session, clock, self._vault, Codes(session, clock, self._vault), audit)
        revocations = Revocations(session, clock, self._settings.access_token_seconds)
        sessions = Sessions(session, clock, self._settings, revocations, audit)
        memberships = Memberships(session, clock, accounts, units, Platform(session), sessions, audit)
        return MemberChanges(
            session,
            clock,
            accounts,
            units,
            Roles(session),
            memberships,
            Administrators(session),
            Delegations(session, clock, accounts, units, memberships, revocations, audit),
            Entitlements(session, clock, memberships, revocations, audit),
            revocations,
            audit,
        )
