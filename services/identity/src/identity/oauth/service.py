"""The issuer's endpoints as calls: each runs the synchronous protocol core on the request's transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.base import OAuth2Error
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.accounts.models import Account
from identity.consents.service import Consents
from identity.oauth import token_calls
from identity.oauth.authorization import authorize, form_post, pushed_requests
from identity.oauth.authorization.authorize import Ask, Choose, SignIn, StepUp
from identity.oauth.authorization.form_post import FormPost
from identity.oauth.authorization.interaction import Marker
from identity.oauth.authorization.untrusted import has_nul
from identity.oauth.server import Issuer, Pairs, Reply, Request
from identity.oauth.state.context import Context, Parts, entered
from identity.oauth.tokens import resources, signed_userinfo
from identity.sessions.models import BrowserSession

T = TypeVar("T")


@dataclass(frozen=True)
class Untrusted:
    """The redirect cannot be trusted: the error is shown to the person (RFC 6749 §4.1.2.1)."""

    error: str
    description: str


Outcome = Reply | FormPost | SignIn | StepUp | Choose | Ask | Untrusted


class OAuth:
    """The issuer within one request."""

    def __init__(self, session: AsyncSession, parts: Parts, server: Issuer) -> None:
        self._session = session
        self._parts = parts
        self._settings = parts.settings
        self._server = server

    async def authorize(
        self, pairs: Pairs, browser: BrowserSession | None, marker: Marker | None = None
    ) -> Outcome:
        """The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""
        return await self._run(lambda context: self._resolved(context, pairs, marker)[0], browser)

    async def allow(self, pairs: Pairs, browser: BrowserSession, marker: Marker) -> None:
        """Remember that the person has allowed what this request asks for, if it asks for anything."""

        def run(context: Context) -> None:
            asked, request = self._resolved(context, pairs, marker)
            if isinstance(asked, Ask):
                Consents(context.session, context.clock).give(
                    asked.account, request.client.client_id, set(asked.scopes), set(asked.resources)
                )

        await self._run(run, browser)

    async def granted_claims(self, grant_id: str | None) -> list[str]:
        """Claims asked for at userinfo by the `claims` parameter."""

        def run(context: Context) -> list[str]:
            grant = None if grant_id is None else context.rows.grant(UUID(grant_id))
            if grant is None:
                return []
            return (grant.claims or {}).get("userinfo", [])

        return await self._run(run)

    async def token(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The token endpoint (RFC 6749 §3.2). Parameters count only in the body."""
        return await self._call("/token", pairs, headers, token_calls.token)

    async def revoke(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The revocation endpoint (RFC 7009)."""
        return await self._call("/revoke", pairs, headers, token_calls.revoke)

    async def introspect(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The introspection endpoint (RFC 7662)."""
        return await self._call("/introspect", pairs, headers, token_calls.introspect)

    async def push(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The pushed authorization request endpoint (RFC 9126)."""
        return await self._call("/par", pairs, headers, token_calls.push)

    async def device_authorization(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The device authorization endpoint (RFC 8628)."""
        return await self._call("/device_authorization", pairs, headers, token_calls.device_authorization)

    async def signed_userinfo(self, client_id: str, claims: dict[str, Any]) -> str | None:
        """Userinfo as a JWT, for a client registered for that."""
        return await self._run(lambda context: signed_userinfo.sign(context, client_id, claims))

    async def jwks(self) -> dict[str, Any]:
        """The published keys."""
        return await self._session.run_sync(self._parts.keys.jwks)

    def _resolved(self, context: Context, pairs: Pairs, marker: Marker | None) -> tuple[Outcome, Request]:
        """A pushed request (RFC 9126) is taken for what was pushed, and used up by its answer."""
        uri = f"{self._settings.issuer_url}/authorize"
        request = Request("GET", uri, {}, query=pairs)
        if has_nul(request.payload.datalist):
            return Untrusted("invalid_request", "A parameter has a NUL character."), request
        try:
            parameters, pushed = pushed_requests.resolve(context, list(pairs))
        except OAuth2Error as error:
            return self._refuse(request, error), request
        request = Request("GET", uri, {}, query=parameters)
        outcome = self._authorize(context, request, marker)
        if pushed is not None and isinstance(outcome, Reply | FormPost):
            pushed.used_at = context.clock.now()
        return outcome, request

    async def _call(
        self,
        path: str,
        pairs: Pairs,
        headers: dict[str, str],
        answer: Callable[[Context, Issuer, Request], Reply],
    ) -> Reply:
        request = Request("POST", f"{self._settings.issuer_url}{path}", headers, form=pairs)
        return await self._run(lambda context: answer(context, self._server, request))

    def _authorize(self, context: Context, request: Request, marker: Marker | None) -> Outcome:
        person: Account | None = None
        if context.browser is not None:
            person = context.rows.account(context.browser.account_id)
            if person is not None and person.status != "active":
                person = None
        try:
            grant = self._server.get_consent_grant(request, end_user=person)
            self._check_resources(request)
            step = self._next_step(context, request, person, marker)
        except OAuth2Error as error:
            return self._refuse(request, error)
        if step is not None:
            return step
        reply: Reply = self._server.create_authorization_response(request, grant_user=person, grant=grant)
        return _in_mode(request, reply)

    def _next_step(
        self, context: Context, request: Request, person: Account | None, marker: Marker | None
    ) -> SignIn | StepUp | Choose | Ask | None:
        try:
            asked = authorize.parse(context, request)
            step = authorize.next_step(context, request.client, asked, person, marker)
            # As they count: of a pushed request, what was pushed.
            if isinstance(step, SignIn):
                step = replace(step, login_hint=request.payload.data.get("login_hint"))
            return None if step is None else replace(step, redirect_uri=request.payload.redirect_uri)
        except OAuth2Error as error:
            error.redirect_uri = request.payload.redirect_uri
            error.state = request.payload.state
            raise

    def _check_resources(self, request: Request) -> None:
        try:
            resources.requested(request.client, request.payload.datalist.get("resource", []))
        except OAuth2Error as error:
            error.redirect_uri = request.payload.redirect_uri
            error.state = request.payload.state
            raise

    def _refuse(self, request: Request, error: OAuth2Error) -> Reply | FormPost | Untrusted:
        if not error.redirect_uri:
            return Untrusted(str(error.error), str(error.description or ""))
        reply: Reply = self._server.handle_error_response(request, error)
        assert reply.location is not None
        # RFC 9207 §2: in error responses too.
        reply.location = add_params_to_uri(reply.location, {"iss": self._settings.issuer_url})
        return _in_mode(request, reply)

    async def _run(self, call: Callable[[Context], T], browser: BrowserSession | None = None) -> T:
        def on(session: Session) -> T:
            context = Context(session, self._parts, browser)
            with entered(context):
                return call(context)

        return await self._session.run_sync(on)


def _in_mode(request: Request, reply: Reply) -> Reply | FormPost:
    """The authorization response in the response mode that was asked for."""
    data = request.payload.data
    if data.get("response_mode") != "form_post" or reply.location is None:
        return reply
    return form_post.from_location(data["redirect_uri"], reply.location)
