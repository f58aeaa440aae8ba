"""private_key_jwt: client authentication with a signed assertion (RFC 7523 §3, OpenID Connect Core §9)."""

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from authkit.dpop import MIN_RSA_BITS, rsa_bits
from identity.clients.models import Client
from identity.oauth.authentication.client_keys import ClientKeys, NotFetched
from identity.oauth.state.context import Context, Parts
from servicekit.db import Database
from servicekit.text import is_storable

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["ES256", "RS256", "PS256"]
_FAPI_ALGORITHMS = ["ES256", "PS256"]
_KTY = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA"}
_FORBIDDEN_HEADERS = {"jwk", "jku", "x5c", "x5u", "crit", "zip", "b64"}
_MAX_LENGTH = 8192
_SKEW_SECONDS = 30
_MAX_LIFETIME_SECONDS = 3600
_MAX_KEYS = 10
_MAX_JTI = 256


class _InvalidAssertion(Exception):
    """The assertion is invalid."""


async def fetch_keys(database: Database, parts: Parts, keys: ClientKeys, form: Mapping[str, str]) -> None:
    """Fetch the keys of the client named in an assertion, so that they are cached for its verification.

    Runs before the transaction of the request, because a fetch may take seconds.
    """
    named = _named(form.get("client_assertion"))
    if named is None:
        return
    client_id, kid = named
    async with database.transaction() as session:
        client = await session.run_sync(parts.clients.get, client_id)
    if client is not None and client.jwks is None and client.jwks_uri is not None:
        with contextlib.suppress(NotFetched):
            await keys.fetch(
                client.jwks_uri, kid, dev=parts.settings.dev, networks=parts.settings.client_networks
            )


def _named(assertion: str | None) -> tuple[str, str | None] | None:
    """Return the client and key named in an assertion; untrusted until the signature is verified."""
    if assertion is None or len(assertion) > _MAX_LENGTH or assertion.count(".") != 2:
        return None
    try:
        loose = jws.extract_compact(assertion.encode())
        kid = loose.headers().get("kid")
        return _unverified_subject(loose.payload), kid if isinstance(kid, str) else None
    except (_InvalidAssertion, JoseError, ValueError, TypeError, KeyError):
        return None


def client_of(context: Context, assertion: str, keys: ClientKeys) -> Client | None:
    """Return the client that signed the assertion and mark the assertion as used; None for other requests."""
    try:
        return _verified(context, assertion, keys)
    except (_InvalidAssertion, JoseError, ValueError, TypeError, KeyError, OverflowError, OSError):
        return None


def _verified(context: Context, assertion: str, keys: ClientKeys) -> Client:
    if len(assertion) > _MAX_LENGTH or assertion.count(".") != 2:
        raise _InvalidAssertion
    loose = jws.extract_compact(assertion.encode())
    header = loose.headers()
    # The claimed client, to find its keys; untrusted until the signature is verified.
    client_id = _unverified_subject(loose.payload)
    client = context.client(client_id)
    if client is None or client.token_endpoint_auth_method != "private_key_jwt":
        raise _InvalidAssertion
    strict = client.require_pushed_authorization_requests
    algorithm = header.get("alg")
    if algorithm not in (_FAPI_ALGORITHMS if strict else ALGORITHMS) or _FORBIDDEN_HEADERS & header.keys():
        raise _InvalidAssertion
    for key in _candidates(client, algorithm, header.get("kid"), keys):
        try:
            claims = jwt.decode(assertion, key, algorithms=[algorithm]).claims
        except JoseError:
            continue
        _check_claims(context, client, claims, strict)
        return client
    raise _InvalidAssertion


def _unverified_subject(payload: bytes | None) -> str:
    claims = json.loads(payload or b"")
    subject = claims["sub"]
    if not isinstance(subject, str) or not is_storable(subject):
        raise _InvalidAssertion
    return subject


def _candidates(client: Client, algorithm: str, kid: Any, keys: ClientKeys) -> list[ECKey | RSAKey]:
    document = client.jwks
    if document is None and client.jwks_uri is not None:
        document = keys.cached(client.jwks_uri)
    fitting: list[ECKey | RSAKey] = []
    for jwk in (document or {}).get("keys", [])[:_MAX_KEYS]:
        if jwk.get("kty") != _KTY[algorithm] or jwk.get("use", "sig") != "sig":
            continue
        if jwk.get("alg", algorithm) != algorithm or (kid is not None and jwk.get("kid") != kid):
            continue
        if jwk["kty"] == "EC":
            if jwk.get("crv") == "P-256":
                fitting.append(ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
            continue
        if rsa_bits(jwk) >= MIN_RSA_BITS:
            fitting.append(RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")}))
    return fitting


def _check_claims(context: Context, client: Client, claims: dict[str, Any], strict: bool) -> None:
    now = context.clock.now().timestamp()
    issuer = context.settings.issuer_url
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise _InvalidAssertion
    audience = claims.get("aud")
    if strict:
        # FAPI 2.0 §5.3.2.1: the issuer as a string and no other value, to prevent audience mix-up attacks.
        if audience != issuer:
            raise _InvalidAssertion
    else:
        named = audience if isinstance(audience, list) else [audience]
        if len(named) != 1 or named[0] not in (issuer, f"{issuer}/token"):
            raise _InvalidAssertion
    expires = _instant(claims["exp"])
    if expires <= now - _SKEW_SECONDS or expires > now + _MAX_LIFETIME_SECONDS + _SKEW_SECONDS:
        raise _InvalidAssertion
    for name in ("nbf", "iat"):
        if name in claims and _instant(claims[name]) > now + _SKEW_SECONDS:
            raise _InvalidAssertion
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        raise _InvalidAssertion
    until = datetime.fromtimestamp(expires + _SKEW_SECONDS, UTC)
    if not context.issuing.once("assertion", client.client_id, jti, expires_at=until):
        raise _InvalidAssertion


def _instant(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _InvalidAssertion
    return float(value)
