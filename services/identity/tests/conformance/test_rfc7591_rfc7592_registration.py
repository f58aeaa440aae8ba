"""Dynamic registration beyond the certification's modules (RFC 7591, RFC 7592)."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from identity.audit.models import AuditRecord
from services.identity.tests.support.registering import Centre, NewParty
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock

COUNTY_ADMIN = "19900001323"


def refused(answer: httpx.Response, error: str) -> bool:
    return bool(
        answer.status_code == 400
        and answer.json()["error"] == error
        and answer.headers["cache-control"] == "no-store"
    )


async def test_rfc7591_an_initial_access_token_is_required(new_party: NewParty) -> None:
    party = await new_party()
    party.initial = "x" * 43
    answer = await party.register()
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    answer = await party.http.post("/register", json={"redirect_uris": [party.callback]})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_rfc7591_an_initial_access_token_is_used_as_often_as_it_may_be(new_party: NewParty) -> None:
    party = await new_party(max_uses=2)
    assert refused(await party.register(redirect_uris=["http://rp.example.cn"]), "invalid_redirect_uri")
    answers = await asyncio.gather(*(party.register() for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 401, 401, 401]


@pytest.mark.parametrize("value", [r'"\ud800"', r'"\u0000"', "NaN", "1e999"])
async def test_rfc7591_a_jwks_with_what_cannot_be_stored_is_refused(new_party: NewParty, value: str) -> None:
    party = await new_party()
    body = json.dumps({"redirect_uris": [party.callback], "jwks": "JWKS"})
    body = body.replace('"JWKS"', f'{{"keys": [{{"kty": "EC", "kid": {value}}}]}}')
    headers = {"Authorization": f"Bearer {party.initial}", "Content-Type": "application/json"}
    answer = await party.http.post("/register", content=body.encode(), headers=headers)
    assert refused(answer, "invalid_client_metadata")


async def test_rfc7591_an_initial_access_token_expires_and_is_revoked(
    centre: Centre, clock: FrozenClock, new_party: NewParty
) -> None:
    revoked = await new_party()
    (row,) = (await centre("GET", "/initial-access-tokens")).json()["items"]
    assert row["token"] is None
    assert (await centre("POST", f"/initial-access-tokens/{row['id']}/revoke")).status_code == 200
    assert (await revoked.register()).status_code == 401
    expired = await new_party(days=1)
    clock.advance(timedelta(days=1))
    assert (await expired.register()).status_code == 401


async def test_rfc7591_only_the_centre_issues_initial_access_tokens(
    centre: Centre, new_browser: NewBrowser
) -> None:
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
        ({"subject_type": "pairwise"}, "invalid_client_metadata"),
        ({"additional_token_endpoint_auth_methods": ["none"]}, "invalid_client_metadata"),
        ({"additional_token_endpoint_auth_methods": ["private_key_jwt"]}, "invalid_client_metadata"),
        ({"additional_token_endpoint_auth_methods": ["client_secret_basic"]}, "invalid_client_metadata"),
        ({"default_max_age": -1}, "invalid_client_metadata"),
        ({"default_acr_values": ["urn:elsewhere"]}, "invalid_client_metadata"),
    ],
)
async def test_rfc7591_bad_metadata(new_party: NewParty, metadata: JsonObject, error: str) -> None:
    party = await new_party()
    assert refused(await party.register(**metadata), error)


async def test_rfc7591_2_optional_metadata_that_is_not_supported_is_ignored(new_party: NewParty) -> None:
    said = {
        "request_object_signing_alg": "RS256",
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "userinfo_encrypted_response_alg": "RSA-OAEP",
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "x_of_a_library": {"a": [1]},
    }
    answer = await (await new_party()).register(**said)
    assert answer.status_code == 201, answer.text
    assert not said.keys() & answer.json().keys()


async def test_rfc7591_3_1_the_token_is_judged_before_the_metadata(new_party: NewParty) -> None:
    party = await new_party()
    for body in ("[", '{"redirect_uris": []}', '{"grant_types": ["implicit"]}'):
        answer = await party.http.post("/register", content=body, headers={"Authorization": "Bearer x"})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


async def test_a_client_may_send_its_secret_in_several_ways(new_party: NewParty) -> None:
    party = await new_party()
    several = {"additional_token_endpoint_auth_methods": ["client_secret_post"]}
    made = (await party.register(**several)).json()
    for answer in (made, (await party.manage("GET")).json()):
        assert answer | several == answer
    for method in ("client_secret_basic", "client_secret_post"):
        party.auth_method = method
        assert (await party.tokens())["claims"]["aud"] == party.client_id


async def test_rfc7591_bodies_that_are_no_json_object(new_party: NewParty) -> None:
    party = await new_party()
    for body in ("", "[]", "{", '"x"', "[" * 5000):
        answer = await party.http.post(
            "/register", content=body, headers={"Authorization": f"Bearer {party.initial}"}
        )
        assert refused(answer, "invalid_client_metadata")


async def test_metadata_of_logout_and_of_sign_in_that_others_initiate_round_trips(
    centre: Centre, new_party: NewParty
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
    for uri in ("http://rp.example.cn/begin", "http://localhost/begin"):
        assert refused(await party.register(initiate_login_uri=uri), "invalid_client_metadata")
    body = {"client_name": "奖助系统", "redirect_uris": [party.callback], "owner_unit_id": centre.county}
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
    # A device that stays for months is for the centre to let in.
    lasting = {"redirect_uris": [], "grant_types": device, "response_types": []}
    assert refused(await party.register(**lasting, scope="openid offline_access"), "invalid_client_metadata")


async def test_rfc7591_unknown_metadata_is_ignored(new_party: NewParty) -> None:
    party = await new_party()
    answer = await party.register(software_id="x", first_party=True, audiences=["urn:zhuxue:office"])
    assert answer.status_code == 201
    assert not {"software_id", "first_party", "audiences"} & set(answer.json())


async def test_rfc7592_read_change_and_delete(app: FastAPI, new_party: NewParty) -> None:
    party = await new_party()
    await party.register()
    read = await party.manage("GET")
    assert read.status_code == 200
    assert "client_secret" not in read.json()
    body = {
        "client_id": party.client["client_id"],
        "client_secret": party.client["client_secret"],
        "client_name": "改名",
        "redirect_uris": [party.callback, "https://rp.example.cn/cb2"],
        "logo_uri": None,
    }
    changed = await party.manage("PUT", json=body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["client_name"] == "改名"
    party.callback = "https://rp.example.cn/cb2"
    await party.tokens(scope="openid profile")
    assert (await party.manage("DELETE")).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        assert (await party.manage(method, json=body)).status_code == 401
    shown = await party.http.get(party.url())
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
async def test_rfc7592_bad_changes(new_party: NewParty, changes: JsonObject) -> None:
    party = await new_party()
    await party.register()
    body = {"client_id": party.client["client_id"], "redirect_uris": [party.callback]} | changes
    assert refused(await party.manage("PUT", json=body), "invalid_client_metadata")


async def test_rfc7592_a_registration_access_token_is_for_its_own_client(new_party: NewParty) -> None:
    one, two = await new_party(), await new_party()
    await one.register()
    await two.register()
    for token in (two.client["registration_access_token"], one.initial):
        answer = await one.manage("GET", token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_rfc7591_a_client_in_a_browser_registers_its_origins_itself(new_party: NewParty) -> None:
    party, origin = await new_party(), "https://spa.example.cn"
    answer = await party.register(token_endpoint_auth_method="none", allowed_origins=[origin])
    assert (answer.status_code, answer.json()["allowed_origins"]) == (201, [origin])
    read = await party.http.get("/.well-known/openid-configuration", headers={"origin": origin})
    assert read.headers["access-control-allow-origin"] == origin
