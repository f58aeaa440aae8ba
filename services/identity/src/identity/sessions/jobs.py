"""OpenID Connect Back-Channel Logout 1.0: notifies a client of the end of a session, as a job.

The job is enqueued in the transaction that ends the session. It posts without redirects; a 2xx response
confirms delivery.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import structlog
from joserfc import jwt
from pydantic import BaseModel

from identity import outgoing
from identity.audit.service import AuditLog
from identity.keys.ring import KeyRing
from identity.sessions.repository import SessionRepository
from identity.settings import Settings
from jobs.job import Job
from jobs.kinds import Kind
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.retry import RetryPolicy

log = structlog.get_logger("logout")

EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TIMEOUT = 5.0
_TOKEN_SECONDS = 120


class LogoutNotice(BaseModel):
    """Notice to one client about the end of one session."""

    client_id: str
    account_id: UUID
    session_id: UUID


# 10 s, 40 s, 160 s and so on, at most one hour: three hours in total.
NOTIFY = Kind(
    "identity.logout.notify",
    LogoutNotice,
    retry=RetryPolicy(limit=8, base=10, cap=3600, factor=4),
    concurrency=8,
    stall=timedelta(minutes=1),
)


class NotDelivered(Exception):
    """The client did not accept the notice."""


class LogoutDelivery:
    """Handler of `NOTIFY`."""

    def __init__(self, keys: KeyRing, settings: Settings, clock: Clock) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock

    async def run(self, job: Job[LogoutNotice]) -> None:
        """Post the notice. Raises `NotDelivered`."""
        prepared = await self._prepare(job)
        if prepared is None:
            return
        uri, token = prepared
        error = await self._post(uri, token)
        if error is None:
            return
        if job.attempt >= job.kind.retry.limit:
            await self._give_up(job, error)
        raise NotDelivered(error)

    async def _prepare(self, job: Job[LogoutNotice]) -> tuple[str, str] | None:
        """Return the target URI and the logout token; None if the client has no URI any more."""
        notice = job.payload
        async with job.transaction() as session:
            client = await SessionRepository(session).client(notice.client_id)
            if client is None or client.backchannel_logout_uri is None:
                return None
            # §2.4, §2.6: signed like the client's ID tokens.
            alg = client.id_token_signed_response_alg
            key = await session.run_sync(self._keys.active, alg)
        issued = int(self._clock.now().timestamp())
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
        return client.backchannel_logout_uri, token

    async def _post(self, uri: str, token: str) -> str | None:
        """Return None if the client accepted the notice, else the error."""
        try:
            # No redirects: they would send the logout token to an unregistered URI. Only the status counts;
            # the body, of any length, is not read.
            async with (
                asyncio.timeout(_TIMEOUT * 2),
                outgoing.calling(
                    "POST",
                    uri,
                    dev=self._settings.dev,
                    seconds=_TIMEOUT,
                    networks=self._settings.client_networks,
                    data={"logout_token": token},
                ) as response,
            ):
                return None if response.is_success else f"HTTP {response.status_code}"
        except outgoing.NotAllowed as error:
            return str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            return type(error).__name__

    async def _give_up(self, job: Job[LogoutNotice], error: str) -> None:
        notice = job.payload
        log.error("logout notice given up", client=notice.client_id, error=error)
        async with job.transaction() as session:
            AuditLog(session, self._clock).record(
                actor=None,
                action="logout.undeliverable",
                target=notice.account_id,
                client=notice.client_id,
                sid=str(notice.session_id),
            )
