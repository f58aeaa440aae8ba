"""Pages of proving a number by a text message from it, in place of a code that is sent to it.

The page looks again every few seconds without a script, unless it is to stand still (WCAG 2.2.2). What it
shows is in an encrypted token in its address, for this browser only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

import segno
from fastapi.responses import Response

from identity.accounts.rules import mask_phone
from identity.codes.challenges import Challenge, Challenges
from identity.codes.errors import ChallengeNotFound
from identity.codes.rules import CHALLENGE_LIFETIME, ChallengeState
from identity.sealing import BadToken, seal, unseal
from identity.signin.errors import TextTooLate
from identity.vault import Vault
from servicekit.clock import Clock

_REFRESH_SECONDS = 10


@dataclass(frozen=True)
class Awaited:
    """A text that the browser waits for. `label` names the number where there are several."""

    phone: str
    challenge: Challenge
    label: str = "手机号"
    masked: bool = False
    state: ChallengeState = ChallengeState.WAITING

    @property
    def shown(self) -> str:
        """The number as the page shows it: in full only if it was typed there."""
        return mask_phone(self.phone) if self.masked else self.phone

    @property
    def spaced(self) -> str:
        """The digits in two groups."""
        return f"{self.challenge.text[:4]} {self.challenge.text[4:]}"

    @property
    def link(self) -> str:
        """The address that opens the text message on a phone (RFC 5724)."""
        return f"sms:{self.challenge.number}?body={self.challenge.text}"

    @property
    def picture(self) -> str:
        """A QR code by which a phone's camera opens the text message."""
        content = f"SMSTO:{self.challenge.number}:{self.challenge.text}"
        made = segno.make(content, error="m", micro=False)
        return str(made.svg_inline(omitsize=True, light="#fff"))


def token_of(vault: Vault, clock: Clock, ticket: str, awaited: list[Awaited]) -> str:
    """Return the token of a page for the browser with this ticket."""
    rows = [[str(one.challenge.id), one.phone, one.challenge.text, one.label, one.masked] for one in awaited]
    return seal(vault, _purpose(ticket), clock.now(), awaited=rows)


async def read(vault: Vault, clock: Clock, challenges: Challenges, ticket: str, token: str) -> list[Awaited]:
    """Return what the browser waits for, as it stands now. Raises `TextTooLate`."""
    try:
        values = unseal(vault, _purpose(ticket), token, clock.now(), 2 * CHALLENGE_LIFETIME)
        found = []
        for challenge_id, phone, text, label, masked in values["awaited"]:
            state, _ = await challenges.state(UUID(challenge_id))
            challenge = Challenge(UUID(challenge_id), text, challenges.number or "")
            found.append(Awaited(phone, challenge, label, masked, state))
    except (BadToken, ChallengeNotFound) as error:
        raise TextTooLate from error
    if any(one.state in ("expired", "used") for one in found):
        raise TextTooLate
    return found


def waiting_page(
    show: Callable[..., Response],
    template: str,
    address: str,
    query: dict[str, str],
    awaited: list[Awaited],
    *,
    asked: bool,
    still: bool,
    back: str,
) -> Response:
    """Return the page that shows what to send. `asked`: the person says that it has been sent.

    `back` is the address of the first step.
    """
    again = {**query, "still": "true"} if still else query
    other = query if still else {**query, "still": "true"}
    response = show(
        template,
        awaited=awaited,
        address=address,
        query=again,
        other=f"{address}?{urlencode(other)}",
        still=still,
        asked=asked,
        back=back,
        refresh=_REFRESH_SECONDS,
        minutes=int(CHALLENGE_LIFETIME.total_seconds()) // 60,
    )
    if not still:
        response.headers["Refresh"] = f"{_REFRESH_SECONDS}; url={address}?{urlencode(again)}"
    return response


def _purpose(ticket: str) -> str:
    return f"texting\0{ticket}"
