"""OIDCCDynamicTestPlan: one test per module, named after it; then RFC 7591 and 7592 themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import select, text

from identity.audit.models import AuditRecord
from identity.oauth.keys import LEAD

ISSUER = "http://localhost:8001"
CENTRE_PHONE = "19900000001"
COUNTY_ADMIN = "19900001323"
PERSON = "19900001324"
CALLBACK = "https://rp.example.cn/cb"


class Party:
    """A relying party that registers itself."""

    def __init__(self, browser: Any, initial: str) -> None:
        self.browser, self.initial = browser, initial
        self.verifier = generate_token(48)
        self.client: dict[str, Any] = {}

    async def register(self, **metadata: Any) -> Any:
        answer = await self.browser.http.post(
            "/register",
            json={"redirect_uris": [CALLBACK], "client_name": "试点系统"} | metadata,
            headers={"Authorization": f"Bearer {self.initial}"},
        )
        if answer.status_code == 201:
            self.client = answer.json()
        return answer

    async def manage(self, method: str, token: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token or self.client['registration_access_token']}"}
        path = self.client["registration_client_uri"].removeprefix(ISSUER)
        return await self.browser.http.request(method, path, headers=headers, **more)

    async def authorize(self, redirect_uri: str | None = CALLBACK, **more: str) -> Any:
        """The authorization response; the person signs in if asked to."""
        params = {
            "response_type": "code",
            "client_id": self.client["client_id"],
            "scope": "openid profile",
            "state": "st",
            "nonce": "n-1",
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
        } | more
        if redirect_uri is not None:
            params["redirect_uri"] = redirect_uri
        answer = await self.browser.http.get("/authorize", params=params)
        if answer.status_code == 303 and answer.headers["location"].startswith("/login"):
            answer = await self.browser.sign_in(PERSON, str(answer.request.url.raw_path, "ascii"))
            answer = await self.browser.http.get(answer.headers["location"])
        return await self.browser.consented(answer)  # type: ignore[no-any-return]

    async def token(self, redirect_uri: str = CALLBACK) -> dict[str, Any]:
        answer = await self.authorize(redirect_uri)
        response = await self.browser.http.post(
            "/token",
            data={
                "grant_type": "authorization_code",
                "code": parse_qs(urlsplit(answer.headers["location"]).query)["code"][0],
                "redirect_uri": redirect_uri,
                "code_verifier": self.verifier,
            },
            auth=(self.client["client_id"], self.client["client_secret"]),
        )
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    async def keys(self) -> KeySet:
        return KeySet.import_key_set((await self.browser.http.get("/jwks")).json())


NewParty = Callable[..., Awaitable[Party]]


@pytest.fixture
async def centre(app: Any, new_browser: Any) -> Any:
    """A centre's administrator: call the API as them."""
    browser = new_browser()
    async with app.state.database.transaction() as session:
        county = await session.scalar(text("SELECT id FROM units WHERE code = '370102'"))
    bearer = await browser.bearer(CENTRE_PHONE)

    async def call(method: str, path: str, **more: Any) -> Any:
        return await browser.http.request(method, f"/api/v1{path}", headers=bearer, **more)

    call.county = str(county)  # type: ignore[attr-defined]
    return call


@pytest.fixture
def new_party(centre: Any, new_browser: Any) -> NewParty:
    async def make(**limits: Any) -> Party:
        answer = await centre(
            "POST", "/initial-access-tokens", json={"owner_unit_id": centre.county, "max_uses": 5} | limits
        )
        assert answer.status_code == 201, answer.text
        return Party(new_browser(), answer.json()["token"])

    return make


def refused(answer: Any, error: str) -> bool:
    return bool(
        answer.status_code == 400
        and answer.json()["error"] == error
        and answer.headers["cache-control"] == "no-store"
    )


