"""SMS gateways: an HTTP gateway, or an inbox in dev mode."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import httpx
import structlog

from identity.sms.errors import SmsRefused, SmsUnavailable
from servicekit.tracing import HOOKS

log = structlog.get_logger("sms")


class SmsGateway(Protocol):
    """Sends one message."""

    async def send(self, phone: str, text: str, *, key: str | None = None) -> None:
        """Send `text` to `phone` (11 digits), once for each `key`. Raises `SmsUnavailable`, `SmsRefused`."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True)
class Message:
    """A message in the dev inbox."""

    phone: str
    text: str
    at: datetime


class DevInbox:
    """Keeps the last messages in memory; in dev mode only."""

    def __init__(self, size: int = 5000) -> None:
        self.messages: deque[Message] = deque(maxlen=size)

    async def send(self, phone: str, text: str, *, key: str | None = None) -> None:
        """Store the message."""
        self.messages.append(Message(phone, text, datetime.now(UTC)))

    async def close(self) -> None:
        """Do nothing: there are no connections."""


# Statuses caused by the gateway or by the secret, not by the message.
_NOT_THE_MESSAGE = {401, 403, 404, 405, 408, 425, 429}


class HttpSmsGateway:
    """Posts `{"phone", "text"}` with a bearer secret to the operator's SMS provider adapter."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        # Created once: loading the trusted certificates takes longer than the rest of a sign-in.
        self._http = httpx.AsyncClient(
            timeout=5, headers={"Authorization": f"Bearer {secret}"}, event_hooks=HOOKS
        )

    async def send(self, phone: str, text: str, *, key: str | None = None) -> None:
        """See `SmsGateway.send`."""
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            response = await self._http.post(self._url, json={"phone": phone, "text": text}, headers=headers)
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            log.warning("sms not sent", error=f"HTTP {status}")
            if 400 <= status < 500 and status not in _NOT_THE_MESSAGE:
                # The exception contains number and text and must not be chained to an error that may be
                # logged.
                raise SmsRefused(f"HTTP {status}") from None
            raise SmsUnavailable from error
        except httpx.HTTPError as error:
            # Number and text must not be logged: log only the type of the error.
            log.warning("sms not sent", error=type(error).__name__)
            raise SmsUnavailable from error

    async def close(self) -> None:
        """See `SmsGateway.close`."""
        await self._http.aclose()
