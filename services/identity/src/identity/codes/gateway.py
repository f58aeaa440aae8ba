"""Where SMS messages leave: an HTTP gateway, or in dev mode an inbox to look into."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import httpx
import structlog

from identity.codes.errors import SmsUnavailable

log = structlog.get_logger("sms")


class SmsGateway(Protocol):
    """Sends one message."""

    async def send(self, phone: str, text: str) -> None:
        """Hand `text` for `phone` (11 digits) over. Raises `SmsUnavailable`."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True)
class Message:
    """A message in the dev inbox."""

    phone: str
    text: str
    at: datetime


class DevInbox:
    """Keeps the last messages in memory; exists in dev mode only."""

    def __init__(self, size: int = 5000) -> None:
        self.messages: deque[Message] = deque(maxlen=size)

    async def send(self, phone: str, text: str) -> None:
        """Keep the message."""
        self.messages.append(Message(phone, text, datetime.now(UTC)))

    async def close(self) -> None:
        """Nothing to let go of."""


class HttpSmsGateway:
    """Posts `{"phone", "text"}` with a bearer secret to the operator's SMS provider adapter."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        # Made once: reading the trusted certificates takes longer than the rest of a sign-in.
        self._http = httpx.AsyncClient(timeout=5, headers={"Authorization": f"Bearer {secret}"})

    async def send(self, phone: str, text: str) -> None:
        """See `SmsGateway.send`."""
        try:
            response = await self._http.post(self._url, json={"phone": phone, "text": text})
            response.raise_for_status()
        except httpx.HTTPError as error:
            # Neither number nor text may reach a log: only what kind of failure it was.
            log.warning("sms not sent", error=type(error).__name__)
            raise SmsUnavailable from error

    async def close(self) -> None:
        """See `SmsGateway.close`."""
        await self._http.aclose()
