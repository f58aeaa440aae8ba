"""What a client may be registered with: RFC 7591 §2, RFC 8252, RFC 9700 §4.1."""

from dataclasses import replace

import pytest

from authkit import acr
from identity.clients import rules
from identity.clients.rules import BadMetadata, Metadata
from services.identity.tests.support.shapes import JsonObject

GOOD = Metadata(client_name="x", redirect_uris=["https://rp.example.cn/cb"])
PUBLIC_EC = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}


def check(metadata: Metadata) -> None:
    rules.check(
        metadata,
        scopes=rules.THIRD_PARTY_SCOPES,
        audiences=rules.THIRD_PARTY_AUDIENCES,
        grants=rules.THIRD_PARTY_GRANTS,
    )


@pytest.mark.parametrize(
    "uri",
    [
        "https://rp.example.cn/cb",
        "https://rp.example.cn:8443/cb?tenant=1",
        "https://xn--fiqs8s.example.cn/cb",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
        "https://10.1.2.3/cb",
    ],
)
def test_rfc9700_good_redirect_uris(uri: str) -> None:
    check(replace(GOOD, redirect_uris=[uri]))


def test_rfc7591_default_acr_values_are_levels_of_ours() -> None:
    check(replace(GOOD, default_acr_values=list(acr.ORDER)))
    for bad in (["urn:elsewhere"], [acr.MFA, acr.MFA]):
        with pytest.raises(BadMetadata, match="default_acr_values"):
            check(replace(GOOD, default_acr_values=bad))


@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example.cn/cb",
        "https://rp.example.cn/cb#",
        "https://rp.example.cn/cb#f",
        "https://user@rp.example.cn/cb",
        "https://rp.example.cn@evil.example/cb",
        "https://*.example.cn/cb",
        "https://rp.example.cn/*",
        "https://rp.example.cn/%2e%2e/cb",
        "https://rp.example.cn/a%2Fb",
        "https://rp.example.cn/a%5Cb",
        "https://rp.example.cn/%252e",
        "https://rp.example.cn\\@evil.example/cb",
        "https://rp.example.cn/../cb",
        "https://rp.example.cn/a/.",
        "https://例子.cn/cb",
        "https://xn--a/cb",
        "https://xn--aaaaaa.cn/cb",
        "https://RP.example.cn/cb",
        "https://rp.example.cn./cb",
        "https://rp..example.cn/cb",
        "https://-rp.example.cn/cb",
        "https://intranet/cb",
        "https://localhost.evil.example:0/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.1/cb",
        "https://1.2.3/cb",
        "https://1.2.3.999/cb",
        "https://rp.example.cn:/cb",
        "https://rp.example.cn:99999/cb",
        "https:///cb",
        "https:rp.example.cn/cb",
        "//rp.example.cn/cb",
        "/cb",
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.app:/cb",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://rp.example.cn/c b",
        "https://rp.example.cn/cb\n",
        "https://rp.example.cn/\tcb",
        "https://rp.example.cn/" + "a" * 2000,
    ],
)
def test_rfc9700_bad_redirect_uris(uri: str) -> None:
    with pytest.raises(BadMetadata) as refused:
        check(replace(GOOD, redirect_uris=[uri]))
    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["https://rp.example.cn/cb"] * 2},
        {"redirect_uris": [f"https://rp.example.cn/{n}" for n in range(21)]},
    ],
)
def test_rfc7591_redirect_uris_as_a_list(changes: JsonObject) -> None:
    with pytest.raises(BadMetadata) as refused:
        check(replace(GOOD, **changes))
    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "changes",
    [
        {"logo_uri": "http://rp.example.cn/logo.png"},
        {"logo_uri": "https://localhost/logo.png"},
        {"tos_uri": "javascript:alert(1)"},
        {"backchannel_logout_uri": "http://rp.example.cn/out"},
        {"frontchannel_logout_uri": "https://rp.example.cn/out#x"},
        {"post_logout_redirect_uris": ["https://u:p@rp.example.cn/"]},
        {"jwks_uri": "http://rp.example.cn/jwks"},
        {"jwks_uri": "https://localhost/jwks"},
        {"jwks_uri": "https://10.1.2.3/jwks"},
        {"backchannel_logout_uri": "https://169.254.169.254/out"},
        {"backchannel_logout_uri": "http://localhost/out"},
        {"initiate_login_uri": "http://localhost/start"},
        {"jwks": {"keys": [PUBLIC_EC]}, "jwks_uri": "https://rp.example.cn/jwks"},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [{**PUBLIC_EC, "d": "secret"}]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "secret"}]}},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"grant_types": ["password"]},
        {"grant_types": ["implicit"]},
        {"grant_types": ["client_credentials"], "response_types": []},
        {"grant_types": ["refresh_token"], "response_types": []},
        {"grant_types": ["authorization_code", rules.TOKEN_EXCHANGE]},
        {"grant_types": [], "response_types": []},
        {"response_types": ["token"]},
        {"response_types": ["code", "code id_token"]},
        {"response_types": []},
        {"scopes": ["openid", "office"]},
        {"scopes": ["directory:read"]},
        {"audiences": ["urn:zhuxue:office"]},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"application_type": "service"},
        {"contacts": ["not an address"]},
        {"contacts": ["a@b"]},
    ],
)
def test_rfc7591_bad_metadata(changes: JsonObject) -> None:
    with pytest.raises(BadMetadata) as refused:
        check(replace(GOOD, **changes))
    assert refused.value.code == "invalid_client_metadata"


