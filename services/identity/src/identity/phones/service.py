"""Changing the phone number of an account, with the old number or after a waiting time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, PhoneChangeKind, PhoneChangeStatus
from identity.accounts.errors import PhoneTaken
from identity.accounts.models import Account
from identity.accounts.rules import mask_phone
from identity.accounts.service import Accounts, phone_of
from identity.audit.service import AuditLog
from identity.codes.captchas import Answer
from identity.codes.challenges import Challenge, Challenges
from identity.codes.errors import CodeTooSoon
from identity.codes.service import Codes, CodeSender
from identity.memberships.service import Memberships
from identity.phones import rules
from identity.phones.errors import (
    ChangeNotFound,
    ChangePending,
    IdNumberDifferent,
    PhoneGone,
    SamePhone,
)
from identity.phones.models import SEALED_FOR, PhoneChange
from identity.phones.repository import PhoneChangeRepository
from identity.platform.service import Platform
from identity.sessions.service import Sessions
from identity.sms.service import TextMessages
from identity.vault import Vault
from identity.verification.errors import RealNameRequired
from identity.verification.service import id_number_of
from servicekit.clock import SHANGHAI, Clock
from servicekit.ids import new_id

CHANGE, CANCEL = "change_phone", "cancel_change"


class Phones:
    """Phone numbers of accounts within one request, or one run of the periodic task.

    Locks: the account, its change, its sessions.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        accounts: Accounts,
        memberships: Memberships,
        platform: Platform,
        sessions: Sessions,
        codes: Codes,
        messages: TextMessages,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._accounts = accounts
        self._memberships = memberships
        self._platform = platform
        self._sessions = sessions
        self._codes = codes
        self._messages = messages
        self._audit = audit
        self._rows = PhoneChangeRepository(session)

    async def send_code(
        self,
        sender: CodeSender,
        sub: UUID,
        phone_text: str | None,
        *,
        ticket: str,
        answer: Answer | None = None,
    ) -> None:
        """Send a code for a change to a new number, or to the account's number if `phone_text` is None.

        Raises `BadPhone`, `SamePhone`, `PhoneGone` and the errors of `CodeSender.send`.
        """
        phone = await self._to_prove(sub, phone_text)
        # A new number is not theirs yet: its own budget counts, not that of the person's browser.
        holder = sub if phone_text is None else None
        await sender.send(phone, CHANGE, holder=holder, ticket=ticket, answer=answer)

    async def send_codes(
        self,
        sender: CodeSender,
        sub: UUID,
        phone_text: str,
        *,
        with_old: bool,
        ticket: str,
        answer: Answer | None,
    ) -> CodeTooSoon | None:
        """Send a code to the new number and, `with_old`, one to the account's number.

        A number that got its code less than a minute ago keeps that one, and the answered captcha is left for
        the other. Return the error of waiting if no code was sent because all are on their way. Raises the
        errors of `send_code`, so that nothing is said to be sent while a number has no code to type.
        """
        waiting: CodeTooSoon | None = None
        sent = False
        for number in (phone_text, None) if with_old else (phone_text,):
            try:
                await self.send_code(sender, sub, number, ticket=ticket, answer=answer)
            except CodeTooSoon as soon:
                if not soon.live:
                    raise
                waiting = soon
            else:
                sent, answer = True, None
        return None if sent else waiting

    async def open_challenge(
        self, challenges: Challenges, sub: UUID, phone_text: str | None, *, ticket: str
    ) -> tuple[str, Challenge]:
        """Return a number to prove by a text message from it, in place of a code, and what to send.

        Raises `BadPhone`, `SamePhone`, `PhoneGone` and the errors of `Challenges.open`.
        """
        phone = await self._to_prove(sub, phone_text)
        return phone, await challenges.open(phone, CHANGE, ticket)

    async def proved(
        self, sub: UUID, phone: str, ticket: str, code: str, old_code: str = ""
    ) -> tuple[str, str]:
        """Return the digits that have arrived from the new and from the old number, as `Codes.proved`."""
        old = self._accounts.phone(await self._accounts.get(sub))
        return (
            await self._codes.proved(phone, CHANGE, ticket, code),
            "" if old is None else await self._codes.proved(old, CHANGE, ticket, old_code),
        )

    async def _to_prove(self, sub: UUID, phone_text: str | None) -> str:
        account = await self._accounts.get(sub)
        phone = self._accounts.phone(account) if phone_text is None else phone_of(phone_text)
        if phone is None:
            raise PhoneGone
        if phone_text is not None:
            self._old(account, phone)
        return phone

    async def change(self, sub: UUID, phone_text: str, *, ticket: str, code: str, old_code: str) -> Account:
        """Change the number at once, with the codes that the new and the old number got.

        All sessions end. Raises `BadPhone`, `SamePhone`, `PhoneGone`, `PhoneTaken` and the errors of
        `Codes.redeem`.
        """
        phone = phone_of(phone_text)
        account = await self._accounts.get(sub, lock=True)
        old = self._old(account, phone)
        if old is None:
            raise PhoneGone
        await self._codes.redeem(old, CHANGE, ticket, old_code)
        await self._codes.redeem(phone, CHANGE, ticket, code)
        waiting = await self._rows.open_of(sub, lock=True)
        if waiting is not None:
            waiting.finish(PhoneChangeStatus.CANCELLED, self._clock.now(), "changed with the old number")
        await self._apply(account, phone, actor=sub, how="both numbers")
        return account

    async def request(
        self, sub: UUID, phone_text: str, *, ticket: str, code: str, id_number: str
    ) -> PhoneChange:
        """Request a change without the old number; it takes effect in seven days, unless it is cancelled.

        Raises `BadPhone`, `SamePhone`, `BadIdNumber`, `RealNameRequired`, `IdNumberDifferent`,
        `ChangePending`, `PhoneTaken` and the errors of `Codes.redeem`.
        """
        phone, number = phone_of(phone_text), id_number_of(id_number, self._clock.now())
        account = await self._accounts.get(sub, lock=True)
        self._old(account, phone)
        if account.verified_at is None:
            raise RealNameRequired
        await self._codes.redeem(phone, CHANGE, ticket, code)
        if not self._accounts.has_id_number(account, number):
            self._audit.record(actor=sub, action="phone.change_refused", target=sub)
            raise IdNumberDifferent
        if await self._accounts.by_phone(phone) is not None:
            raise PhoneTaken
        due = self._clock.now() + rules.WITHOUT_OLD_NUMBER
        change = await self.open(account, phone, PhoneChangeKind.CHANGE, due=due, id_matched=True)
        await self.announce(account, change)
        return change

    async def mine(self, sub: UUID) -> PhoneChange | None:
        """Return the person's open change."""
        return await self._rows.open_of(sub)

    async def cancel(self, sub: UUID) -> None:
        """Cancel one's own open change. Raises `ChangeNotFound`."""
        account = await self._accounts.get(sub, lock=True)
        await self._cancel(account, "by the person")

    async def cancel_by_old_number(self, phone_text: str, *, ticket: str, code: str) -> None:
        """Cancel the open change of the account with a number, for whoever got a code there.

        Raises `BadPhone`, `ChangeNotFound` and the errors of `Codes.redeem`.
        """
        phone = phone_of(phone_text)
        account = await self._accounts.by_phone(phone, lock=True)
        await self._codes.redeem(phone, CANCEL, ticket, code)
        if account is None:
            raise ChangeNotFound
        await self._cancel(account, "by the old number")

    async def open(
        self,
        account: Account,
        phone: str,
        kind: PhoneChangeKind,
        *,
        due: datetime | None,
        id_matched: bool,
    ) -> PhoneChange:
        """Open a change for an account, which is locked. Raises `ChangePending`."""
        change = PhoneChange(
            id=new_id(),
            account_id=account.id,
            kind=kind,
            status=PhoneChangeStatus.REQUESTED if due is None else PhoneChangeStatus.WAITING,
            phone_sealed=self._vault.seal(SEALED_FOR, phone),
            phone_masked=mask_phone(phone),
            id_matched=id_matched,
            requested_at=self._clock.now(),
            due_at=due,
            in_person=False,
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(change)
        except IntegrityError as error:
            raise ChangePending from error
        self._audit.record(
            actor=account.id if kind == PhoneChangeKind.CHANGE else None,
            action="phone.change_requested",
            target=account.id,
            kind=kind,
        )
        return change

    async def of_platform_administrator(self, sub: UUID) -> bool:
        """Return whether an account, which is locked, is an administrator's of the platform."""
        return await self._platform.role_of(sub) is not None

    async def helper_of(self, sub: UUID) -> str:
        """Return whom a person asks about their account."""
        return await self._platform.helper_of(sub)

    async def announce(self, account: Account, change: PhoneChange) -> None:
        """Tell the old number about a change that waits."""
        old = self._accounts.phone(account)
        if old is None:
            return
        text = rules.requested_text(change.phone_masked)
        if change.due_at is not None:
            due = change.due_at.astimezone(SHANGHAI).strftime("%Y年%m月%d日%H:%M")
            text = rules.announced_text(change.phone_masked, due)
        await self._messages.queue(old, text)

    async def tell_new(self, change: PhoneChange, text: str) -> None:
        """Send a message to the new number of an open change."""
        if change.phone_sealed is not None:
            await self._messages.queue(self._vault.open(SEALED_FOR, change.phone_sealed), text)

    async def complete(self, change_id: UUID) -> bool:
        """Put a change into force if its time has come. Return whether the account has the number."""
        found = await self._rows.get(change_id)
        if found is None:
            return False
        sub = found.account_id
        account = await self._accounts.get(sub, lock=True)
        change = await self._rows.lock(change_id)
        now = self._clock.now()
        if change is None or change.due_at is None or change.finished_at is not None or change.due_at > now:
            return False
        assert change.phone_sealed is not None
        phone = self._vault.open(SEALED_FOR, change.phone_sealed)
        if account.status != AccountStatus.ACTIVE:
            change.finish(PhoneChangeStatus.FAILED, now, "account not active")
            return False
        recovered = change.kind == PhoneChangeKind.RECOVERY
        if recovered and await self.of_platform_administrator(sub):
            # Appointed since the approval: whoever has the number has the role, and no unit gives that one.
            await self.tell_new(change, rules.FAILED_RECOVERY)
            change.finish(PhoneChangeStatus.FAILED, now, "platform administrator")
            self._audit.record(actor=None, action="phone.change_failed", target=sub)
            return False
        try:
            await self._apply(account, phone, actor=change.decided_by or account.id, how=change.kind)
        except PhoneTaken:
            await self.tell_new(change, rules.FAILED)
            change.finish(PhoneChangeStatus.FAILED, now, "number taken")
            self._audit.record(actor=None, action="phone.change_failed", target=sub)
            return False
        change.finish(PhoneChangeStatus.DONE, now)
        return True

    async def _apply(self, account: Account, phone: str, *, actor: UUID, how: str) -> None:
        old = self._accounts.phone(account)
        await self._accounts.change_phone(account, phone)
        await self._memberships.changed(account)
        await self._sessions.end_all(account.id, "phone number changed", actor=actor)
        text = rules.changed_text(account.phone_masked, await self.helper_of(account.id))
        for number in {old, phone} - {None}:
            assert number is not None
            await self._messages.queue(number, text)
        self._audit.record(actor=actor, action="phone.changed", target=account.id, how=how)

    async def _cancel(self, account: Account, how: str) -> None:
        change = await self._rows.open_of(account.id, lock=True)
        if change is None:
            raise ChangeNotFound
        await self.tell_new(change, rules.CANCELLED)
        change.finish(PhoneChangeStatus.CANCELLED, self._clock.now(), how)
        self._audit.record(actor=account.id, action="phone.change_cancelled", target=account.id, how=how)

    def _old(self, account: Account, phone: str) -> str | None:
        old = self._accounts.phone(account)
        if old == phone:
            raise SamePhone
        return old
