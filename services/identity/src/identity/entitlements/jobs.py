"""Ends entitlements and requests whose time is over, and reminds people of the review before."""

from datetime import timedelta

from contracts.vocabulary import EntitlementRequestStatus
from identity.accounts.service import PHONE, Accounts
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.entitlements import rules
from identity.entitlements.repository import EntitlementRepository
from identity.entitlements.service import Entitlements
from identity.memberships.service import Memberships
from identity.platform.service import Platform
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.units.service import Units
from identity.vault import Vault
from jobs.kinds import Periodic
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database

BATCH = 50


class Reviews:
    """The yearly review of entitlements."""

    def __init__(
        self, database: Database, settings: Settings, vault: Vault, clock: Clock, dispatcher: SmsDispatcher
    ) -> None:
        self._database = database
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._dispatcher = dispatcher

    async def run(self) -> None:
        """Remind, then expire; a batch in each transaction."""
        count = BATCH
        while count == BATCH:
            count = await self._remind()
        count = BATCH
        while count == BATCH:
            count = await self._expire()
        count = BATCH
        while count == BATCH:
            count = await self._expire_requests()

    async def _remind(self) -> int:
        now = self._clock.now()
        async with self._database.transaction() as session:
            messages = TextMessages(session, self._clock, self._vault, self._dispatcher)
            rows = await EntitlementRepository(session).to_remind(now + rules.REVIEW, BATCH)
            for entitlement, account in rows:
                entitlement.reminded_at = now
                day = entitlement.expires_at.astimezone(SHANGHAI).strftime("%Y年%m月%d日")
                text = (
                    f"【学生资助】您的数字驾驶舱授权将于{day}到期，届时未经复核即失效。"
                    "如需继续使用，请联系上级单位管理员复核。"
                )
                await messages.queue(self._vault.open(PHONE, account.phone_sealed), text)
        return len(rows)

    async def _expire(self) -> int:
        clock = self._clock
        async with self._database.transaction() as session:
            audit = AuditLog(session, clock)
            units = Units(session, clock, audit)
            accounts = Accounts(session, clock, self._vault, Codes(session, clock, self._vault), audit)
            revocations = Revocations(session, clock, self._settings.access_token_seconds)
            sessions = Sessions(session, clock, self._settings, revocations, audit)
            memberships = Memberships(session, clock, accounts, units, Platform(session), sessions, audit)
            return await Entitlements(session, clock, memberships, revocations, audit).expire(BATCH)

    async def _expire_requests(self) -> int:
        now = self._clock.now()
        async with self._database.transaction() as session:
            audit = AuditLog(session, self._clock)
            due = await EntitlementRepository(session).to_expire(now - rules.UNDECIDED, BATCH)
            for request in due:
                request.decide(EntitlementRequestStatus.EXPIRED, None, now)
                audit.record(
                    actor=None,
                    action="entitlement.request_expired",
                    target=request.account_id,
                    name=request.name,
                )
        return len(due)


def task(reviews: Reviews) -> Periodic:
    """Return the periodic task."""
    return Periodic("entitlements.review", reviews.run, every=timedelta(minutes=10))
