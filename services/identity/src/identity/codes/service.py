"""Sends and redeems SMS codes."""

import secrets

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes import rules
from identity.codes.errors import CodeBudgetSpent, CodeIncorrect, CodeTooSoon
from identity.codes.models import SmsCode
from identity.codes.repository import CodeRepository
from identity.codes.rules import Budget
from identity.settings import Settings
from identity.sms.errors import SmsUnavailable
from identity.sms.service import TextMessages
from identity.vault import Vault
from servicekit.clock import Clock

log = structlog.get_logger("codes")


class Codes:
    """SMS codes for one request."""

    def __init__(self, session: AsyncSession, clock: Clock, vault: Vault) -> None:
        self._clock = clock
        self._vault = vault
        self._codes = CodeRepository(session)

    async def redeem(self, phone: str, purpose: str, code: str) -> None:
        """Redeem the latest code. Raises `CodeIncorrect`, `CodeExpired`, `CodeUsed`, `CodeExhausted`."""
        latest = await self._codes.latest(self._vault.index("phone", phone), purpose, lock=True)
        given = _hash(self._vault, phone, purpose, code)
        if latest is None or not latest.redeem(given, self._clock.now()):
            raise CodeIncorrect


class CodeSender:
    """Sends codes for one request from `address`."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        settings: Settings,
        messages: TextMessages,
        address: str,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._settings = settings
        self._messages = messages
        self._address = address
        self._codes = CodeRepository(session)

    async def send(self, phone: str, purpose: str, *, registered: bool) -> None:
        """Send a code to a normalized number after the transaction commits.

        The response is the same for registered and unregistered numbers; only the SMS differs.
        Raises `CodeTooSoon`, `CodeBudgetSpent`, `SmsUnavailable`; then nothing is counted or stored.
        """
        self._messages.check_gateway()
        async with self._session.begin_nested():
            await self._send(phone, purpose, registered=registered)

    async def _send(self, phone: str, purpose: str, *, registered: bool) -> None:
        now = self._clock.now()
        phone_index = self._vault.index("phone", phone)
        await self._codes.serialise(phone_index)
        latest = await self._codes.latest(phone_index, purpose)
        wait = rules.seconds_until_resend(latest.sent_at if latest else None, now)
        if wait:
            raise CodeTooSoon(wait)
        # The row of the deployment total is locked last, because all requests of the deployment wait for it.
        await self._spend(Budget("number", phone_index, rules.NUMBER_BUDGET, rules.DAY))
        address = self._vault.index("address", self._address)
        await self._spend(Budget("address", address, self._settings.sms_budget_per_address, rules.HOUR))
        await self._spend(Budget("total", b"", self._settings.sms_budget_total, rules.HOUR))
        code = f"{secrets.randbelow(1_000_000):06d}"
        self._codes.add(
            SmsCode(
                phone_index=phone_index,
                purpose=purpose,
                code_hash=_hash(self._vault, phone, purpose, code),
                sent_at=now,
                attempts=0,
            )
        )
        if registered == (purpose == "register"):
            text = rules.KNOWN_NUMBER if registered else rules.UNKNOWN_NUMBER
        else:
            text = rules.text_of(code, purpose)
        topic = self._vault.index("sms-topic", f"{purpose}:{phone}")
        await self._messages.queue(phone, text, lifetime=rules.LIFETIME, topic=topic)

    async def _spend(self, budget: Budget) -> None:
        now = self._clock.now()
        ends_at = await self._codes.spend(budget, now)
        if ends_at is None:
            return
        wait = rules.seconds_until(ends_at, now)
        if budget.kind == "total":
            log.error("sms budget of the deployment is spent", seconds_left=wait)
            raise SmsUnavailable(wait)
        raise CodeBudgetSpent(wait)


def _hash(vault: Vault, phone: str, purpose: str, code: str) -> bytes:
    # Bound to number and purpose: a registration code cannot be used to sign in.
    return vault.index(f"code:{purpose}:{phone}", code)
