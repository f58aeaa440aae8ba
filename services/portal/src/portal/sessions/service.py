"""Sessions within one request."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey

from contracts.vocabulary import Audience
from portal.errors import SignInRequired
from portal.issuer.client import TokenResponse
from portal.issuer.tokens import SignedIn
from portal.sessions import rules
from portal.sessions.models import BrowserSession
from portal.sessions.repository import SessionRepository
from portal.sessions.sealing import Sealing
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.problems import NotFound


@dataclass(frozen=True)
class Lifetimes:
    """How long sessions last: after their last use, and in all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True)
class Ended:
    """A session that has ended here, and what it takes to end it at Identity as well."""

    sid: str | None
    refresh_token: str = field(repr=False)
    key: ECKey


class Sessions:
    """Open, find and end sessions."""

    def __init__(
        self, repository: SessionRepository, sealing: Sealing, clock: Clock, lifetimes: Lifetimes
    ) -> None:
        self._rows = repository
        self._sealing = sealing
        self._clock = clock
        self._lifetimes = lifetimes

    async def open(
        self,
        secret_hash: bytes,
        who: SignedIn | None,
        tokens: TokenResponse,
        key: ECKey,
        *,
        audience: Audience,
        browser: str,
    ) -> BrowserSession:
        """Open the session of a cookie with its tokens. `who` is None for a wall display.

        Raises `SignInRequired` if the issuer gave no refresh token.
        """
        if tokens.refresh_token is None:
            raise SignInRequired
        now = self._clock.now()
        idle, absolute = (
            (rules.WALL, rules.WALL) if who is None else (self._lifetimes.idle, self._lifetimes.absolute)
        )
        ends = now + absolute
        authenticated = None if who is None else who.auth_time
        row = BrowserSession(
            id=new_id(),
            secret_hash=secret_hash,
            sub=None if who is None else UUID(who.sub),
            sid=None if who is None else who.sid,
            acr=None if who is None else who.acr,
            auth_time=None if authenticated is None else datetime.fromtimestamp(authenticated, UTC),
            created_at=now,
            seen_at=now,
            expires_at=rules.expiry(now, ends, idle),
            ends_at=ends,
            browser=browser,
            key=self._sealing.key(key),
            refresh_token=self._sealing.refresh_token(tokens.refresh_token),
        )
        self._rows.add(row)
        await self._rows.flush()
        expires = now + timedelta(seconds=tokens.expires_in)
        await self._rows.put_token(row.id, audience, self._sealing.access_token(tokens.access_token), expires)
        return row

    async def find(self, secret_hash: bytes | None, *, used: bool = True) -> BrowserSession:
        """Return the session of a cookie and record its use, if it is one. Raises `SignInRequired`."""
        now = self._clock.now()
        row = None if secret_hash is None else await self._rows.by_secret(secret_hash, now)
        if row is None:
            raise SignInRequired
        if used and rules.used_again(now, row.seen_at):
            # It may be ended at this moment by somebody else.
            if await self._rows.locked(row.id, now) is None:
                raise SignInRequired
            row.seen_at = now
            row.expires_at = rules.expiry(now, row.ends_at, self._lifetimes.idle)
        return row

    async def wall(self, secret_hash: bytes | None) -> BrowserSession:
        """Return the session of a wall display. Raises `SignInRequired`."""
        now = self._clock.now()
        row = None if secret_hash is None else await self._rows.by_secret(secret_hash, now, wall=True)
        if row is None:
            raise SignInRequired
        return row

    async def replace(self, secret_hash: bytes) -> list[str]:
        """End the session of a cookie, if there is one; return its refresh token."""
        row = await self._rows.by_secret(secret_hash, self._clock.now())
        return [] if row is None else await self.give_up(row)

    async def give_up(self, row: BrowserSession) -> list[str]:
        """End a session here; return its refresh token, if it can be read."""
        await self._rows.delete_one(row.id)
        try:
            return [self._sealing.opened_refresh_token(row.refresh_token)]
        except InvalidTag:
            return []

    async def mine(self, sub: UUID) -> Sequence[BrowserSession]:
        """Return the sessions of a person, the newest first."""
        return await self._rows.of_person(sub, self._clock.now())

    async def end(self, sub: UUID, id_: UUID) -> list[Ended]:
        """End a session of a person. Raises `NotFound`."""
        row = await self._rows.delete(sub, id_)
        if row is None:
            raise NotFound
        return self._ended([row])

    async def forget(self, id_: UUID) -> None:
        """End a session whose tokens Identity has revoked, if it has not ended yet."""
        await self._rows.delete_one(id_)

    async def end_others(self, sub: UUID, kept: UUID) -> tuple[int, list[Ended]]:
        """End all sessions of a person but one; return their number with them."""
        rows = await self._rows.delete_others(sub, kept)
        return len(rows), self._ended(rows)

    async def end_of_issuer(self, sub: UUID | None, sid: str | None) -> int:
        """End the sessions that a logout token names; return their number."""
        return await self._rows.delete_of_issuer(sub, sid)

    def _ended(self, rows: Sequence[BrowserSession]) -> list[Ended]:
        """Return what it takes to end sessions at Identity, of those that can be decrypted."""
        found = []
        for row in rows:
            with contextlib.suppress(InvalidTag):
                refresh_token = self._sealing.opened_refresh_token(row.refresh_token)
                found.append(Ended(row.sid, refresh_token, self._sealing.opened_key(row.key)))
        return found
