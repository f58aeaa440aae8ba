"""Sign-in with phone number and SMS code."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from authkit import acr
from contracts.vocabulary import AccountStatus, PolicyKind
from identity.accounts.errors import AccountSuspended
from identity.accounts.service import Accounts, phone_of
from identity.audit.service import AuditLog
from identity.codes.rules import texted
from identity.codes.service import Codes, CodeSender
from identity.platform.service import Platform
from identity.registration.service import Registrations
from identity.sessions.models import BrowserSession
from identity.sessions.rules import SMS_CODE, TEXTED, means_of
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.signin.errors import NotRegistered
from identity.sms.service import TextMessages
from servicekit.clock import SHANGHAI, Clock


def notice(at: str, device: str, helper: str) -> str:
    """Return the message about a sign-in from a browser that is not remembered; the person asks `helper`."""
    where = f"在新设备（{device}）" if device else "在新设备"
    return (
        f"【学生资助】您的账号于 {at} {where}登录。如非本人操作，请立即登录并结束其他登录，或联系{helper}。"
    )


def _amr(code: str) -> list[str]:
    return list(TEXTED if texted(code) else SMS_CODE)


@dataclass(frozen=True)
class SignedIn:
    """The values of the cookies of a browser after sign-in."""

    session: str
    device: str
    """See `Devices`."""


class SignIn:
    """Sign-in for one request."""

    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        accounts: Accounts,
        codes: Codes,
        sender: CodeSender,
        sessions: Sessions,
        messages: TextMessages,
        registrations: Registrations,
        platform: Platform,
        audit: AuditLog,
    ) -> None:
        self._registrations = registrations
        self._platform = platform
        self._clock = clock
        self._settings = settings
        self._messages = messages
        self._accounts = accounts
        self._codes = codes
        self._sender = sender
        self._sessions = sessions
        self._audit = audit

    async def register(
        self,
        phone: str,
        ticket: str,
        code: str,
        name: str,
        agreed: Mapping[PolicyKind, str],
        browser: BrowserSession | None,
    ) -> SignedIn:
        """Register an account whose holder agrees to these documents, and create a session.

        Raises the errors of `Registrations.register`, which the caller must render, as those of `with_code`.
        """
        account = await self._registrations.register(phone, ticket, code, name, agreed)
        return await self.begin(account.id, browser, code)

    async def begin(self, sub: UUID, browser: BrowserSession | None, code: str) -> SignedIn:
        """Create a session for somebody who has just proved their number with `code`, which was redeemed."""
        _, cookie = await self._sessions.begin(sub, browser, acr=acr.SMS, amr=_amr(code))
        return SignedIn(cookie, self._sender.remember(sub))

    async def with_code(self, phone: str, ticket: str, code: str, browser: BrowserSession | None) -> SignedIn:
        """Verify the code and create a session.

        Raises `BadPhone`, `NotRegistered`, `AccountSuspended` and the errors of `Codes.redeem`. The caller
        must render them: raising them further would roll back the counted attempt.
        """
        number = phone_of(phone)
        await self._codes.redeem(number, "sign_in", ticket, code)
        account = await self._accounts.holder(number, share=True)
        if account is None:
            # Only whoever has the number gets to know this.
            raise NotRegistered
        if account.status != AccountStatus.ACTIVE:
            self._audit.record(actor=account.id, action="sign_in.refused", target=account.id)
            await self._sessions.refused(account.id, means_of(_amr(code)), AccountSuspended.code)
            raise AccountSuspended.for_holder(await self._platform.helper_of(account.id))
        await self._notify(account.id, number)
        return await self.begin(account.id, browser, code)

    async def _notify(self, sub: UUID, number: str) -> None:
        """Tell the person about a sign-in from a browser that is not remembered, except the first of all."""
        if not self._settings.sign_in_notices or self._sender.remembers(sub):
            return
        if await self._sessions.has_signed_in(sub):
            at = self._clock.now().astimezone(SHANGHAI).strftime("%m月%d日%H:%M")
            helper = await self._platform.helper_of(sub)
            await self._messages.queue(number, notice(at, self._sessions.device.name, helper))
