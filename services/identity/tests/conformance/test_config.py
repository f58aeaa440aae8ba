"""oidcc-config-certification-test-plan: discovery, read as a client that knows nothing else."""

from urllib.parse import urlsplit

from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc.jwk import KeySet

from services.identity.tests.support.shapes import JsonObject
from testkit.relying_party import RelyingParty
from testkit.serving import Served

# OpenID Connect Discovery §3.
REQUIRED = {
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "scopes_supported",
    "claims_supported",
}
# Endpoints that take nothing but POST.
POSTED = {
    "token",
    "registration",
    "revocation",
    "introspection",
    "pushed_authorization_request",
    "device_authorization",
}


async def test_oidcc_discovery_endpoint_verification(rp: RelyingParty, served: Served) -> None:
    document = await rp.discovery()
    assert document.keys() >= REQUIRED
    # §4.3: the very address that was asked.
    assert document["issuer"] == served.url
    assert "code" in document["response_types_supported"]
    assert document["subject_types_supported"] == ["public"]
    # §3: RS256 is required, none only outside the code flow.
    assert {"ES256", "RS256"} == set(document["id_token_signing_alg_values_supported"])
    assert "openid" in document["scopes_supported"]
    for name in ("claims_parameter", "request_parameter", "request_uri_parameter"):
        assert isinstance(document[f"{name}_supported"], bool)
    keys = (await rp.http.get(document["jwks_uri"])).json()
    assert {key["alg"] for key in keys["keys"]} >= {"ES256", "RS256"}
    assert not {"d", "p", "q", "k"} & {member for key in keys["keys"] for member in key}
    assert len(KeySet.import_key_set(keys).keys) == len(keys["keys"])
    await _every_address_answers(rp, document)
    _authlib_takes_it(document)


async def _every_address_answers(rp: RelyingParty, document: JsonObject) -> None:
    for name, uri in document.items():
        if not name.endswith(("_endpoint", "_uri")):
            continue
        assert uri.startswith(f"{rp.issuer}/"), name
        assert not urlsplit(uri).fragment
        method = "POST" if name.removesuffix("_endpoint") in POSTED else "GET"
        answer = await rp.http.request(method, uri)
        assert answer.status_code not in (404, 405, 500), name


def _authlib_takes_it(document: JsonObject) -> None:
    # Its validators want https everywhere, as OpenID Connect Discovery does; this issuer is on loopback.
    https = {
        name: value.replace("http://", "https://", 1) if isinstance(value, str) else value
        for name, value in document.items()
    }
    OpenIDProviderMetadata(https).validate()


async def test_rfc8414_metadata_is_the_same_document(rp: RelyingParty) -> None:
    answer = await rp.http.get("/.well-known/oauth-authorization-server")
    assert answer.json() == await rp.discovery()
