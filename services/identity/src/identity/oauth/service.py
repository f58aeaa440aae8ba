"""Methods for the issuer's endpoints. Each runs the sync protocol core in one transaction.

For pages it is that of the request. Endpoints that clients call have a lane or a session of their own
(`oauth.state.running`).
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from identity.oauth.authentication import client_auth, dpop
from identity.oauth.authentication.client_assertions import fetch_keys
from identity.oauth.authorization import pushed_requests
from identity.oauth.authorization.endpoint import consent_asked
from identity.oauth.authorization.interaction import Marker
from identity.oauth.authorization.untrusted import has_nul
from identity.oauth.device import grant as device
from identity.oauth.server import Issuer
from identity.oauth.state.context import Context, Parts, entered
from identity.oauth.state.messages import Pairs, Reply, Request
from identity.oauth.state.running import in_session, on_lane
from identity.oauth.tokens import introspection, revocation, signed_userinfo
from identity.sessions.models import BrowserSession
from servicekit.db import Database

T = TypeVar("T")
_REPEATABLE: Final = {"resource", "audience"}
_ON_LANE: Final = {"authorization_code", "client_credentials", "refresh_token"}
"""Grant types that rarely need a session."""
Call = Callable[[Context, Request], Reply]


class OAuth:
    """The issuer for the pages of one request."""

    def __init__(self, session: AsyncSession, context: Context, server: Issuer) -> None:
        self._session = session
        self._context = context
        self._server = server

    async def allow(self, pairs: Pairs, browser: BrowserSession, marker: Marker) -> None:
        """Store the person's consent to the request, if it requires any. Idempotent."""
        self._context.browser = browser
        page = await self._run(lambda: consent_asked(self._context, self._server, pairs, marker))
        if page is not None:
            await self._context.consents.give(
                page.account, page.client_id, set(page.scopes), set(page.resources)
            )

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

    async def _run(self, call: Callable[[], T]) -> T:
        def on(_: Session) -> T:
            with entered(self._context):
                return call()

        return await self._session.run_sync(on)


class ClientCalls:
    """The issuer for clients."""

    def __init__(self, database: Database, parts: Parts, server: Issuer) -> None:
        self._database = database
        self._parts = parts
        self._server = server

    async def token(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The token endpoint (RFC 6749 §3.2). Only parameters in the body are read."""
        record: dict[str, Any] | None = None

        def call(context: Context, request: Request) -> Reply:
            nonlocal record
            dpop.prove(context, request)
            reply: Reply = self._server.create_token_response(request)
            record = context.record
            return _with_nonce(context, request, reply)

        run = self._on_lane if dict(pairs).get("grant_type") in _ON_LANE else self._in_session
        reply = await run("/token", pairs, headers, call)
        if record is not None:
            await self._parts.records.write(**record)
        return reply

    async def introspect(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The introspection endpoint (RFC 7662 §2), for confidential clients."""

        def call(context: Context, request: Request) -> Reply:
            client = self._server.authenticate_client(request, client_auth.CONFIDENTIAL, "introspection")
            return Reply(200, introspection.introspect(context, client, request.form))

        # An assertion is used up in the same transaction, which a call that needs a session begins again.
        single = all(name != "client_assertion" for name, _ in pairs)
        return await self._on_lane("/introspect", pairs, headers, call, single=single)

    async def revoke(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The revocation endpoint (RFC 7009 §2); public clients identify themselves."""

        def call(context: Context, request: Request) -> Reply:
            client = self._server.authenticate_client(request, client_auth.ALL, "revocation")
            revocation.revoke(context, client, request.form)
            return Reply(200, {})

        return await self._on_lane("/revoke", pairs, headers, call)

    async def push(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The pushed authorization request endpoint (RFC 9126 §2)."""

        def call(context: Context, request: Request) -> Reply:
            dpop.prove(context, request)
            request.client = self._server.authenticate_client(request, client_auth.ALL, "par")
            body = pushed_requests.push(context, self._server, request)
            return _with_nonce(context, request, Reply(201, body))

        return await self._on_lane("/par", pairs, headers, call)

    async def device_authorization(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The device authorization endpoint (RFC 8628 §3.1)."""

        def call(context: Context, request: Request) -> Reply:
            self._server.authenticate_client(request, client_auth.ALL, "device_authorization")
            return Reply(200, device.begin(context, request))

        return await self._in_session("/device_authorization", pairs, headers, call)

    async def _on_lane(
        self, path: str, pairs: Pairs, headers: dict[str, str], call: Call, *, single: bool = False
    ) -> Reply:
        await self._fetch_keys(pairs)
        whole = self._answering(path, pairs, headers, call)
        return await on_lane(self._database, self._parts, whole, single=single)

    async def _in_session(self, path: str, pairs: Pairs, headers: dict[str, str], call: Call) -> Reply:
        await self._fetch_keys(pairs)
        return await in_session(self._database, self._parts, self._answering(path, pairs, headers, call))

    async def _fetch_keys(self, pairs: Pairs) -> None:
        # Before the transaction, because a fetch may take seconds.
        await fetch_keys(self._database, self._parts, self._server.client_keys, dict(pairs))

    def _answering(
        self, path: str, pairs: Pairs, headers: dict[str, str], call: Call
    ) -> Callable[[Context], Reply]:
        """Return what makes the response. Errors are returned directly, never by redirect."""
        uri = f"{self._parts.settings.issuer_url}{path}"

        def answer(context: Context) -> Reply:
            request = Request("POST", uri, headers, form=pairs)
            try:
                _check_parameters(request)
                return call(context, request)
            except OAuth2Error as error:
                # The caller is not a browser: never redirect, even if the request contains a redirect_uri.
                error.redirect_uri = None
                error.state = None
                reply: Reply = self._server.handle_error_response(request, error)
                reply.body = dict(reply.body)
                return _with_nonce(context, request, reply)

        return answer


def _with_nonce(context: Context, request: Request, reply: Reply) -> Reply:
    """Add the next nonce for a client that sends proofs (RFC 9449 §8.2)."""
    if "Dpop" in request.headers:
        reply.headers[dpop.HEADER] = dpop.nonce(context)
    return reply


def _check_parameters(request: Request) -> None:
    """Reject repeated parameters (RFC 6749 §3.2), except `resource` (RFC 8707 §2) and `audience` (RFC 8693
    §2.1), and NUL (RFC 6749 appendix A).
    """
    if has_nul(request.payload.datalist):
        raise InvalidRequestError("A parameter has a NUL character.")
    if any(len(values) > 1 for name, values in request.payload.datalist.items() if name not in _REPEATABLE):
        raise InvalidRequestError("Parameters must not be included more than once.")
