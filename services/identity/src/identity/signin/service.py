"""Sign-in with phone number and SMS code."""

from authkit import acr
from contracts.vocabulary import AccountStatus
from identity.accounts.errors import AccountSuspended
from identity.accounts.service import Accounts, phone_of
from identity.audit.service import AuditLog
from identity.codes.errors import CodeIncorrect
from identity.codes.service import Codes, CodeSender
from identity.sessions.models import BrowserSession
from identity.sessions.service import Sessions


class SignIn:
    """Sign-in for one request."""

    def __init__(
        self, accounts: Accounts, codes: Codes, sender: CodeSender, sessions: Sessions, audit: AuditLog
    ) -> None:
        self._accounts = accounts
        self._codes = codes
        self._sender = sender
        self._sessions = sessions
        self._audit = audit

    async def send_code(self, phone: str) -> None:
        """Send an SMS code, without revealing whether the number is registered.

        Raises `BadPhone` and the errors of `CodeSender.send`.
        """
        number = phone_of(phone)
        account = await self._accounts.by_phone(number)
        await self._sender.send(number, "sign_in", registered=account is not None)

    async def with_code(self, phone: str, code: str, browser: BrowserSession | None) -> str:
        """Verify the code and create a session. Return the value of its cookie.

        Raises `BadPhone`, `AccountSuspended` and the errors of `Codes.redeem`. The caller must render them:
        raising them further would roll back the counted attempt.
        """
        number = phone_of(phone)
        await self._codes.redeem(number, "sign_in", code)
        account = await self._accounts.by_phone(number, share=True)
        if account is None:
            raise CodeIncorrect
        if account.status != AccountStatus.ACTIVE:
            self._audit.record(actor=account.id, action="sign_in.refused", target=account.id)
            raise AccountSuspended
        _, cookie = await self._sessions.begin(account, browser, acr=acr.SMS, amr=["sms", "otp"])
        return cookie
