"""Methods for the endpoints that clients call. Each runs the sync protocol core in one transaction.

The busiest run on a lane (`oauth.state.transactions`, docs/adr/0043-token-endpoint-on-lanes.md).
"""

from collections.abc import Callable
from typing import Final

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from identity.oauth.authentication import client_auth, dpop
from identity.oauth.authentication.client_assertions import fetch_keys
from identity.oauth.authorization import pushed_requests
from identity.oauth.authorization.untrusted import has_nul
from identity.oauth.device import grant as device
from identity.oauth.server import Issuer
from identity.oauth.state.context import Context, Parts
from identity.oauth.state.messages import Pairs, Reply, Request
from identity.oauth.state.running import in_session, on_lane
from identity.oauth.tokens import introspection, revocation
from servicekit.db import Database

_REPEATABLE: Final = {"resource", "audience"}
_ON_LANE: Final = {"authorization_code", "client_credentials", "refresh_token"}
"""Grant types that rarely need a session."""
Call = Callable[[Context, Request], Reply]


class ClientCalls:
    """The issuer for clients."""

    def __init__(self, database: Database, parts: Parts, server: Issuer) -> None:
        self._database = database
        self._parts = parts
        self._server = server

    async def token(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The token endpoint (RFC 6749 §3.2). Only parameters in the body are read."""
        issued_to: str | None = None

        def call(context: Context, request: Request) -> Reply:
            nonlocal issued_to
            dpop.prove(context, request)
            reply: Reply = self._server.create_token_response(request)
            issued_to = context.issued_to
            return _with_nonce(context, request, reply)

        run = self._on_lane if dict(pairs).get("grant_type") in _ON_LANE else self._in_session
        reply = await run("/token", pairs, headers, call)
        if issued_to is not None:
            await self._parts.records.write(
                actor=issued_to, action="oauth.token_issued", target=issued_to, grant="client_credentials"
            )
        return reply

    async def introspect(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The introspection endpoint (RFC 7662 §2), for confidential clients."""

        def call(context: Context, request: Request) -> Reply:
            client = self._server.authenticate_client(request, client_auth.CONFIDENTIAL, "introspection")
            return Reply(200, introspection.introspect(context, client, request.form))

        return await self._on_lane("/introspect", pairs, headers, call, single=True)

    async def revoke(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The revocation endpoint (RFC 7009 §2); public clients identify themselves."""

        def call(context: Context, request: Request) -> Reply:
            client = self._server.authenticate_client(request, client_auth.ALL, "revocation")
            revocation.revoke(context, client, request.form)
            return Reply(200, {})

        return await self._in_session("/revoke", pairs, headers, call)

    async def push(self, pairs: Pairs, headers: dict[str, str]) -> Reply:
        """The pushed authorization request endpoint (RFC 9126 §2)."""

        def call(context: Context, request: Request) -> Reply:
            dpop.prove(context, request)
            request.client = self._server.authenticate_client(request, client_auth.ALL, "par")
            body = pushed_requests.push(context, self._server, request)
            return _with_nonce(context, request, Reply(201, body))

        return await self._in_session("/par", pairs, headers, call)

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
