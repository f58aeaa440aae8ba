"""private_key_jwt (RFC 7523 §3, OpenID Connect Core §9): what is taken, and everything that is not."""

import asyncio
import base64
import hmac
import json
import time

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from identity.oauth.authentication.client_keys import ClientKeys, NotFetched
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clients import AssertionKeys

ISSUER = "http://localhost:8001"
FORM = {"grant_type": "client_credentials", "scope": "office", "resource": "urn:zhuxue:office"}
pytestmark = pytest.mark.usefixtures("clients")


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
@pytest.mark.parametrize("aud", [ISSUER, f"{ISSUER}/token", [ISSUER]])
async def test_a_signed_assertion_is_taken(
    new_browser: NewBrowser, keys: AssertionKeys, alg: str, aud: str | list[str]
) -> None:
    http = new_browser().http
    answer = await http.post("/token", data=FORM | keys.auth("jwt", alg=alg, aud=aud))
    assert answer.status_code == 200, answer.text
    for path in ("/revoke", "/introspect"):
        answer = await http.post(path, data={"token": "x"} | keys.auth("jwt", alg=alg, aud=aud))
        assert answer.status_code == 200


CHANGES: list[JsonObject] = [
    {"iss": "rp"},
    {"iss": None},
    {"sub": "rp"},
    {"sub": None},
    {"sub": "nobody"},
    {"aud": None},
    {"aud": "https://elsewhere.example"},
    {"aud": f"{ISSUER}/par"},
    {"aud": [ISSUER, "https://elsewhere.example"]},
    {"exp": None},
    {"exp": "soon"},
    {"exp": int(time.time()) - 300},
    {"exp": int(time.time()) + 100_000},
    {"iat": int(time.time()) + 3600},
    {"nbf": int(time.time()) + 3600},
    {"jti": None},
    {"jti": ""},
    {"jti": "x" * 300},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
async def test_a_wrong_claim_is_refused(
    new_browser: NewBrowser, keys: AssertionKeys, changes: JsonObject
) -> None:
    answer = await new_browser().http.post("/token", data=FORM | keys.auth("jwt", **changes))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_is_used_once_at_all_endpoints(
    new_browser: NewBrowser, keys: AssertionKeys
) -> None:
    http = new_browser().http
    auth = keys.auth("jwt")
    answers = await asyncio.gather(*(http.post("/token", data=FORM | auth) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    answer = await http.post("/introspect", data={"token": "x"} | auth)
    assert answer.json()["error"] == "invalid_client"


def unsigned(*parts: JsonObject) -> str:
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts), ""]
    )


