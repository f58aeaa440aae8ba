"""The device authorization grant (RFC 8628): what the device sees of it, and how long it lasts."""

import asyncio
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity.clients.rules import DEVICE_CODE
from services.identity.tests.support import token_calls as tools
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.services import sessions_in
from testkit.clients import ProofKey
from testkit.clock import FrozenClock
from testkit.pages import csrf_of
from testkit.postgres import Migration

from .conftest import DEVICE_SCOPE, Device, refused

pytestmark = pytest.mark.usefixtures("device_clients")


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def test_3_2_the_device_authorization_response(device: Device) -> None:
    answer = await device.post("/device_authorization", {"scope": DEVICE_SCOPE})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", body["user_code"])
    assert body["verification_uri"] == "http://localhost:8001/device"
    assert body["verification_uri_complete"] == f"{body['verification_uri']}?user_code={body['user_code']}"
    assert (body["expires_in"], body["interval"]) == (600, 5)
    assert len(body["device_code"]) >= 43


async def test_4_discovery_announces_it(device: Device) -> None:
    document = (await device.http.get("/.well-known/openid-configuration")).json()
    assert document["device_authorization_endpoint"] == "http://localhost:8001/device_authorization"
    assert DEVICE_CODE in document["grant_types_supported"]


@pytest.mark.parametrize("client_id", ["wall", "rp"])
async def test_a_person_lets_a_device_in(new_browser: NewBrowser, client_id: str) -> None:
    device = Device(new_browser(), client_id)
    await device.begin()
    refused(await device.poll(), "authorization_pending")
    question = await device.enter()
    assert question.status_code == 200
    for words in (
        "某平台" if client_id == "rp" else "走廊大屏",
        "查看资助工作驾驶舱",
        device.codes["user_code"],
        "请拒绝",
    ):
        assert words in question.text
    assert "default-src 'none'" in question.headers["content-security-policy"]
    assert "设备已获授权" in (await device.decide()).text
    answer = await device.poll()
    assert answer.status_code == 200, answer.text
    body = answer.json()
    claims = tools.claims_of(body["access_token"])
    assert (claims["aud"], claims["client_id"]) == (
        ["urn:zhuxue:cockpit", "http://localhost:8001"],
        client_id,
    )
    assert (claims["scope"], claims["acr"]) == (DEVICE_SCOPE, "urn:zhuxue:acr:sms")
    assert claims["unit_path"]
    said = tools.claims_of(body["id_token"])
    assert (said["aud"], said["sid"], said["auth_time"]) == (client_id, claims["sid"], claims["auth_time"])
    assert await device.active(body["access_token"])