async def test_oidcc_server(new_party: NewParty) -> None:
    party = await new_party()
    answer = await party.register()
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    client = answer.json()
    assert client["client_secret_expires_at"] == 0
    assert client["client_id_issued_at"] > 0
    assert client["redirect_uris"] == [CALLBACK]
    tokens = await party.token()
    claims = jwt.decode(tokens["id_token"], await party.keys(), ["ES256"]).claims
    assert (claims["aud"], claims["nonce"]) == (client["client_id"], "n-1")


async def test_oidcc_idtoken_rs256(new_party: NewParty) -> None:
    party = await new_party()
    await party.register(id_token_signed_response_alg="RS256")
    tokens = await party.token()
    decoded = jwt.decode(tokens["id_token"], await party.keys(), ["RS256"])
    assert decoded.header["alg"] == "RS256"
    assert isinstance((await party.keys()).get_by_kid(decoded.header["kid"]), RSAKey)


async def test_oidcc_idtoken_unsigned(new_party: NewParty) -> None:
    """Not supported, as the code flow allows: refused at registration."""
    party = await new_party()
    assert refused(await party.register(id_token_signed_response_alg="none"), "invalid_client_metadata")


async def test_oidcc_userinfo_rs256(new_party: NewParty) -> None:
    party = await new_party()
    await party.register(userinfo_signed_response_alg="RS256")
    tokens = await party.token()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = await party.browser.http.get("/userinfo", headers=headers)
    assert answer.headers["content-type"] == "application/jwt"
    claims = jwt.decode(answer.text, await party.keys(), ["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == (ISSUER, party.client["client_id"])
    assert claims["sub"]


async def test_oidcc_ensure_redirect_uri_in_authorization_request(new_party: NewParty) -> None:
    party = await new_party()
    await party.register()
    answer = await party.authorize(None)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_redirect_uri_query_ok(new_party: NewParty) -> None:
    party = await new_party()
    await party.register(redirect_uris=[f"{CALLBACK}?foo=bar"])
    answer = await party.authorize(f"{CALLBACK}?foo=bar")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["foo"] == ["bar"]
    assert "code" in query


async def test_oidcc_redirect_uri_query_mismatch(new_party: NewParty) -> None:
    party = await new_party()
    await party.register(redirect_uris=[f"{CALLBACK}?foo=bar"])
    answer = await party.authorize(f"{CALLBACK}?foo=other")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_redirect_uri_query_added(new_party: NewParty) -> None:
    party = await new_party()
    await party.register()
    answer = await party.authorize(f"{CALLBACK}?foo=bar")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_oidcc_redirect_uri_regfrag(new_party: NewParty) -> None:
    party = await new_party()
    assert refused(await party.register(redirect_uris=[f"{CALLBACK}#foo"]), "invalid_redirect_uri")


async def test_oidcc_discovery_endpoint_verification(new_party: NewParty) -> None:
    party = await new_party()
    document = (await party.browser.http.get("/.well-known/openid-configuration")).json()
    assert document["registration_endpoint"] == f"{ISSUER}/register"
    assert {"ES256", "RS256"} <= set(document["id_token_signing_alg_values_supported"])
    assert document["subject_types_supported"] == ["public"]


@pytest.mark.parametrize("name", ["logo_uri", "policy_uri", "tos_uri"])
async def test_oidcc_registration_logo_policy_and_tos_uri(new_party: NewParty, name: str) -> None:
    """oidcc-registration-logo-uri, -policy-uri, -tos-uri."""
    party = await new_party()
    await party.register(**{name: "https://rp.example.cn/it"})
    assert (await party.manage("GET")).json()[name] == "https://rp.example.cn/it"
    assert refused(await party.register(**{name: "http://rp.example.cn/it"}), "invalid_client_metadata")


async def test_oidcc_registration_jwks_uri(new_party: NewParty) -> None:
    party = await new_party()
    answer = await party.register(
        token_endpoint_auth_method="private_key_jwt", jwks_uri="https://rp.example.cn/jwks"
    )
    assert answer.status_code == 201
    assert "client_secret" not in answer.json()
    both = await party.register(
        jwks_uri="https://rp.example.cn/jwks",
        jwks={"keys": [ECKey.generate_key("P-256").as_dict(private=False)]},
    )
    assert refused(both, "invalid_client_metadata")


async def test_oidcc_registration_sector_uri(new_party: NewParty) -> None:
    """Pairwise subjects are not supported nor announced: the request is refused, not half obeyed."""
    party = await new_party()
    answer = await party.register(sector_identifier_uri="https://rp.example.cn/sector.json")
    assert refused(answer, "invalid_client_metadata")


async def test_oidcc_registration_sector_bad(new_party: NewParty) -> None:
    party = await new_party()
    answer = await party.register(
        subject_type="pairwise", sector_identifier_uri="https://elsewhere.example.cn/sector.json"
    )
    assert refused(answer, "invalid_client_metadata")


async def test_oidcc_server_rotate_keys(app: Any, clock: Any, new_party: NewParty) -> None:
    party = await new_party()
    await party.register()
    before = await party.keys()
    old = await party.token()
    ring = app.state.key_ring
    async with app.state.database.transaction() as session:
        await session.run_sync(lambda sync: ring.rotate(sync, clock.now(), "ES256"))
    clock.advance(LEAD)
    new = await party.token()
    after = await party.keys()
    assert len(after.keys) == len(before.keys) + 1
    for tokens in (old, new):
        jwt.decode(tokens["id_token"], after, ["ES256"])
    with pytest.raises(InvalidKeyIdError):
        jwt.decode(new["id_token"], before, ["ES256"])


async def test_rfc7591_an_initial_access_token_is_required(new_party: NewParty) -> None:
    party = await new_party()
    party.initial = "x" * 43
    answer = await party.register()
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    answer = await party.browser.http.post("/register", json={"redirect_uris": [CALLBACK]})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_rfc7591_an_initial_access_token_is_used_as_often_as_it_may_be(new_party: NewParty) -> None:
    party = await new_party(max_uses=2)
    assert refused(await party.register(redirect_uris=["http://rp.example.cn"]), "invalid_redirect_uri")
    answers = await asyncio.gather(*(party.register() for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 401, 401, 401]


async def test_rfc7591_an_initial_access_token_expires_and_is_revoked(
    centre: Any, clock: Any, new_party: NewParty
) -> None:
    revoked = await new_party()
    (row,) = (await centre("GET", "/initial-access-tokens")).json()["items"]
    assert row["token"] is None
    assert (await centre("POST", f"/initial-access-tokens/{row['id']}/revoke")).status_code == 200
    assert (await revoked.register()).status_code == 401
    expired = await new_party(days=1)
    clock.advance(timedelta(days=1))
    assert (await expired.register()).status_code == 401


async def test_rfc7591_only_the_centre_issues_initial_access_tokens(centre: Any, new_browser: Any) -> None:
    county = new_browser()
    answer = await county.http.post(
        "/api/v1/initial-access-tokens",
        json={"owner_unit_id": centre.county},
        headers=await county.bearer(COUNTY_ADMIN),
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "centre_only")


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://rp.example.cn/cb"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://u@rp.example.cn/cb"]}, "invalid_redirect_uri"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"], "response_types": []}, "invalid_client_metadata"),
        ({"response_types": ["code token"]}, "invalid_client_metadata"),
        ({"scope": "openid directory:read"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"jwks": "x"}, "invalid_client_metadata"),
        ({"request_object_signing_alg": "RS256"}, "invalid_client_metadata"),
        ({"default_max_age": -1}, "invalid_client_metadata"),
        ({"default_acr_values": ["urn:elsewhere"]}, "invalid_client_metadata"),
    ],
)
async def test_rfc7591_bad_metadata(new_party: NewParty, metadata: dict[str, Any], error: str) -> None:
    party = await new_party()
    assert refused(await party.register(**metadata), error)


async def test_rfc7591_bodies_that_are_no_json_object(new_party: NewParty) -> None:
    party = await new_party()
    for body in ("", "[]", "{", '"x"', "[" * 5000):
        answer = await party.browser.http.post(
            "/register", content=body, headers={"Authorization": f"Bearer {party.initial}"}
        )
        assert refused(answer, "invalid_client_metadata")


async def test_metadata_of_logout_and_of_sign_in_that_others_initiate_round_trips(
    centre: Any, new_party: NewParty
) -> None:
    said = {
        "backchannel_logout_uri": "https://rp.example.cn/out",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://rp.example.cn/bye",
        "frontchannel_logout_session_required": True,
        "initiate_login_uri": "https://rp.example.cn/begin?x=1",
    }
    party = await new_party()
    made = (await party.register(**said)).json()
    read = (await party.manage("GET")).json()
    for answer in (made, read):
        assert {name: answer[name] for name in said} == said
    assert refused(
        await party.register(initiate_login_uri="http://rp.example.cn/begin"), "invalid_client_metadata"
    )
    assert refused(
        await party.register(initiate_login_uri="http://localhost/begin"), "invalid_client_metadata"
    )
    body = {"client_name": "奖助系统", "redirect_uris": [CALLBACK], "owner_unit_id": centre.county}
    answer = await centre("POST", "/clients", json=body | said)
    assert {name: answer.json()[name] for name in said} == said
    plain = (await centre("POST", "/clients", json=body)).json()
    assert plain["backchannel_logout_session_required"] is False
    assert plain["frontchannel_logout_session_required"] is False
    assert plain["initiate_login_uri"] is None


async def test_what_only_the_centre_gives_is_not_registered_dynamically(new_party: NewParty) -> None:
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    party = await new_party()
    metadata = {"grant_types": ["authorization_code", exchange]}
    assert refused(await party.register(**metadata), "invalid_client_metadata")
    device = ["urn:ietf:params:oauth:grant-type:device_code"]
    answer = await party.register(redirect_uris=[], grant_types=device, response_types=[])
    assert (answer.status_code, answer.json()["grant_types"]) == (201, device)


async def test_rfc7591_unknown_metadata_is_ignored(new_party: NewParty) -> None:
    party = await new_party()
    answer = await party.register(software_id="x", first_party=True, audiences=["urn:zhuxue:office"])
    assert answer.status_code == 201
    assert not {"software_id", "first_party", "audiences"} & set(answer.json())


async def test_rfc7592_read_change_and_delete(app: Any, new_party: NewParty) -> None:
    party = await new_party()
    await party.register()
    read = await party.manage("GET")
    assert read.status_code == 200
    assert "client_secret" not in read.json()
    body = {
        "client_id": party.client["client_id"],
        "client_secret": party.client["client_secret"],
        "client_name": "改名",
        "redirect_uris": [CALLBACK, "https://rp.example.cn/cb2"],
        "logo_uri": None,
    }
    changed = await party.manage("PUT", json=body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["client_name"] == "改名"
    await party.token("https://rp.example.cn/cb2")
    assert (await party.manage("DELETE")).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        assert (await party.manage(method, json=body)).status_code == 401
    shown = await party.authorize()
    assert (shown.status_code, "location" in shown.headers) == (400, False)
    async with app.state.database.transaction() as session:
        acts = await session.scalars(
            select(AuditRecord.action).where(AuditRecord.target_id == party.client["client_id"])
        )
        assert {"client.registered", "client.changed", "client.deleted"} <= set(acts)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "portal"},
        {"client_id": None},
        {"client_secret": "guess"},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://rp.example.cn"},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 1},
        {"scope": "openid office"},
    ],
)
async def test_rfc7592_bad_changes(new_party: NewParty, changes: dict[str, Any]) -> None:
    party = await new_party()
    await party.register()
    body = {"client_id": party.client["client_id"], "redirect_uris": [CALLBACK]} | changes
    assert refused(await party.manage("PUT", json=body), "invalid_client_metadata")


async def test_rfc7592_a_registration_access_token_is_for_its_own_client(new_party: NewParty) -> None:
    one, two = await new_party(), await new_party()
    await one.register()
    await two.register()
    for token in (two.client["registration_access_token"], one.initial):
        answer = await one.manage("GET", token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