def test_development_may_have_a_client_on_this_machine() -> None:
    here = "http://localhost:3000/x"
    client = replace(GOOD, jwks_uri=here, backchannel_logout_uri=here, logo_uri=here)
    limits = {"scopes": rules.SCOPES, "audiences": (), "grants": rules.GRANT_TYPES}
    rules.check(client, **limits, dev=True)  # type: ignore[arg-type]
    with pytest.raises(BadMetadata, match="only in dev mode"):
        rules.check(client, **limits)  # type: ignore[arg-type]


def test_rfc8628_a_device_needs_no_redirect_uri() -> None:
    grants = [rules.DEVICE_CODE, "refresh_token"]
    check(replace(GOOD, redirect_uris=[], grant_types=grants, response_types=[]))


def test_rfc8693_token_exchange_is_for_clients_that_authenticate() -> None:
    service = replace(GOOD, grant_types=[rules.TOKEN_EXCHANGE], response_types=[])
    rules.check(service, scopes=service.scopes, audiences=[], grants=rules.GRANT_TYPES)
    public = replace(service, token_endpoint_auth_method="none")
    with pytest.raises(BadMetadata):
        rules.check(public, scopes=service.scopes, audiences=[], grants=rules.GRANT_TYPES)


def test_rfc7591_good_metadata() -> None:
    check(
        replace(
            GOOD,
            token_endpoint_auth_method="private_key_jwt",
            jwks={"keys": [PUBLIC_EC]},
            grant_types=["authorization_code", "refresh_token"],
            scopes=["openid", "profile", "phone"],
            contacts=["it@example.edu.cn", "+86 531 12345678"],
            logo_uri="https://rp.example.cn/logo.png",
            backchannel_logout_uri="https://rp.example.cn/out",
            post_logout_redirect_uris=["https://rp.example.cn/"],
            id_token_signed_response_alg="RS256",
        )
    )


def test_allowed_origins_are_written_as_browsers_write_them() -> None:
    public = replace(GOOD, token_endpoint_auth_method="none")
    good = ["https://spa.example.cn", "https://spa.example.cn:8443", "https://xn--fiqs8s.example.cn"]
    check(replace(public, allowed_origins=good))
    for bad in (
        *("http://spa.example.cn", "https://spa.example.cn/", "https://spa.example.cn:443", "null", "*"),
        *(
            "https://spa.example.cn/app",
            "https://spa.example.cn?x",
            "https://SPA.example.cn",
            "spa.example.cn",
        ),
        *(
            "https://*.example.cn",
            "https://user@spa.example.cn",
            "http://localhost:3000",
            "https://localhost",
        ),
    ):
        with pytest.raises(BadMetadata, match="allowed_origins"):
            check(replace(public, allowed_origins=[bad]))
    with pytest.raises(BadMetadata, match="twice"):
        check(replace(public, allowed_origins=good[:1] * 2))


def test_another_origin_makes_another_client_and_fewer_do_not() -> None:
    before = replace(GOOD, token_endpoint_auth_method="none", allowed_origins=["https://a.example.cn"])
    assert rules.becomes_another(before, replace(before, allowed_origins=["https://b.example.cn"]))
    assert not rules.becomes_another(before, replace(before, allowed_origins=[]))
