"""Displays at Identity's device flow (RFC 8628)."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Audience
from portal.errors import IssuerUnavailable, SignInRequired
from portal.issuer.client import Issuer, Refused, TokenResponse
from portal.issuer.keys import new_session_key
from portal.sessions import cookies
from portal.sessions.sealing import Sealing
from portal.sessions.service import Sessions
from portal.walls import rules
from portal.walls.models import WallRequest
from portal.walls.repository import WallRequestRepository
from portal.walls.rules import WallState
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("walls")


@dataclass(frozen=True)
class Code:
    """What a display shows so that somebody allows it."""

    user_code: str
    address: str
    link: str
    interval: int


@dataclass(frozen=True)
class Begun:
    """A display that has a code, or that goes on."""

    state: WallState
    code: Code | None = None
    secret: str | None = field(default=None, repr=False)
    """The value of a new cookie."""
    given_up: tuple[str, ...] = field(default=(), repr=False)
    """Refresh tokens for `Issuer.revoke_all`."""


@dataclass(frozen=True)
class _Question:
    """The right to ask Identity about a display, and what it takes."""

    device_code: str = field(repr=False)
    key: ECKey


class Walls:
    """Displays, for the whole process: its calls to Identity happen without a transaction."""

    def __init__(
        self,
        database: Database,
        issuer: Issuer,
        sealing: Sealing,
        clock: Clock,
        sessions: Callable[[AsyncSession], Sessions],
    ) -> None:
        self._database = database
        self._issuer = issuer
        self._sealing = sealing
        self._clock = clock
        self._sessions = sessions

    async def begin(self, secret_hash: bytes | None) -> Begun:
        """Get a code for a display; one that waits keeps its code.

        One that was allowed begins anew, because the cockpit refuses it, unless that was just now: the
        cockpit may not have heard of it. Raises `IssuerUnavailable`.
        """
        if secret_hash is not None:
            async with self._database.transaction() as session:
                found = await self._before(session, secret_hash)
            if found is not None:
                return found
        try:
            answer = await self._issuer.device(rules.SCOPE, Audience.COCKPIT)
        except Refused as error:
            log.error("the issuer refused to begin a display", error=error.error)
            raise IssuerUnavailable from error
        secret, now = cookies.new_secret(), self._clock.now()
        row = WallRequest(
            secret_hash=cookies.digest(secret),
            key=self._sealing.key(new_session_key()),
            device_code=self._sealing.device_code(answer.device_code),
            user_code=answer.user_code,
            address=answer.verification_uri,
            link=answer.verification_uri_complete,
            interval=answer.interval,
            poll_at=now + timedelta(seconds=answer.interval),
            expires_at=now + timedelta(seconds=answer.expires_in),
        )
        given_up: list[str] = []
        async with self._database.transaction() as session:
            WallRequestRepository(session).add(row)
            if secret_hash is not None:
                # Only now: without a new code, nobody would know the tokens that are to be revoked.
                given_up = await self._give_up(session, secret_hash)
        return Begun(WallState.PENDING, _code(row), secret, tuple(given_up))

    async def _give_up(self, session: AsyncSession, secret_hash: bytes) -> list[str]:
        sessions = self._sessions(session)
        try:
            return await sessions.give_up(await sessions.wall(secret_hash))
        except SignInRequired:
            return []

    async def _before(self, session: AsyncSession, secret_hash: bytes) -> Begun | None:
        """Return what a display has already, None if it has to begin."""
        now, sessions = self._clock.now(), self._sessions(session)
        waiting = await WallRequestRepository(session).locked(secret_hash, now)
        if waiting is not None:
            return Begun(WallState.PENDING, _code(waiting))
        try:
            row = await sessions.wall(secret_hash)
        except SignInRequired:
            return None
        return Begun(WallState.SHOWING) if now < row.created_at + rules.KNOWN_AFTER else None

    async def look(self, secret_hash: bytes | None, browser: str) -> tuple[WallState, int | None]:
        """Return what a display has to show, and in how many seconds to look again.

        Identity is asked if it is time; of several tabs, or processes, one asks.
        """
        if secret_hash is None:
            return WallState.NONE, None
        async with self._database.transaction() as session:
            found = await self._found(session, secret_hash)
        if not isinstance(found, _Question):
            return found
        return await self._ask(secret_hash, found, browser)

    async def _found(
        self, session: AsyncSession, secret_hash: bytes
    ) -> tuple[WallState, int | None] | _Question:
        now = self._clock.now()
        row = await WallRequestRepository(session).locked(secret_hash, now)
        if row is None:
            try:
                await self._sessions(session).wall(secret_hash)
            except SignInRequired:
                return WallState.NONE, None
            return WallState.SHOWING, None
        if now < row.poll_at:
            return WallState.PENDING, rules.remaining(row.poll_at, now)
        # Nobody else asks while this question may be on its way: a second answer would revoke the first.
        row.poll_at = now + max(timedelta(seconds=row.interval), rules.ASKING)
        with contextlib.suppress(InvalidTag):
            device_code = self._sealing.opened_device_code(row.device_code)
            return _Question(device_code, self._sealing.opened_key(row.key))
        # Encrypted with a key that is lost.
        await WallRequestRepository(session).delete(secret_hash)
        return WallState.NONE, None

    async def _ask(
        self, secret_hash: bytes, question: _Question, browser: str
    ) -> tuple[WallState, int | None]:
        tokens: TokenResponse | None = None
        error = None
        try:
            tokens = await self._issuer.redeem_device(question.device_code, Audience.COCKPIT, question.key)
        except Refused as refused:
            error = refused.error
        except IssuerUnavailable:
            log.warning("the issuer gave no answer about a display")
        async with self._database.transaction() as session:
            if tokens is not None:
                # The same cookie: this server made it, and no page or other site can set one of its name.
                await WallRequestRepository(session).delete(secret_hash)
                await self._sessions(session).open(
                    secret_hash, None, tokens, question.key, audience=Audience.COCKPIT, browser=browser
                )
                return WallState.SHOWING, None
            return await self._refused(session, secret_hash, error)

    async def _refused(
        self, session: AsyncSession, secret_hash: bytes, error: str | None
    ) -> tuple[WallState, int | None]:
        """Keep what the answer says about a display that has no tokens; `error` is None without an answer."""
        rows, now = WallRequestRepository(session), self._clock.now()
        state = WallState.PENDING if error is None else rules.after(error)
        row = await rows.locked(secret_hash, now)
        if row is None:
            return WallState.NONE, None
        if state is not WallState.PENDING:
            await rows.delete(secret_hash)
            return state, None
        if error is None:
            row.interval = rules.later(row.interval)
        elif error == "slow_down":
            row.interval += rules.SLOWER
        row.poll_at = now + timedelta(seconds=row.interval)
        return state, row.interval

    async def revoke(self, refresh_tokens: tuple[str, ...]) -> None:
        """End the grants of displays that have begun anew. Call it after the response."""
        await self._issuer.revoke_all(refresh_tokens)


def _code(row: WallRequest) -> Code:
    return Code(row.user_code, row.address, row.link, row.interval)
