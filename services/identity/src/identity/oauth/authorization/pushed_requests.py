"""Pushed authorization requests (RFC 9126), and rejection of request objects (OpenID Connect Core §6)."""

import json
from typing import Any

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from identity.clients.models import Client, secret_hash
from identity.oauth.authorization.checks import AuthorizationServer, check
from identity.oauth.authorization.untrusted import trusted_redirect
from identity.oauth.state.context import Context
from identity.oauth.state.handles import handle
from identity.oauth.state.messages import Request
from identity.oauth.state.models import PushedRequest
from servicekit.ids import new_id

PREFIX = "urn:ietf:params:oauth:request_uri:"
FIRST_SECONDS = 60
# After its first use, the reference stays valid for the time a person may take to sign in.
_LAST_SECONDS = 900
SEALED_FOR = "pushed-request"
_CREDENTIALS = {"client_secret", "client_assertion", "client_assertion_type"}
Pairs = list[tuple[str, str]]


class RequestNotSupported(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect Core §3.1.2.6: request objects by value are not supported."""

    error = "request_not_supported"


class RequestUriNotSupported(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect Core §3.1.2.6: `request_uri` is supported only for pushed requests."""

    error = "request_uri_not_supported"


class InvalidRequestUri(OAuth2Error):  # type: ignore[misc]
    """RFC 9101 §7 (used by RFC 9126 §4): the reference is unknown, used, expired, or another client's."""

    error = "invalid_request_uri"


def push(context: Context, server: AuthorizationServer, request: Request) -> dict[str, Any]:
    """Check a request like /authorize and store it (§2.1). Raises the errors of /authorize."""
    if "request_uri" in request.form:
        raise InvalidRequestError("'request_uri' must not be pushed.")
    if "request" in request.form:
        raise RequestNotSupported("Request objects are not supported.")
    client: Client = request.client
    if request.form.get("client_id", client.client_id) != client.client_id:
        raise InvalidRequestError("The 'client_id' is not that of the authenticated client.")
    pairs: Pairs = [
        (name, value)
        for name, values in request.payload.datalist.items()
        if name not in _CREDENTIALS
        for value in values
    ]
    if "client_id" not in request.form:
        pairs.append(("client_id", client.client_id))
        request.payload.put("client_id", client.client_id)
    if context.dpop_jkt is not None:
        if request.form.get("dpop_jkt", context.dpop_jkt) != context.dpop_jkt:
            raise InvalidRequestError("'dpop_jkt' is not the key of the proof.")
        pairs = [*((n, v) for n, v in pairs if n != "dpop_jkt"), ("dpop_jkt", context.dpop_jkt)]
    repeated = [name for name, _ in pairs if name != "resource"]
    if len(repeated) != len(set(repeated)):
        raise InvalidRequestError("Parameters must not be included more than once.")
    check(context, server, request)
    row_id = new_id()
    reference = handle(row_id)
    context.browsing.add_pushed(
        PushedRequest(
            id=row_id,
            reference_hash=secret_hash(reference),
            client_id=client.client_id,
            parameters_sealed=context.vault.seal(SEALED_FOR, json.dumps(pairs)),
            issued_at=context.clock.now(),
        )
    )
    return {"request_uri": PREFIX + reference, "expires_in": FIRST_SECONDS}


def resolve(context: Context, pairs: Pairs, *, decided: bool = False) -> tuple[Pairs, PushedRequest | None]:
    """Return the parameters of an authorization request, and the pushed request if it refers to one.

    Of a pushed request only the pushed parameters count (§4). A reference is redeemed once, except that the
    browser whose person has `decided` about the request may send the decision again: a second click, or a
    reload (§4 allows it). Raises `invalid_request_uri`, and rejects requests that must be pushed but are not.
    """
    given = dict(reversed([(name, value) for name, value in pairs if value]))
    client = context.client(given.get("client_id", ""))
    reference = given.get("request_uri", "")
    if reference.startswith(PREFIX):
        return _pushed(context, client, reference.removeprefix(PREFIX), decided)
    if "request" in given:
        raise _to_client(RequestNotSupported("Request objects are not supported."), pairs)
    if "request_uri" in given:
        raise _to_client(RequestUriNotSupported("Only pushed requests are supported."), pairs)
    if client is not None and client.require_pushed_authorization_requests:
        raise _to_client(InvalidRequestError("The request must be pushed (RFC 9126)."), pairs)
    return pairs, None


def _pushed(
    context: Context, client: Client | None, reference: str, decided: bool
) -> tuple[Pairs, PushedRequest]:
    row = context.token_rows.pushed(reference)
    if row is None or client is None or row.client_id != client.client_id:
        raise InvalidRequestUri("The 'request_uri' is not valid for this client.")
    if not row.open(context.clock.now(), FIRST_SECONDS, _LAST_SECONDS, again=decided):
        raise InvalidRequestUri("The 'request_uri' has expired or been used.")
    stored: list[list[str]] = json.loads(context.vault.open(SEALED_FOR, row.parameters_sealed))
    parameters = [(name, value) for name, value in stored]
    browser = context.browser
    if browser is not None and browser.begun_at >= row.issued_at:
        # The person has signed in since; prompting again would loop.
        parameters = [pair for pair in parameters if pair != ("prompt", "login")]
    return parameters, row


def _to_client(error: OAuth2Error, pairs: Pairs) -> OAuth2Error:
    """Redirect errors only to a trusted redirect URI."""
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        if value:
            lists.setdefault(name, []).append(value)
    error.redirect_uri = trusted_redirect(lists)
    error.state = lists.get("state", [None])[0]
    return error
