"""A person's rights to their data (PIPL articles 45 to 47): a copy of it, and its deletion with the
account.
"""

import base64
import contextlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, ExportStatus
from identity.accounts.errors import AccountNotActive
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import job_queue
from identity.consents.service import Consents
from identity.memberships.service import Memberships
from identity.phones.errors import ChangeNotFound
from identity.phones.service import Phones
from identity.platform.service import Platform
from identity.privacy import rules
from identity.privacy.errors import (
    ClosingNotFound,
    ClosingPending,
    ExportNotFound,
    ExportNotReady,
    ExportTooSoon,
    HandOverOpen,
    PlatformRoleHeld,
    StillMember,
)
from identity.privacy.kinds import EXPORT, Which
from identity.privacy.models import SEALED_FOR, AccountClosing, DataExport
from identity.privacy.repository import PrivacyRepository
from identity.sessions.service import Sessions
from identity.sms.service import TextMessages
from identity.vault import Vault
from servicekit.clock import SHANGHAI, Clock
from servicekit.ids import new_id
from servicekit.problems import Problem


class Privacy:
    """Exports and closings within one request, or one run of the periodic task."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        accounts: Accounts,
        memberships: Memberships,
        platform: Platform,
        phones: Phones,
        consents: Consents,
        sessions: Sessions,
        messages: TextMessages,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._accounts = accounts
        self._memberships = memberships
        self._platform = platform
        self._phones = phones
        self._consents = consents
        self._sessions = sessions
        self._messages = messages
        self._audit = audit
        self._rows = PrivacyRepository(session)

    async def request_export(self, sub: UUID) -> DataExport:
        """Have a copy of one's data made by a job. Raises `ExportTooSoon`."""
        await self._accounts.get(sub, lock=True)
        now = self._clock.now()
        recent = [
            one
            for one in await self._rows.exports(sub)
            if one.requested_at
            > now - (rules.EXPORT_TAKES if one.finished_at is None else rules.EXPORT_AGAIN)
        ]
        if recent:
            raise ExportTooSoon
        row = DataExport(id=new_id(), account_id=sub, status=ExportStatus.RUNNING, requested_at=now)
        self._rows.add(row)
        await job_queue.enqueue(self._session, EXPORT, Which(id=row.id))
        self._audit.record(actor=sub, action="data.export_requested", target=sub)
        return row

    async def exports(self, sub: UUID) -> Sequence[DataExport]:
        """Return a person's exports, latest first."""
        return await self._rows.exports(sub)

    async def download(self, sub: UUID, export_id: UUID) -> bytes:
        """Return the file of an export; recorded. Raises `ExportNotFound`, `ExportNotReady`."""
        row = await self._rows.export(export_id)
        if row is None or row.account_id != sub:
            raise ExportNotFound
        if row.file_sealed is None:
            raise ExportNotReady
        self._audit.record(actor=sub, action="data.exported", target=sub)
        return base64.b64decode(self._vault.open(SEALED_FOR, row.file_sealed))

    async def closing(self, sub: UUID) -> AccountClosing:
        """Return the open request to close one's account. Raises `ClosingNotFound`."""
        row = await self._rows.closing(sub)
        if row is None:
            raise ClosingNotFound
        return row

    async def request_closing(self, sub: UUID) -> AccountClosing:
        """Ask for the end of one's account in 15 days.

        Raises `ClosingPending`, `StillMember`, `HandOverOpen`, `PlatformRoleHeld`.
        """
        account = await self._accounts.get(sub, lock=True)
        await self._check(sub)
        now = self._clock.now()
        row = AccountClosing(id=new_id(), account_id=sub, requested_at=now, due_at=now + rules.GRACE)
        try:
            async with self._session.begin_nested():
                self._rows.add(row)
        except IntegrityError as error:
            raise ClosingPending from error
        due = row.due_at.astimezone(SHANGHAI).strftime("%Y年%m月%d日")
        await self._tell(account, rules.requested_text(due))
        self._audit.record(actor=sub, action="account.closing_requested", target=sub)
        return row

    async def cancel_closing(self, sub: UUID) -> None:
        """Keep one's account. Raises `ClosingNotFound`."""
        account = await self._accounts.get(sub, lock=True)
        row = await self._rows.closing(sub, lock=True)
        if row is None:
            raise ClosingNotFound
        row.finish("cancelled", self._clock.now())
        await self._tell(account, rules.CANCELLED)
        self._audit.record(actor=sub, action="account.closing_cancelled", target=sub)

    async def complete(self, sub: UUID) -> bool:
        """Close an account whose time has come, and erase its personal data except the sign-in history.

        Return False, and end the request, if something stands against it meanwhile.
        """
        account = await self._accounts.get(sub, lock=True)
        row = await self._rows.closing(sub, lock=True)
        now = self._clock.now()
        if row is None or row.due_at > now:
            return False
        try:
            if account.status != AccountStatus.ACTIVE:
                raise AccountNotActive
            await self._check(sub)
        except Problem as problem:
            row.finish(problem.code, now)
            self._audit.record(actor=None, action="account.closing_failed", target=sub, code=problem.code)
            return False
        await self._tell(account, rules.CLOSED)
        await self._end_everything(account)
        await self._accounts.close(account, rules.CLOSED_NAME)
        await self._memberships.changed(account)
        row.finish("closed", now)
        self._audit.record(actor=sub, action="account.closed", target=sub)
        return True

    async def _end_everything(self, account: Account) -> None:
        sub = account.id
        await self._rows.withdraw_requests(sub, self._clock.now())
        with contextlib.suppress(ChangeNotFound):
            await self._phones.cancel(sub)
        await self._rows.erase(sub)
        await self._sessions.end_all(sub, "account closed")
        for consent, _ in await self._consents.of(sub):
            await self._consents.withdraw(sub, consent.client_id)

    async def _check(self, sub: UUID) -> None:
        if (await self._memberships.profile(sub)).memberships:
            raise StillMember
        if await self._rows.hand_over_open(sub):
            raise HandOverOpen
        if await self._platform.role_of(sub) is not None:
            raise PlatformRoleHeld

    async def _tell(self, account: Account, text: str) -> None:
        phone = self._accounts.phone(account)
        if phone is not None and account.status != AccountStatus.CLOSED:
            await self._messages.queue(phone, text)