async def test_a_code_is_redeemed_once_and_reuse_ends_the_grant(device: Device) -> None:
    await device.begin()
    await device.decide()
    answers = await asyncio.gather(*(device.poll() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    token = next(answer.json()["access_token"] for answer in answers if answer.status_code == 200)
    assert not await device.active(token)
    refused(await device.poll(), "invalid_grant")


async def test_3_5_slow_down_adds_five_seconds_for_good(
    device: Device, clock: FrozenClock, app: FastAPI
) -> None:
    await device.begin()
    refused(await device.poll(), "authorization_pending")
    refused(await device.poll(), "slow_down")
    clock.advance(timedelta(seconds=6))
    refused(await device.poll(), "slow_down")
    clock.advance(timedelta(seconds=16))
    refused(await device.poll(), "authorization_pending")
    clock.advance(timedelta(seconds=14))
    refused(await device.poll(), "slow_down")
    async with app.state.database.transaction() as session:
        assert (await session.scalar(text("SELECT interval FROM device_codes"))) == 20


async def test_3_5_denied_and_expired(device: Device, clock: FrozenClock) -> None:
    await device.begin()
    assert "已拒绝" in (await device.decide("deny")).text
    refused(await device.poll(), "access_denied")
    assert (await device.enter()).status_code == 400
    await device.begin()
    clock.advance(timedelta(seconds=600))
    refused(await device.poll(), "expired_token")
    assert (await device.enter()).status_code == 400


async def test_codes_that_are_not_the_client_s(device: Device, new_browser: NewBrowser) -> None:
    await device.begin()
    other = Device(new_browser(), "rp")
    other.codes = device.codes
    refused(await other.poll(), "invalid_grant")
    good = device.codes["device_code"]
    for bad in (good[:-4] + "AAAA", "x", "~", "é", good + "AAAA", "A" * 64):
        refused(await device.poll(device_code=bad), "invalid_grant")
    refused(await device.poll(device_code=""), "invalid_request")
    refused(await device.poll(), "authorization_pending")


async def test_a_confidential_client_never_passes_as_public(device: Device) -> None:
    for path, form in (
        ("/device_authorization", {"scope": DEVICE_SCOPE}),
        ("/token", {"grant_type": DEVICE_CODE, "device_code": "x"}),
    ):
        refused(await device.http.post(path, data=form | {"client_id": "rp"}), "invalid_client")
        refused(await device.http.post(path, data=form, auth=("rp", "x" * 40)), "invalid_client")
        refused(await device.http.post(path, data=form), "invalid_client")
        refused(await device.http.post(path, data=form | {"client_id": "nobody"}), "invalid_client")
        refused(await device.http.post(path, data=form | {"client_id": "portal"}), "unauthorized_client")


async def test_what_a_device_may_ask_for(device: Device) -> None:
    for form, error in (
        ({"scope": "openid office"}, "invalid_scope"),
        ({}, "invalid_scope"),
        ({"scope": DEVICE_SCOPE, "resource": "urn:zhuxue:office"}, "invalid_target"),
    ):
        refused(await device.post("/device_authorization", form), error)
    await device.begin(resource="urn:zhuxue:cockpit")
    await device.decide()
    refused(await device.poll(resource="urn:zhuxue:identity"), "invalid_target")
    assert (await device.poll(resource="urn:zhuxue:cockpit")).status_code == 200
    assert (await device.http.get("/device_authorization")).status_code == 405


async def end_session(device: Device) -> None:
    form = {"csrf": csrf_of((await device.http.get("/end_session")).text)}
    answer = await device.http.post("/end_session/confirm", data=form)
    assert answer.status_code == 200


async def test_without_offline_access_a_device_ends_with_the_session(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    device = Device(new_browser(), "rp")
    token = await device.tokens()
    assert await device.active(token["access_token"])
    assert (await device.refresh(token["refresh_token"])).status_code == 200
    await device.begin()
    await device.decide()
    await end_session(device)
    assert not await device.active(token["access_token"])
    refused(await device.refresh(token["refresh_token"]), "invalid_grant")
    refused(await device.poll(), "access_denied")
    clock.advance(timedelta(seconds=61))
    third = Device(new_browser())
    assert "refresh_token" not in await third.tokens()


async def test_with_offline_access_a_device_outlives_the_session(device: Device, clock: FrozenClock) -> None:
    token = await device.tokens(f"{DEVICE_SCOPE} offline_access")
    assert "sid" not in tools.claims_of(token["access_token"])
    assert "sid" not in tools.claims_of(token["id_token"])
    await end_session(device)
    clock.advance(timedelta(days=89))
    renewed = await device.refresh(token["refresh_token"])
    assert renewed.status_code == 200, renewed.text
    assert await device.active(renewed.json()["access_token"])
    clock.advance(timedelta(days=1))
    refused(await device.refresh(renewed.json()["refresh_token"]), "invalid_grant")


async def test_an_administrator_signs_the_person_s_devices_out(device: Device, app: FastAPI) -> None:
    token = await device.tokens(f"{DEVICE_SCOPE} offline_access")
    async with app.state.database.transaction() as session:
        sub = await session.scalar(text("SELECT account_id FROM sessions LIMIT 1"))
        await sessions_in(app, session).end_all(sub, "test")
    assert not await device.active(token["access_token"])
    refused(await device.refresh(token["refresh_token"]), "invalid_grant")


async def test_rfc9449_a_device_s_tokens_are_bound_to_its_key(device: Device, dpop: ProofKey) -> None:
    await device.begin(f"{DEVICE_SCOPE} offline_access")
    await device.decide()
    answer = await device.poll({"DPoP": dpop.proof("/token")})
    refused(answer, "use_dpop_nonce")
    nonce = answer.headers["dpop-nonce"]
    body = (await device.poll({"DPoP": dpop.proof("/token", nonce=nonce)})).json()
    assert body["token_type"] == "DPoP"
    assert tools.claims_of(body["access_token"])["cnf"] == {"jkt": dpop.jkt}
    refused(await device.refresh(body["refresh_token"]), "invalid_grant")


async def test_neither_code_is_stored_in_clear(device: Device, app: FastAPI) -> None:
    codes = await device.begin()
    async with app.state.database.transaction() as session:
        row = str(await session.scalar(text("SELECT d::text FROM device_codes d")))
    bare = codes["user_code"].replace("-", "")
    assert all(word not in row and word.encode().hex() not in row for word in (codes["device_code"], bare))
