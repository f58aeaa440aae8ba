"""Client authentication (RFC 6749 §2.3), the same for every endpoint that requires it."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from identity.clients.models import Client
from identity.oauth.authentication import client_assertions as assertions
from identity.oauth.authentication.client_keys import ClientKeys
from identity.oauth.state.context import current

CONFIDENTIAL = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
ALL = [*CONFIDENTIAL, "none"]
"""`none` is last: libraries that are told nothing take the first method of the metadata."""


def authenticate(request: Any, methods: list[str], keys: ClientKeys) -> Client:
    """Authenticate the client of a request by a method that it is registered for.

    Raises `invalid_client`, and `invalid_request` when more than one method is used.
    """
    form = request.form
    basic = request.headers.get("Authorization", "").lower().startswith("basic ")
    presented = [
        method
        for method, there in (
            ("client_secret_basic", basic),
            ("client_secret_post", "client_secret" in form),
            ("private_key_jwt", "client_assertion" in form or "client_assertion_type" in form),
        )
        if there
    ]
    if len(presented) > 1:
        raise InvalidRequestError("More than one client authentication method.")
    method = presented[0] if presented else "none"
    if method not in methods:
        raise _refused()
    client = _CHECKS[method](request, keys)
    # A client_id in addition to the credentials must be the same (RFC 7521 §4.2, RFC 6749 §3.2.1).
    if form.get("client_id", client.client_id) != client.client_id:
        raise _refused()
    if not client.check_endpoint_auth_method(method, "token"):
        if method == "none":
            raise _refused()
        # Whoever knows the secret may know how to send it (RFC 6749 §5.2).
        expected = " or ".join(f"'{one}'" for one in client.auth_methods)
        raise InvalidClientError(f"The client is registered for {expected}.", status_code=401)
    return client


def _refused() -> InvalidClientError:
    return InvalidClientError("The client could not be authenticated.", status_code=401)


def _basic(request: Any, _: ClientKeys) -> Client:
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except ValueError as error:
        # Base64 of a value that is not UTF-8.
        raise _refused() from error
    return _with_secret(client_id, secret)


def _post(request: Any, _: ClientKeys) -> Client:
    return _with_secret(request.form.get("client_id"), request.form.get("client_secret"))


def _with_secret(client_id: str | None, secret: str | None) -> Client:
    client = current().client(client_id) if client_id else None
    if client is None or not secret or not client.check_client_secret(secret):
        raise _refused()
    return client


def _assertion(request: Any, keys: ClientKeys) -> Client:
    if request.form.get("client_assertion_type") != assertions.TYPE:
        raise _refused()
    client = assertions.client_of(current(), request.form.get("client_assertion", ""), keys)
    if client is None:
        raise _refused()
    return client


def _none(request: Any, _: ClientKeys) -> Client:
    client_id = request.form.get("client_id")
    client = current().client(client_id) if client_id else None
    if client is None:
        raise _refused()
    return client


_CHECKS = {
    "none": _none,
    "client_secret_basic": _basic,
    "client_secret_post": _post,
    "private_key_jwt": _assertion,
}
