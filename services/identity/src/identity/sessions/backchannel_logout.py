"""OpenID Connect Back-Channel Logout 1.0: telling clients that a session has ended.

A notice is a row written with the end of the session. It is claimed for a while (so that another process
takes over if this one dies), posted without redirects, and deleted on 2xx. Failures are tried again later.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import structlog
from joserfc import jwt

from identity.audit import service as audit
from identity.keys.ring import KeyRing
from identity.sessions.repository import LogoutNotices
from identity.settings import Settings
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id

log = structlog.get_logger("logout")

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIMIT = 8
_LEASE = timedelta(seconds=60)
_TIMEOUT = 5.0
_TOKEN_SECONDS = 120


def delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 10 s, 40 s, and so on, at most an hour."""
    return timedelta(seconds=min(10 * 4 ** (attempts - 1), 3600))


@cache
def _tls() -> ssl.SSLContext:
    """Made once in a process: it reads every certificate authority there is."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class _Post:
    notice: UUID
    uri: str
    token: str


class LogoutDelivery:
    """Delivers notices in the background; woken by commits in this process."""

    def __init__(
        self, database: Database, keys: KeyRing, settings: Settings, clock: Clock, *, poll_seconds: float = 1
    ) -> None:
        self._database = database
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._poll = poll_seconds
        self._wake = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver for as long as the context lasts."""
        self._database.after_commit.append(self._wake.set)
        task = asyncio.create_task(self._run(), name="backchannel-logout")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._database.after_commit.remove(self._wake.set)

    async def _run(self) -> None:
        # No redirects: they would carry the logout token to somebody who is not registered.
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, verify=_tls()) as http:
            while True:
                self._wake.clear()
                try:
                    while await self._deliver(http):
                        pass
                except Exception:
                    log.warning("logout delivery interrupted", exc_info=True)
                    await asyncio.sleep(1)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._wake.wait()

    async def _deliver(self, http: httpx.AsyncClient) -> int:
        posts = await self._claim()
        outcomes = await asyncio.gather(*(self._post(http, post) for post in posts))
        for post, error in zip(posts, outcomes, strict=True):
            await self._note(post, error)
        return len(posts)

    async def _claim(self) -> list[_Post]:
        now = self._clock.now()
        posts: list[_Post] = []
        async with self._database.transaction() as session:
            due = await LogoutNotices(session).due(now, 20)
            if not due:
                return []
            for notice, client in due:
                # §2.4, §2.6: signed like the client's ID tokens.
                alg = client.id_token_signed_response_alg
                key = await session.run_sync(self._keys.active, alg)
                notice.attempts += 1
                notice.next_attempt_at = now + _LEASE
                issued = int(now.timestamp())
                token = jwt.encode(
                    {"alg": alg, "typ": "logout+jwt", "kid": key.kid},
                    {
                        "iss": self._settings.issuer_url,
                        "aud": client.client_id,
                        "iat": issued,
                        "exp": issued + _TOKEN_SECONDS,
                        "jti": str(new_id()),
                        "sub": str(notice.account_id),
                        "sid": str(notice.session_id),
                        "events": {EVENT: {}},
                    },
                    key,
                    [alg],
                )
                posts.append(_Post(notice.id, client.backchannel_logout_uri or "", token))
        return posts

    async def _post(self, http: httpx.AsyncClient, post: _Post) -> str | None:
        """None if the client has taken it, else why not."""
        scheme = urlsplit(post.uri).scheme
        if scheme != "https" and not (scheme == "http" and self._settings.dev):
            return "not an https URI"
        try:
            # Only the status counts: the body is not read, however long it is.
            async with (
                asyncio.timeout(_TIMEOUT * 2),
                http.stream("POST", post.uri, data={"logout_token": post.token}) as response,
            ):
                return None if response.is_success else f"HTTP {response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return type(error).__name__

    async def _note(self, post: _Post, error: str | None) -> None:
        async with self._database.transaction() as session:
            notices = LogoutNotices(session)
            if error is None:
                await notices.delete(post.notice)
                return
            notice = await notices.get(post.notice)
            if notice is None:
                return
            now = self._clock.now()
            notice.last_error = error
            notice.next_attempt_at = now + delay(notice.attempts)
            if notice.attempts >= LIMIT:
                notice.dead_at = now
                log.error("logout notice given up", client=notice.client_id, error=error)
                audit.record(
                    session,
                    self._clock,
                    actor=None,
                    action="logout.undeliverable",
                    target=notice.account_id,
                    client=notice.client_id,
                    sid=str(notice.session_id),
                )
