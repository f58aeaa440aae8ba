"""Access tokens of sessions, renewed by one process at a time.

A process claims the renewal under the lock of the session's row, asks Identity without a transaction, and
stores the answer. A claim ends by itself, so a process that dies delays the others by seconds.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Audience
from portal.errors import IssuerUnavailable, SignInRequired
from portal.issuer.client import Issuer, Refused, TokenResponse
from portal.sessions import rules
from portal.sessions.models import BrowserSession
from portal.sessions.repository import SessionRepository
from portal.sessions.sealing import Sealing
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("sessions")

_LOOK_SECONDS = 0.05
_LOOKS = int(rules.RENEWING.total_seconds() / _LOOK_SECONDS)


@dataclass(frozen=True)
class BoundToken:
    """An access token, and the key that has to sign each request with it (RFC 9449 §7)."""

    value: str = field(repr=False)
    key: ECKey
    sealed: bytes = field(repr=False)
    """As it is stored."""


@dataclass(frozen=True)
class _Claim:
    """The right to renew a token of a session, and what it takes."""

    refresh_token: str = field(repr=False)
    key: ECKey


class AccessTokens:
    """Access tokens for the whole process."""

    def __init__(self, database: Database, issuer: Issuer, sealing: Sealing, clock: Clock) -> None:
        self._database = database
        self._issuer = issuer
        self._sealing = sealing
        self._clock = clock
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def held(self, session: AsyncSession, row: BrowserSession, audience: Audience) -> BoundToken | None:
        """Return the token that a session has, if it can be read and is valid for some seconds more.

        `session` is the transaction in which `row` was read.
        """
        token = await SessionRepository(session).token(row.id, audience)
        if token is None or not rules.usable(token.expires_at, self._clock.now()):
            return None
        try:
            value = self._sealing.opened_access_token(token.token)
            return BoundToken(value, self._sealing.opened_key(row.key), token.token)
        except InvalidTag:
            # Whoever renews it finds out whether the session can be read at all.
            return None

    async def get(self, session_id: UUID, audience: Audience) -> BoundToken:
        """Return a token that is valid for some seconds more, renewed if need be.

        Raises `SignInRequired` if the session has ended, here or at Identity, and `IssuerUnavailable`.
        """
        # One request of this process asks the database; the others find its token.
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        async with lock:
            for _ in range(_LOOKS):
                found = await self._look(session_id, audience)
                if isinstance(found, BoundToken):
                    return found
                if isinstance(found, _Claim):
                    return await self._renew(session_id, audience, found)
                await asyncio.sleep(_LOOK_SECONDS)
            raise IssuerUnavailable

    async def refused(self, session_id: UUID, audience: Audience, token: BoundToken) -> None:
        """Forget a token that a service has refused: its rights have changed, or it was revoked.

        Another call may have renewed it meanwhile.
        """
        async with self._database.transaction() as session:
            await SessionRepository(session).drop_token(session_id, audience, token.sealed)

    async def _look(self, session_id: UUID, audience: Audience) -> BoundToken | _Claim | None:
        """Return the token if it is usable, else a claim to renew it; None if neither can be had now."""
        async with self._database.transaction() as session:
            rows, now = SessionRepository(session), self._clock.now()
            row = await rows.locked(session_id, now)
            if row is None:
                raise SignInRequired
            token = await self.held(session, row, audience)
            if token is not None:
                return token
            if row.refreshing_until is not None and row.refreshing_until > now:
                return None
            row.refreshing_until = now + rules.RENEWING
            with contextlib.suppress(InvalidTag):
                refresh_token = self._sealing.opened_refresh_token(row.refresh_token)
                return _Claim(refresh_token, self._sealing.opened_key(row.key))
            # Encrypted with a key that is lost, or of before the last ones: a display that was off for long.
            log.warning("a session cannot be decrypted", session=str(session_id))
            await rows.delete_one(session_id)
        raise SignInRequired

    async def _renew(self, session_id: UUID, audience: Audience, claim: _Claim) -> BoundToken:
        answer: TokenResponse | None = None
        sealed = b""
        try:
            answer = await self._issuer.refresh(claim.refresh_token, audience, claim.key)
            sealed = self._sealing.access_token(answer.access_token)
        except Refused as error:
            if error.error != "invalid_grant":
                log.error("the issuer refused to renew a token", error=error.error)
                raise IssuerUnavailable from error
            await self._end(session_id)
            raise SignInRequired from error
        finally:
            await self._store(session_id, audience, answer, sealed, claim)
        return BoundToken(answer.access_token, claim.key, sealed)

    async def _store(
        self,
        session_id: UUID,
        audience: Audience,
        answer: TokenResponse | None,
        sealed: bytes,
        claim: _Claim,
    ) -> None:
        """Store the answer, if there is one, and let others renew.

        All is encrypted with the present key: a wall display outlasts the replacement of a key.
        """
        async with self._database.transaction() as session:
            rows, now = SessionRepository(session), self._clock.now()
            row = await rows.locked(session_id, now)
            if row is None:
                return
            row.refreshing_until = None
            if answer is None:
                return
            row.key = self._sealing.key(claim.key)
            row.refresh_token = self._sealing.refresh_token(answer.refresh_token or claim.refresh_token)
            expires = now + timedelta(seconds=answer.expires_in)
            await rows.put_token(session_id, audience, sealed, expires)

    async def _end(self, session_id: UUID) -> None:
        """End a session that has ended at Identity."""
        async with self._database.transaction() as session:
            await SessionRepository(session).delete_one(session_id)
