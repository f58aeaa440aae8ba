"""The code flow, and the end of sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Audience
from portal.errors import IssuerUnavailable, SignInRequired
from portal.issuer.client import Issuer, Refused
from portal.issuer.tokens import InvalidToken, IssuedTokens, SignedIn
from portal.sessions import cookies
from portal.sessions.models import BrowserSession
from portal.sessions.renewing import AccessTokens
from portal.sessions.sealing import Sealing
from portal.sessions.service import Ended, Sessions
from portal.signing_in.attempts import Attempt
from portal.signing_in.errors import NotSignedIn
from portal.signing_in.repository import LogoutTokenRepository
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger("signing_in")

FIRST = Audience.IDENTITY
"""The service that the first access token is for: the page asks it who is signed in."""


@dataclass(frozen=True)
class Wish:
    """How somebody wants or has to sign in (OpenID Connect Core 1.0 §3.1.2.1, RFC 9470 §4)."""

    acr_values: str | None = None
    max_age: int | None = None
    login_hint: str | None = None
    prompt: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the authorization request."""
        given = {
            "acr_values": self.acr_values,
            "max_age": None if self.max_age is None else str(self.max_age),
            "login_hint": self.login_hint,
            "prompt": self.prompt,
        }
        return {name: value for name, value in given.items() if value}


class SigningIn:
    """Sign in and out, for the whole process: its calls to Identity happen without a transaction."""

    def __init__(
        self,
        database: Database,
        issuer: Issuer,
        issued: IssuedTokens,
        sealing: Sealing,
        clock: Clock,
        sessions: Callable[[AsyncSession], Sessions],
        tokens: AccessTokens,
        *,
        origin: str,
        issuer_url: str,
    ) -> None:
        self._database = database
        self._issuer = issuer
        self._issued = issued
        self._sealing = sealing
        self._clock = clock
        self._sessions = sessions
        self._tokens = tokens
        self._origin = origin
        self._issuer_url = issuer_url

    @property
    def redirect_uri(self) -> str:
        """Where Identity sends people back to."""
        return f"{self._origin}/bff/callback"

    async def begin(self, return_to: str, wish: Wish) -> tuple[Attempt, str]:
        """Return an attempt and where the browser goes with it. Raises `IssuerUnavailable`."""
        attempt = Attempt.new(return_to, self._clock.now())
        asked = {
            "redirect_uri": self.redirect_uri,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            **wish.parameters,
        }
        try:
            return attempt, await self._issuer.authorization(asked, attempt.key)
        except Refused as error:
            log.error("the issuer refused a request to sign in", error=error.error)
            raise IssuerUnavailable from error

    async def complete(
        self,
        attempt: Attempt,
        code: str,
        *,
        issuer: str | None,
        browser: str,
        before: bytes | None,
    ) -> tuple[str, list[str]]:
        """Open a session for an attempt that came back with a code.

        Return the value of its cookie, and refresh tokens for `revoke`.

        `issuer` is the `iss` of the response (RFC 9207 §2.4). `before` is the cookie that the browser had:
        its session ends, so that a new sign-in always has a new one (session fixation).
        Raises `NotSignedIn`, `IssuerUnavailable`.
        """
        if issuer != self._issuer_url:
            raise NotSignedIn("other_issuer")
        try:
            tokens = await self._issuer.redeem(
                code,
                verifier=attempt.verifier,
                redirect_uri=self.redirect_uri,
                audience=FIRST,
                key=attempt.key,
            )
        except Refused as error:
            raise NotSignedIn("expired") from error
        who = await self._who(tokens.id_token, attempt)
        secret = cookies.new_secret()
        ended: list[str] = []
        async with self._database.transaction() as session:
            sessions = self._sessions(session)
            if before is not None:
                ended = await sessions.replace(before)
            await sessions.open(
                cookies.digest(secret), who, tokens, attempt.key, audience=FIRST, browser=browser
            )
        return secret, ended

    async def _who(self, id_token: str | None, attempt: Attempt) -> SignedIn:
        try:
            return await self._issued.signed_in(id_token or "", nonce=attempt.nonce, now=self._clock.now())
        except InvalidToken as error:
            log.error("the issuer's ID token is not valid", reason=str(error))
            raise NotSignedIn("invalid") from error

    async def sign_out(self, row: BrowserSession) -> bool:
        """End a session, here and at Identity; return whether Identity ended it, too.

        Identity then notifies all other clients of the session.
        """
        everywhere = True
        try:
            await self._end_at_issuer(row.id)
        except SignInRequired:
            log.info("the session had ended at the issuer")
        except (Refused, IssuerUnavailable):
            everywhere = False
        async with self._database.transaction() as session:
            # Identity's notice may have ended it already.
            await self._sessions(session).forget(row.id)
        return everywhere

    async def _end_at_issuer(self, session_id: UUID) -> None:
        """End the session at Identity, with a new token if it refuses the present one.

        It refuses tokens of before the last change of rights, while the session continues. Raises `Refused`,
        `SignInRequired`, `IssuerUnavailable`.
        """
        token = await self._tokens.get(session_id, Audience.IDENTITY)
        try:
            await self._issuer.end_session(token.value, token.key)
        except Refused:
            await self._tokens.refused(session_id, Audience.IDENTITY, token)
            token = await self._tokens.get(session_id, Audience.IDENTITY)
            await self._issuer.end_session(token.value, token.key)

    async def ended_at_issuer(self, logout_token: str) -> int:
        """End the sessions that a logout token names; return their number.

        A token that was used before ends nothing. Raises `InvalidToken`.
        """
        told = await self._issued.logged_out(logout_token, now=self._clock.now())
        try:
            sub = None if told.sub is None else UUID(told.sub)
        except ValueError as error:
            raise InvalidToken("sub") from error
        async with self._database.transaction() as session:
            expires = datetime.fromtimestamp(told.expires_at, UTC)
            if not await LogoutTokenRepository(session).first(told.jti, expires):
                return 0
            return await self._sessions(session).end_of_issuer(sub, told.sid)

    async def end_elsewhere(self, ended: Sequence[Ended], current: BrowserSession) -> None:
        """End sessions at Identity that have ended here. Call it after the response.

        Otherwise those browsers would be signed in again without being asked. A session at Identity that is
        the one of this browser continues. A failure is logged.
        """
        for one in ended:
            if one.sid == current.sid:
                await self.revoke([one.refresh_token])
                continue
            try:
                token = await self._issuer.refresh(one.refresh_token, Audience.IDENTITY, one.key)
                await self._issuer.end_session(token.access_token, one.key)
            except Refused:
                # It has ended there, or its rights have changed this second.
                await self.revoke([one.refresh_token])
            except IssuerUnavailable as error:
                log.warning("a session was not ended at the issuer", error=str(error))

    async def revoke(self, refresh_tokens: Sequence[str]) -> None:
        """Revoke refresh tokens at Identity. Call it after the response: whoever signs out does not wait."""
        await self._issuer.revoke_all(refresh_tokens)
