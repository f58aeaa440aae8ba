"""SMS gateways: an HTTP gateway, or an inbox in dev mode."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib import request
from urllib.parse import urlsplit

import aiohttp
import httpx
import structlog

from identity.sms.errors import SmsRefused, SmsUnavailable
from servicekit import tracing

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
_NOT_THE_MESSAGE: Final = {401, 403, 404, 405, 408, 425, 429}
_SECONDS: Final = 5.0
_MOST_READ: Final = 65_536


class HttpSmsGateway:
    """Posts `{"phone", "text"}` with a bearer secret to the operator's SMS provider adapter."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._opened: aiohttp.ClientSession | None = None

    async def send(self, phone: str, text: str, *, key: str | None = None) -> None:
        """See `SmsGateway.send`."""
        given = {"Idempotency-Key": key, tracing.HEADER.decode(): tracing.traceparent()}
        headers = {name: value for name, value in given.items() if value is not None}
        try:
            async with self._session().post(
                self._url, json={"phone": phone, "text": text}, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                # The connection is kept for the next message only when the answer has been read.
                await response.content.read(_MOST_READ)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Number and text must not be logged: log only the type of the error.
            log.warning("sms not sent", error=type(error).__name__)
            raise SmsUnavailable from error
        if 200 <= status < 300:
            return
        log.warning("sms not sent", error=f"HTTP {status}")
        if 400 <= status < 500 and status not in _NOT_THE_MESSAGE:
            raise SmsRefused(f"HTTP {status}")
        raise SmsUnavailable

    async def close(self) -> None:
        """See `SmsGateway.close`."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        """Return the client, made at the first message: it belongs to a running loop."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
                # The certificates of the other clients, read once: reading them takes longer than a message.
                connector=aiohttp.TCPConnector(ssl=httpx.create_ssl_context()),
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=_proxy_of(self._url),
            )
        return self._opened


def _proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for an address, as the other clients find it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    known = request.getproxies()
    found = known.get(parts.scheme) or known.get("all")
    if found is None or request.proxy_bypass(host):
        return None
    return found if "://" in found else f"http://{found}"
