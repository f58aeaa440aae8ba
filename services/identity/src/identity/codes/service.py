"""Sends and redeems SMS codes."""

import secrets
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes import rules
from identity.codes.browsers import Devices
from identity.codes.captchas import Answer, Captcha, Captchas
from identity.codes.challenges import TEXT, sent_from
from identity.codes.challenges import TICKET as _TICKET
from identity.codes.errors import (
    CaptchaRequired,
    CodeBudgetSpent,
    CodeIncorrect,
    CodeTooSoon,
    CodeUnreadable,
)
from identity.codes.models import SmsCode, TextChallenge
from identity.codes.repository import CodeRepository
from identity.codes.rules import Budget, CaptchaKind
from identity.settings import Settings
from identity.sms.errors import SmsUnavailable
from identity.sms.service import TextMessages
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lane_sessions import savepoint
from servicekit.problems import Problem

REFUSED = Counter(
    "zhuxue_codes_refused_total", "Codes that were typed and not accepted", ["purpose", "reason"]
)

log = structlog.get_logger("codes")


class Codes:
    """SMS codes for one request."""

    def __init__(self, session: AsyncSession, clock: Clock, vault: Vault) -> None:
        self._clock = clock
        self._vault = vault
        self._codes = CodeRepository(session)

    async def redeem(self, phone: str, purpose: str, ticket: str, typed: str) -> None:
        """Redeem the latest code that was sent to a number for the browser with this ticket, or the digits of
        a challenge that were sent from the number for this browser.

        Other browsers cannot use the code, nor use up its attempts. Raises `CodeUnreadable`, `CodeIncorrect`,
        `CodeExpired`, `CodeUsed`, `CodeExhausted`, `TextNotReceived`.
        """
        try:
            await self._redeem(phone, purpose, ticket, typed)
        except Problem as problem:
            REFUSED.labels(purpose, problem.code).inc()
            raise

    async def _redeem(self, phone: str, purpose: str, ticket: str, typed: str) -> None:
        digits = rules.challenge_of(typed)
        if digits is not None:
            await self._redeem_text(phone, purpose, ticket, digits)
            return
        code = rules.code_of(typed)
        if code is None:
            raise CodeUnreadable
        latest = await self._codes.latest(
            self._vault.indexes("phone", phone), self._vault.indexes(_TICKET, ticket), purpose, lock=True
        )
        if latest is None:
            raise CodeIncorrect
        right = latest.redeem(self._vault.indexes(_bound(phone, purpose), code), self._clock.now())
        await self._codes.tried(latest)
        if not right:
            raise CodeIncorrect

    async def proved(self, phone: str, purpose: str, ticket: str, typed: str) -> str:
        """Return the digits of a challenge that have arrived from the number for this browser and have not
        been redeemed, or an empty string if `typed` is something else.
        """
        digits = rules.challenge_of(typed)
        found = None if digits is None else await self._challenge(phone, purpose, ticket, digits)
        received = found is not None and found.state(self._clock.now()) == "received"
        return digits if digits is not None and received else ""

    async def _redeem_text(self, phone: str, purpose: str, ticket: str, digits: str) -> None:
        # Guesses are not counted: nothing but a text from the number makes digits right.
        found = await self._challenge(phone, purpose, ticket, digits)
        if found is None:
            raise CodeIncorrect
        found.redeem(self._clock.now())

    async def _challenge(self, phone: str, purpose: str, ticket: str, digits: str) -> TextChallenge | None:
        found = await self._codes.challenge_by_text(self._vault.indexes(TEXT, sent_from(phone, digits)))
        if found is None or found.purpose != purpose:
            return None
        return found if found.ticket_hash in self._vault.indexes(_TICKET, ticket) else None


class Failures:
    """Wrong passwords and the like at a browser that an account has used for a day: counted apart from those
    of other browsers, so that a stranger with access to the person's text messages cannot lock the person out
    there.

    The caller has locked the row of the password, so that attempts run one after another.
    """

    def __init__(self, session: AsyncSession, clock: Clock, vault: Vault, device: str | None) -> None:
        self._clock = clock
        self._vault = vault
        self._device = device
        self._codes = CodeRepository(session)

    def budget(self, account: UUID, means: str) -> Budget | None:
        """Return the budget of this browser, or None if it has none of its own."""
        devices = Devices(self._vault, self._clock)
        device = devices.key_of(account, self._device, after=rules.DEVICE_SETTLED)
        if device is None:
            return None
        key = self._vault.index("failures", f"{means}\0{device.hex()}")
        return Budget("failures", key, rules.MAX_FAILURES, rules.FAILURE_WINDOW)

    async def locked(self, budget: Budget) -> bool:
        """Return whether there were too many failures within the window."""
        return await self._codes.spent(budget, self._clock.now())

    async def count(self, budget: Budget) -> None:
        """Count a failure."""
        await self._codes.spend(budget, self._clock.now(), up_to=budget.limit)

    async def reset(self, budget: Budget) -> None:
        """Forget the failures, after a success."""
        await self._codes.forget(budget)


