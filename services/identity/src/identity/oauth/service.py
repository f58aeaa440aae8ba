"""The issuer's endpoints as calls: each runs the synchronous protocol core on the request's transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.accounts.models import Account
from identity.oauth import resources, signed_userinfo
from identity.oauth.context import Context, entered
from identity.oauth.keys import KeyRing
from identity.oauth.server import Issuer, Pairs, Reply, Request
from identity.sessions.models import BrowserSession
from identity.settings import Settings
from servicekit.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True)
class SignInNeeded:
    """The person has to authenticate before the request can be answered."""


@dataclass(frozen=True)
class Untrusted:
    """The redirect cannot be trusted: the error is shown to the person (RFC 6749 §4.1.2.1)."""

    error: str
    description: str


class OAuth:
    """The issuer within one request."""

    def __init__(
        self, session: AsyncSession, settings: Settings, clock: Clock, keys: KeyRing, server: Issuer
    ) -> None:
        self._session = session
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._server = server

    async def authorize(
        self, pairs: Pairs, browser: BrowserSession | None
    ) -> Reply | SignInNeeded | Untrusted:
        """The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""
        request = Request("GET", f"{self._settings.issuer_url}/authorize", {}, query=pairs)
        return await self._run(lambda context: self._authorize(context, request), browser)

    async def token(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The token endpoint (RFC 6749 §3.2). Parameters count only in the body."""
        request = Request("POST", f"{self._settings.issuer_url}/token", headers, form=pairs)

        def run(_: Context) -> Reply:
            names = [name for name, _value in pairs if name != "resource"]
            if len(names) != len(set(names)):
                error = InvalidRequestError("Parameters must not be included more than once.")
                return Reply(400, dict(error.get_body()))
            reply: Reply = self._server.create_token_response(request)
            return reply

        return await self._run(run)

    async def signed_userinfo(self, client_id: str, claims: dict[str, Any]) -> str | None:
        """Userinfo as a JWT, for a client registered for that."""
        return await self._run(lambda context: signed_userinfo.sign(context, client_id, claims))

    async def jwks(self) -> dict[str, Any]:
        """The published keys."""
        return await self._session.run_sync(self._keys.jwks)

    def _authorize(self, context: Context, request: Request) -> Reply | SignInNeeded | Untrusted:
        person: Account | None = None
        if context.browser is not None:
            person = context.rows.account(context.browser.account_id)
            if person is not None and person.status != "active":
                person = None
        try:
            grant = self._server.get_consent_grant(request, end_user=person)
            self._check_resources(request)
        except OAuth2Error as error:
            return self._refuse(request, error)
        if person is None or grant.prompt == "login":
            return SignInNeeded()
        reply: Reply = self._server.create_authorization_response(request, grant_user=person, grant=grant)
        return reply

    def _check_resources(self, request: Request) -> None:
        try:
            resources.requested(request.client, request.payload.datalist.get("resource", []))
        except OAuth2Error as error:
            error.redirect_uri = request.payload.redirect_uri
            error.state = request.payload.state
            raise

    def _refuse(self, request: Request, error: OAuth2Error) -> Reply | Untrusted:
        if not error.redirect_uri:
            return Untrusted(str(error.error), str(error.description or ""))
        reply: Reply = self._server.handle_error_response(request, error)
        assert reply.location is not None
        # RFC 9207 §2: in error responses too.
        reply.location = add_params_to_uri(reply.location, {"iss": self._settings.issuer_url})
        return reply

    async def _run(self, call: Callable[[Context], T], browser: BrowserSession | None = None) -> T:
        def on(session: Session) -> T:
            context = Context(session, self._settings, self._clock, self._keys, browser)
            with entered(context):
                return call(context)

        return await self._session.run_sync(on)
