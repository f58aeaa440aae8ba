"""Proof of a number by a text message from it (短信上行): nothing that strangers could spend is spent.

The person sends eight digits to the platform's number. The text that arrives names the number that sent it,
and the digits name the browser that waits for it.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from identity.codes import rules
from identity.codes.errors import ChallengeNotFound, CodeBudgetSpent, TextingOff
from identity.codes.models import TextChallenge
from identity.codes.repository import CodeRepository
from identity.codes.rules import Budget, ChallengeState
from identity.settings import Settings
from identity.vault import Vault
from servicekit.clock import Clock

INBOUND = Counter("zhuxue_sms_inbound_total", "Text messages received from phones", ["outcome"])
TICKET, TEXT = "code-ticket", "text-challenge"
_DRAWS = 10


@dataclass(frozen=True)
class Challenge:
    """What to send, and where to."""

    id: UUID
    text: str
    number: str


class Challenges:
    """Challenges for one request from `address`."""

    def __init__(
        self, session: AsyncSession, clock: Clock, vault: Vault, settings: Settings, address: str
    ) -> None:
        self._clock = clock
        self._vault = vault
        self._number = settings.texting_number
        self._address = address
        self._rows = CodeRepository(session)

    @property
    def number(self) -> str | None:
        """The platform's number, None if the operator has none."""
        return self._number

    async def open(self, phone: str, purpose: str, ticket: str) -> Challenge:
        """Return a challenge for the browser with this ticket, to be sent from a normalized number.

        It costs no message and counts for the browser and the address only, so that nobody can use up what a
        number's owner needs. Raises `TextingOff`, `CodeBudgetSpent`.
        """
        if self._number is None:
            raise TextingOff
        now = self._clock.now()
        ticket_hash = self._vault.index(TICKET, ticket)
        network = self._vault.index("address", rules.network_of(self._address))
        for key, limit in ((ticket_hash, rules.BROWSER_CHALLENGES), (network, rules.ADDRESS_CHALLENGES)):
            spent = await self._rows.spend(Budget("challenges", key, limit, rules.HOUR), now, up_to=limit)
            if spent is not None:
                raise CodeBudgetSpent(rules.seconds_until(spent.ends_at, now))
        for _ in range(_DRAWS):
            text = f"{secrets.randbelow(100_000_000):08d}"
            text_hash = self._vault.index(TEXT, sent_from(phone, text))
            expires_at = now + rules.CHALLENGE_LIFETIME
            opened = await self._rows.open_challenge(text_hash, ticket_hash, purpose, expires_at)
            if opened is not None:
                return Challenge(opened, text, self._number)
        raise CodeBudgetSpent(int(rules.CHALLENGE_LIFETIME.total_seconds()))

    async def state(self, challenge_id: UUID) -> tuple[ChallengeState, int]:
        """Return whether the text has arrived, and for how many seconds the challenge can go on.

        Raises `ChallengeNotFound`.
        """
        found = await self._rows.challenge(challenge_id)
        if found is None:
            raise ChallengeNotFound
        now = self._clock.now()
        return found.state(now), max(0, int((found.expires_at - now).total_seconds()))

    async def receive(self, message_id: str, phone: str | None, text: str) -> None:
        """Take a text message from a normalized number, None if it is none of a person in China.

        A message that was taken before, or that nobody waits for, changes nothing.
        """
        now = self._clock.now()
        once = Budget("inbound", self._vault.index("inbound", message_id), 1, rules.DAY)
        if await self._rows.spend(once, now, up_to=1) is not None:
            INBOUND.labels("repeated").inc()
            return
        digits = rules.challenge_in(text)
        found: TextChallenge | None = None
        if phone is not None and digits is not None:
            found = await self._rows.challenge_by_text(self._vault.indexes(TEXT, sent_from(phone, digits)))
        matched = found is not None and found.receive(now)
        INBOUND.labels("matched" if matched else "ignored").inc()


def sent_from(phone: str, digits: str) -> str:
    """Return the value that is hashed for digits sent from a normalized number."""
    return f"{phone}\0{digits}"