class CodeSender:
    """Sends codes for one request from `address`, at a browser with the device token `device`."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        settings: Settings,
        messages: TextMessages,
        address: str,
        device: str | None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._settings = settings
        self._messages = messages
        self._address = vault.index("address", rules.network_of(address))
        self._device = device
        self._devices = Devices(vault, clock)
        self._codes = CodeRepository(session)
        self._captchas = Captchas(self._codes, clock, vault, self._address)

    def remember(self, account: UUID) -> str:
        """Return the device token for a browser that `account` has just signed in at."""
        return self._devices.remember(account, self._device)

    def remembers(self, account: UUID) -> bool:
        """Return whether `account` has signed in at this browser before."""
        return self._devices.key_of(account, self._device) is not None

    async def captcha(self, ticket: str, kind: CaptchaKind = CaptchaKind.PICTURE) -> Captcha:
        """Return a new captcha for the browser with this ticket."""
        return await self._captchas.ask(ticket, kind)

    async def send(
        self, phone: str, purpose: str, *, holder: UUID | None, ticket: str, answer: Answer | None = None
    ) -> None:
        """Send a code to a normalized number after the transaction commits; `holder` is the account with it.

        The response is the same for registered and unregistered numbers; only the SMS differs.
        Raises `CodeTooSoon`, `CodeBudgetSpent`, `CaptchaRequired`, `SmsUnavailable`, which count and store
        nothing, and `CaptchaIncorrect`. `CodeTooSoon` leaves the captcha for another code.
        """
        self._messages.check_gateway()
        await self._wait(phone, purpose, ticket)
        if answer is not None:
            await self._captchas.check(ticket, answer)
        async with savepoint(self._session):
            await self._send(phone, purpose, holder, ticket, solved=answer is not None)

    async def _wait(self, phone: str, purpose: str, ticket: str) -> None:
        # For each purpose: a code that was sent for another one does not help the person. The budgets count
        # all of them.
        await self._codes.serialise(self._vault.index(_TICKET, ticket))
        latest = await self._codes.latest(
            self._vault.indexes("phone", phone), self._vault.indexes(_TICKET, ticket), purpose
        )
        now = self._clock.now()
        wait = rules.seconds_until_resend(latest.sent_at if latest else None, now)
        if latest is not None and wait:
            raise CodeTooSoon(wait, now=now, live=latest.live(now))

    async def _send(
        self, phone: str, purpose: str, holder: UUID | None, ticket: str, *, solved: bool
    ) -> None:
        now = self._clock.now()
        phone_index = self._vault.index("phone", phone)
        ticket_hash = self._vault.index(_TICKET, ticket)
        await self._spend(phone_index, ticket_hash, holder, solved=solved)
        code = f"{secrets.randbelow(1_000_000):06d}"
        await self._codes.add(
            SmsCode(
                id=new_id(),
                phone_index=phone_index,
                ticket_hash=ticket_hash,
                purpose=purpose,
                code_hash=self._vault.index(_bound(phone, purpose), code),
                sent_at=now,
                attempts=0,
            )
        )
        if purpose == "sign_in" and holder is None:
            text = rules.UNKNOWN_NUMBER
        elif purpose == "register" and holder is not None:
            text = rules.text_for_known(code)
        else:
            text = rules.text_of(code, purpose)
        # With the ticket: what a stranger asks for does not replace the owner's unsent message.
        topic = f"{purpose}:{phone}:{ticket}"
        await self._messages.queue(phone, text, lifetime=rules.LIFETIME, topic=topic)

    async def _spend(
        self, phone_index: bytes, ticket_hash: bytes, holder: UUID | None, *, solved: bool
    ) -> None:
        """Count the code in its budgets.

        A browser that the number's account has signed in from draws on a budget of its own and on a reserve
        of the deployment, so that nobody else can spend what it needs. One address has only a share of a
        number's day. The rows of the deployment are locked last, because all requests wait for them.
        """
        per_number, total = self._settings.sms_budget_per_number, self._settings.sms_budget_total
        limit = rules.shared_part(total)
        shared = rules.part_of("total", limit, phone_index)
        device = self._devices.key_of(holder, self._device)
        if device is not None:
            await self._count(Budget("device", device, per_number, rules.DAY), solved=True)
            reserve = rules.part_of("reserve", total - limit, phone_index)
            now = self._clock.now()
            if reserve.limit and await self._codes.spend(reserve, now, up_to=reserve.limit) is None:
                return
            await self._count(shared=shared, solved=True)
            return
        per_address = self._settings.sms_budget_per_address
        share = self._vault.index("share", f"{phone_index.hex()}\0{self._address.hex()}")
        per_share = self._settings.sms_budget_per_number_and_address
        await self._count(
            Budget("number", phone_index, per_number, rules.DAY),
            Budget("share", share, per_share, rules.DAY),
            Budget("browser", ticket_hash, rules.BROWSER_BUDGET, rules.HOUR),
            Budget("address", self._address, per_address, rules.HOUR),
            shared=shared,
            solved=solved,
        )

    async def _count(self, *budgets: Budget, shared: Budget | None = None, solved: bool) -> None:
        now = self._clock.now()

        def limited(budget: Budget) -> tuple[Budget, int]:
            return budget, budget.limit if solved else budget.free

        refused = await self._codes.spend_all(
            list(map(limited, budgets)), now, shared=None if shared is None else limited(shared)
        )
        if refused is None:
            return
        budget, spent = refused
        wait = rules.seconds_until(spent.ends_at, now)
        if spent.used < budget.limit:
            raise CaptchaRequired
        if budget.kind == "total":
            log.error("sms budget of the deployment is spent", seconds_left=wait)
            raise SmsUnavailable(wait)
        raise CodeBudgetSpent(wait)


def _bound(phone: str, purpose: str) -> str:
    # Bound to number and purpose: a registration code cannot be used to sign in.
    return f"code:{purpose}:{phone}"
