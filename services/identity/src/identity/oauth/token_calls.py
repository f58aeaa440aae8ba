"""What the token endpoint and those beside it do with a request, as calls on the protocol core."""

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from identity.oauth.authentication import client_auth, dpop
from identity.oauth.authorization import pushed_requests
from identity.oauth.authorization.untrusted import has_nul
from identity.oauth.device import grant
from identity.oauth.server import Issuer, Reply, Request
from identity.oauth.state.context import Context
from identity.oauth.tokens import introspection, revocation

_REPEATABLE = {"resource", "audience"}


def token(context: Context, server: Issuer, request: Request) -> Reply:
    """The token endpoint (RFC 6749 §3.2)."""
    try:
        _once_each(request)
        dpop.prove(context, request)
        reply: Reply = server.create_token_response(request)
    except OAuth2Error as error:
        return _refused(context, server, request, error)
    return _with_nonce(context, request, reply)


def revoke(context: Context, server: Issuer, request: Request) -> Reply:
    """The revocation endpoint (RFC 7009 §2); public clients name themselves."""
    try:
        _once_each(request)
        client = server.authenticate_client(request, client_auth.ALL, "revocation")
        revocation.revoke(context, client, request.form)
    except OAuth2Error as error:
        return _refused(context, server, request, error)
    return Reply(200, {})


def introspect(context: Context, server: Issuer, request: Request) -> Reply:
    """The introspection endpoint (RFC 7662 §2), for confidential clients."""
    try:
        _once_each(request)
        client = server.authenticate_client(request, client_auth.CONFIDENTIAL, "introspection")
        return Reply(200, introspection.introspect(context, client, request.form))
    except OAuth2Error as error:
        return _refused(context, server, request, error)


def push(context: Context, server: Issuer, request: Request) -> Reply:
    """The pushed authorization request endpoint (RFC 9126 §2)."""
    try:
        _once_each(request)
        dpop.prove(context, request)
        request.client = server.authenticate_client(request, client_auth.ALL, "par")
        return _with_nonce(context, request, Reply(201, pushed_requests.push(context, server, request)))
    except OAuth2Error as error:
        return _refused(context, server, request, error)


def device_authorization(context: Context, server: Issuer, request: Request) -> Reply:
    """The device authorization endpoint (RFC 8628 §3.1)."""
    try:
        _once_each(request)
        server.authenticate_client(request, client_auth.ALL, "device_authorization")
        return Reply(200, grant.begin(context, request))
    except OAuth2Error as error:
        return _refused(context, server, request, error)


def _once_each(request: Request) -> None:
    """RFC 6749 §3.2: no parameter twice, but `resource` (RFC 8707 §2) and `audience` (RFC 8693 §2.1); no NUL
    (RFC 6749 appendix A).
    """
    if has_nul(request.payload.datalist):
        raise InvalidRequestError("A parameter has a NUL character.")
    if any(len(values) > 1 for name, values in request.payload.datalist.items() if name not in _REPEATABLE):
        raise InvalidRequestError("Parameters must not be included more than once.")


def _refused(context: Context, server: Issuer, request: Request, error: OAuth2Error) -> Reply:
    # Never a redirect: this is no browser, whatever redirect_uri the request named.
    error.redirect_uri = None
    error.state = None
    reply: Reply = server.handle_error_response(request, error)
    reply.body = dict(reply.body)
    return _with_nonce(context, request, reply)


def _with_nonce(context: Context, request: Request, reply: Reply) -> Reply:
    """Whoever sends proofs gets the nonce for the next one (RFC 9449 §8.2)."""
    if "Dpop" in request.headers:
        reply.headers[dpop.HEADER] = dpop.nonce(context)
    return reply