def hmac_signed(header: JsonObject, claims: JsonObject, secret: bytes) -> str:
    text = unsigned(header, claims)
    digest = hmac.digest(secret, text[:-1].encode(), "sha256")
    return text + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_algorithm_confusion_is_refused(new_browser: NewBrowser, keys: AssertionKeys) -> None:
    http = new_browser().http
    now = int(time.time())
    claims = {"iss": "jwt", "sub": "jwt", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "confused"}
    stranger = ECKey.generate_key("P-256")
    forged = [
        hmac_signed({"alg": "HS256", "kid": "rsa"}, claims, keys.rsa.as_pem(private=False)),
        hmac_signed({"alg": "HS256", "kid": "rsa"}, claims, keys.rsa.as_der(private=False)),
        hmac_signed({"alg": "HS256", "kid": "rsa"}, claims, json.dumps(keys.jwks["keys"][1]).encode()),
        unsigned({"alg": "none"}, claims),
        jwt.encode({"alg": "ES256", "kid": "ec"}, claims, stranger, ["ES256"]),
        jwt.encode({"alg": "ES256", "kid": "nobody"}, claims, keys.ec, ["ES256"]),
        jwt.encode({"alg": "ES256", "jwk": stranger.as_dict(private=False)}, claims, stranger, ["ES256"]),
        "x",
        "a.b.c",
        "." * 9000,
    ]
    for assertion in forged:
        answer = await http.post("/token", data=FORM | keys.auth("jwt") | {"client_assertion": assertion})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_one_method_only_and_the_registered_one(new_browser: NewBrowser, keys: AssertionKeys) -> None:
    http = new_browser().http
    answer = await http.post("/token", data=FORM | keys.auth("jwt"), auth=("rp", "r" * 40))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    both = {"client_id": "rp", "client_secret": "r" * 40}
    answer = await http.post("/token", data=FORM | both, auth=("rp", "r" * 40))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    # `rp` is registered for Basic.
    for form in (both, keys.auth("rp"), {"client_id": "jwt"}, keys.auth("jwt") | {"client_id": "rp"}):
        answer = await http.post("/token", data=FORM | form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    bad_type = keys.auth("jwt") | {"client_assertion_type": "urn:other"}
    assert (await http.post("/token", data=FORM | bad_type)).json()["error"] == "invalid_client"


async def test_keys_from_jwks_uri_are_fetched_once_and_kept(
    app: FastAPI, new_browser: NewBrowser, keys: AssertionKeys
) -> None:
    from sqlalchemy import text

    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=keys.jwks)

    app.state.issuer.client_keys = ClientKeys(httpx.MockTransport(serve))
    async with app.state.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE clients SET jwks = NULL, jwks_uri = 'https://rp.example/jwks' WHERE client_id = 'jwt'"
            )
        )
    http = new_browser().http
    for _ in range(3):
        assert (await http.post("/token", data=FORM | keys.auth("jwt"))).status_code == 200
    assert asked == ["https://rp.example/jwks"]


async def test_keys_are_fetched_outside_of_any_transaction(
    app: FastAPI, new_browser: NewBrowser, keys: AssertionKeys
) -> None:
    from sqlalchemy import text

    held: list[int] = []

    async def serve(_request: httpx.Request) -> httpx.Response:
        """Jobs in the background return their connections meanwhile; a connection of the request stays."""
        pool = app.state.database.engine.pool
        for _ in range(1000):
            if pool.checkedout():
                await asyncio.sleep(0.01)
        held.append(pool.checkedout())
        return httpx.Response(200, json=keys.jwks)

    app.state.issuer.client_keys = ClientKeys(httpx.MockTransport(serve))
    async with app.state.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE clients SET jwks = NULL, jwks_uri = 'https://rp.example/jwks' WHERE client_id = 'jwt'"
            )
        )
    answer = await new_browser().http.post("/token", data=FORM | keys.auth("jwt"))
    assert answer.status_code == 200
    assert held == [0]


async def test_a_new_kid_is_fetched_but_not_all_the_time() -> None:
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"keys": [{"kid": "a"}]})

    keys = ClientKeys(httpx.MockTransport(serve))
    for later, kid, fetches in (
        (0, "a", 1),
        (9, "b", 1),
        (2, "b", 2),
        (1, "c", 2),
        (290, "a", 2),
        (9, "a", 3),
    ):
        for kept in keys._kept.values():
            kept.at -= later
        await keys.fetch("https://rp.example/jwks", kid, dev=True)
        assert len(asked) == fetches, (later, kid)


@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example/jwks",
        "https://127.0.0.1/jwks",
        "https://localhost/jwks",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/jwks",
        "https://10.0.0.1/jwks",
        "file:///etc/passwd",
        "https:///jwks",
    ],
)
async def test_addresses_within_our_network_are_not_asked(uri: str) -> None:
    def serve(_: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with pytest.raises(NotFetched):
        await ClientKeys(httpx.MockTransport(serve)).fetch(uri, None, dev=False)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(302, headers={"location": "https://127.0.0.1/"}),
        httpx.Response(200, content=b"x" * 70_000),
        httpx.Response(200, content=b"nonsense"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"keys": ["a"]}),
        httpx.Response(500),
    ],
)
async def test_a_strange_answer_gives_no_keys(response: httpx.Response) -> None:
    with pytest.raises(NotFetched):
        await ClientKeys(httpx.MockTransport(lambda _: response)).fetch("https://a.example/", None, dev=True)
