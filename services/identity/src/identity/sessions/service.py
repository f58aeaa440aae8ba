"""Signing in, being signed in, and withdrawing access everywhere."""

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from contracts.identity import AccessRevokedV1
from identity.accounts.models import Account
from identity.base import Revocation, outbox
from identity.sessions.models import BrowserSession
from identity.sessions.repository import SessionRepository
from servicekit.clock import Clock
from servicekit.ids import new_id

ACR_SMS = "urn:zhuxue:acr:sms"
_LEEWAY = timedelta(seconds=10)
# Writing last_seen_at on every request would make each read a write.
_TOUCH = timedelta(seconds=60)


class Sessions:
    """Browser sessions within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, token_seconds: int) -> None:
        self._session = session
        self._clock = clock
        self._token_seconds = token_seconds
        self._rows = SessionRepository(session)

    def start(self, account: Account, *, acr: str, amr: list[str]) -> tuple[BrowserSession, str]:
        """A new session and the value of its cookie."""
        now = self._clock.now()
        secret = secrets.token_urlsafe(32)
        row = BrowserSession(
            id=new_id(),
            account_id=account.id,
            secret_hash=sha256(secret.encode()).digest(),
            authenticated_at=now,
            last_seen_at=now,
            acr=acr,
            amr=amr,
        )
        self._rows.add(row)
        return row, f"{row.id}.{secret}"

    async def resume(
        self, cookie: str | None, idle_seconds: int, absolute_seconds: int
    ) -> BrowserSession | None:
        """The live session of a cookie, or None."""
        sid, _, secret = (cookie or "").partition(".")
        try:
            row = await self._rows.get(UUID(sid))
        except ValueError:
            return None
        if row is None or not hmac.compare_digest(row.secret_hash, sha256(secret.encode()).digest()):
            return None
        now = self._clock.now()
        if not row.alive(now, idle_seconds, absolute_seconds):
            return None
        if now - row.last_seen_at > _TOUCH:
            row.last_seen_at = now
        return row

    async def end_all(self, sub: UUID, because: str) -> None:
        """End every session of a person and withdraw their tokens everywhere."""
        await self._rows.end_all(sub, self._clock.now(), because)
        revoke_access(self._session, self._clock, self._token_seconds, sub, reason=because)


def revoke_access(
    session: AsyncSession | Session,
    clock: Clock,
    token_seconds: int,
    sub: UUID,
    *,
    sid: str | None = None,
    grant_id: str | None = None,
    audience: str | None = None,
    reason: str,
) -> None:
    """Tell every resource server to refuse tokens issued until now.

    Of the person `sub`; where given, only those of the session `sid`, of the grant, or for `audience`.
    """
    now = clock.now()
    until = now + timedelta(seconds=token_seconds) + _LEEWAY
    session.add(
        Revocation(
            id=new_id(),
            sub=sub,
            sid=sid,
            grant_id=grant_id,
            audience=audience,
            not_before=now,
            expires_at=until,
        )
    )
    outbox.add(
        session,
        AccessRevokedV1(
            sub=sub,
            sid=sid,
            grant_id=grant_id,
            audience=audience,
            not_before=now,
            expires_at=until,
            reason=reason,
        ),
        subject=sub,
    )
