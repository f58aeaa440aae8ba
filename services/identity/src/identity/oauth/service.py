"""Methods for the issuer's endpoints. Each runs the sync protocol core in the request's transaction."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.oauth.authentication import client_auth, dpop
from identity.oauth.authorization import pushed_requests
from identity.oauth.authorization.endpoint import Outcome, authorize, consent_asked
from identity.oauth.authorization.interaction import Marker
from identity.oauth.authorization.untrusted import has_nul
from identity.oauth.device import grant as device
from identity.oauth.server import Issuer
from identity.oauth.state.context import Context, entered
from identity.oauth.state.messages import Pairs, Reply, Request
from identity.oauth.tokens import introspection, revocation, signed_userinfo
from identity.sessions.models import BrowserSession

T = TypeVar("T")
_REPEATABLE = {"resource", "audience"}


class OAuth:
    """The issuer for one request."""

    def __init__(self, session: AsyncSession, context: Context, server: Issuer) -> None:
        self._session = session
        self._context = context
        self._server = server

    async def authorize(
        self, pairs: Pairs, browser: BrowserSession | None, marker: Marker | None = None
    ) -> Outcome:
        """The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""
        self._context.browser = browser
        return await self._run(lambda: authorize(self._context, self._server, pairs, marker))

    async def allow(self, pairs: Pairs, browser: BrowserSession, marker: Marker) -> None:
        """Store the person's consent to the request, if it requires any. Idempotent."""
        self._context.browser = browser
        page = await self._run(lambda: consent_asked(self._context, self._server, pairs, marker))
        if page is not None:
            await self._context.consents.give(
                page.account, page.client_id, set(page.scopes), set(page.resources)
            )

    async def token(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The token endpoint (RFC 6749 §3.2). Only parameters in the body are read."""

        def call(request: Request) -> Reply:
            dpop.prove(self._context, request)
            reply: Reply = self._server.create_token_response(request)
            return self._with_nonce(request, reply)

        reply = await self._call("/token", pairs, headers, call)
        client_id = self._context.issued_to
        if client_id is not None:
            await self._context.parts.records.write(
                actor=client_id, action="oauth.token_issued", target=client_id, grant="client_credentials"
            )
        return reply

    async def revoke(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The revocation endpoint (RFC 7009 §2); public clients identify themselves."""

        def call(request: Request) -> Reply:
            client = self._server.authenticate_client(request, client_auth.ALL, "revocation")
            revocation.revoke(self._context, client, request.form)
            return Reply(200, {})

        return await self._call("/revoke", pairs, headers, call)

    async def introspect(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The introspection endpoint (RFC 7662 §2), for confidential clients."""

        def call(request: Request) -> Reply:
            client = self._server.authenticate_client(request, client_auth.CONFIDENTIAL, "introspection")
            return Reply(200, introspection.introspect(self._context, client, request.form))

        return await self._call("/introspect", pairs, headers, call)

    async def push(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The pushed authorization request endpoint (RFC 9126 §2)."""

        def call(request: Request) -> Reply:
            dpop.prove(self._context, request)
            request.client = self._server.authenticate_client(request, client_auth.ALL, "par")
            body = pushed_requests.push(self._context, self._server, request)
            return self._with_nonce(request, Reply(201, body))

        return await self._call("/par", pairs, headers, call)

    async def device_authorization(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The device authorization endpoint (RFC 8628 §3.1)."""

        def call(request: Request) -> Reply:
            self._server.authenticate_client(request, client_auth.ALL, "device_authorization")
            return Reply(200, device.begin(self._context, request))

        return await self._call("/device_authorization", pairs, headers, call)

    async def granted_claims(self, grant_id: str | None) -> list[str]:
        """Return the claims that the `claims` parameter requests from userinfo."""

        def run() -> list[str]:
            grant = None if grant_id is None else self._context.rows.grant(UUID(grant_id))
            if grant is None:
                return []
            return (grant.claims or {}).get("userinfo", [])

        return await self._run(run)

    async def signed_userinfo(self, client_id: str, claims: dict[str, Any]) -> str | None:
        """Return userinfo as a JWT for a client registered for it, else None."""
        return await self._run(lambda: signed_userinfo.sign(self._context, client_id, claims))

    async def _call(
        self, path: str, pairs: Pairs, headers: dict[str, str], call: Callable[[Request], Reply]
    ) -> Reply:
        """Call an endpoint for clients. Errors are returned directly, never by redirect."""
        uri = f"{self._context.settings.issuer_url}{path}"
        request = Request("POST", uri, headers, form=pairs)

        def run() -> Reply:
            try:
                _check_parameters(request)
                return call(request)
            except OAuth2Error as error:
                # The caller is not a browser: never redirect, even if the request contains a redirect_uri.
                error.redirect_uri = None
                error.state = None
                reply: Reply = self._server.handle_error_response(request, error)
                reply.body = dict(reply.body)
                return self._with_nonce(request, reply)

        return await self._run(run)

    def _with_nonce(self, request: Request, reply: Reply) -> Reply:
        """Add the next nonce for a client that sends proofs (RFC 9449 §8.2)."""
        if "Dpop" in request.headers:
            reply.headers[dpop.HEADER] = dpop.nonce(self._context)
        return reply

    async def _run(self, call: Callable[[], T]) -> T:
        def on(_: Session) -> T:
            with entered(self._context):
                return call()

        return await self._session.run_sync(on)


def _check_parameters(request: Request) -> None:
    """Reject repeated parameters (RFC 6749 §3.2), except `resource` (RFC 8707 §2) and `audience` (RFC 8693
    §2.1), and NUL (RFC 6749 appendix A).
    """
    if has_nul(request.payload.datalist):
        raise InvalidRequestError("A parameter has a NUL character.")
    if any(len(values) > 1 for name, values in request.payload.datalist.items() if name not in _REPEATABLE):
        raise InvalidRequestError("Parameters must not be included more than once.")
