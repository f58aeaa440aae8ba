"""Codes for a number, whoever has it."""

from identity.accounts.service import Accounts, phone_of
from identity.codes.captchas import Answer, Captcha
from identity.codes.rules import CaptchaKind
from identity.codes.service import CodeSender


class NumberCodes:
    """Sends codes to numbers that browsers without a session give, within one request."""

    def __init__(self, accounts: Accounts, sender: CodeSender) -> None:
        self._accounts = accounts
        self._sender = sender

    async def send(self, purpose: str, phone_text: str, ticket: str, answer: Answer | None = None) -> None:
        """Send an SMS code for the browser with `ticket`, without revealing whether the number is registered:
        only the text message differs.

        Raises `BadPhone` and the errors of `CodeSender.send`.
        """
        phone = phone_of(phone_text)
        found = await self._accounts.holder(phone)
        holder = None if found is None else found.id
        await self._sender.send(phone, purpose, holder=holder, ticket=ticket, answer=answer)

    async def captcha(self, ticket: str, kind: CaptchaKind = CaptchaKind.PICTURE) -> Captcha:
        """Return a question for the browser with `ticket`, after `CaptchaRequired` or `CaptchaIncorrect`."""
        return await self._sender.captcha(ticket, kind)
