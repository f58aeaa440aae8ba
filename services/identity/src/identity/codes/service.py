"""Sending and redeeming SMS codes."""

import secrets
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes import rules
from identity.codes.errors import CodeBudgetSpent, CodeIncorrect, CodeTooSoon
from identity.codes.gateway import SmsGateway
from identity.codes.models import SmsCode
from identity.codes.repository import CodeRepository
from identity.vault import Vault
from servicekit.clock import Clock


class Codes:
    """SMS codes within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, vault: Vault) -> None:
        self._clock = clock
        self._vault = vault
        self._codes = CodeRepository(session)

    async def send(
        self, gateway: SmsGateway, phone: str, purpose: str, *, registered: bool, address: str, budget: int
    ) -> None:
        """Send a code to a normalised number.

        The answer is the same whether the number is registered or not; its holder is told by SMS.
        Raises `CodeTooSoon`, `CodeBudgetSpent`.
        """
        now = self._clock.now()
        phone_index = self._vault.index("phone", phone)
        address_index = self._vault.index("address", address)
        await self._codes.serialise(phone_index)
        latest = await self._codes.latest(phone_index, purpose)
        wait = rules.seconds_until_resend(latest.sent_at if latest else None, now)
        if wait:
            raise CodeTooSoon(wait)
        if await self._codes.sent_to_number(phone_index, now - timedelta(days=1)) >= rules.PER_NUMBER_AND_DAY:
            raise CodeBudgetSpent
        if await self._codes.sent_from_address(address_index, now - timedelta(hours=1)) >= budget:
            raise CodeBudgetSpent
        code = f"{secrets.randbelow(1_000_000):06d}"
        self._codes.add(
            SmsCode(
                phone_index=phone_index,
                address_index=address_index,
                purpose=purpose,
                code_hash=self._hash(phone, purpose, code),
                sent_at=now,
                attempts=0,
            )
        )
        if registered == (purpose == "register"):
            await gateway.send(phone, rules.KNOWN_NUMBER if registered else rules.UNKNOWN_NUMBER)
        else:
            await gateway.send(phone, rules.text_of(code, purpose))

    async def redeem(self, phone: str, purpose: str, code: str) -> None:
        """Use the latest code up. Raises `CodeIncorrect`, `CodeExpired`, `CodeUsed`, `CodeExhausted`."""
        latest = await self._codes.latest(self._vault.index("phone", phone), purpose, lock=True)
        if latest is None or not latest.redeem(self._hash(phone, purpose, code), self._clock.now()):
            raise CodeIncorrect

    def _hash(self, phone: str, purpose: str, code: str) -> bytes:
        # Bound to number and purpose: a code for registering does not sign anybody in.
        return self._vault.index(f"code:{purpose}:{phone}", code)
