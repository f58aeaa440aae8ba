"""The device authorization grant (RFC 8628)."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, text

from identity.audit.models import AuditRecord
from identity.oauth.models import Client, ClientSecret, secret_hash
from identity.sessions.service import Sessions
from testkit.postgres import Migration

PHONE = "19900001323"
OTHER = "19900000001"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
RP = ("rp", "r" * 40)
SCOPE = "openid cockpit:read"
COCKPIT = {"resource": "urn:zhuxue:cockpit"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture(autouse=True)
async def _registered(app: Any) -> None:
    """`wall`: a public client; `rp`: one with a secret; neither is ours."""
    shared: dict[str, Any] = {
        "redirect_uris": [],
        "grant_types": [GRANT_TYPE, "refresh_token"],
        "scopes": ["openid", "profile", "cockpit:read", "offline_access"],
        "audiences": ["urn:zhuxue:cockpit"],
        "registered_at": datetime.now(UTC),
    }
    secret = ClientSecret(client_id="rp", secret_hash=secret_hash("r" * 40), created_at=datetime.now(UTC))
    async with app.state.database.transaction() as session:
        session.add_all(
            [
                Client(
                    client_id="wall",
                    client_name="大屏",
                    token_endpoint_auth_method="none",
                    first_party=False,
                    **shared,
                ),
                Client(
                    client_id="rp",
                    client_name="某平台",
                    token_endpoint_auth_method="client_secret_basic",
                    secrets=[secret],
                    first_party=True,
                    **shared,
                ),
            ]
        )


class Device:
    """A device with its client, and the browser of a person beside it."""

    def __init__(self, browser: Any, client_id: str = "wall", phone: str = PHONE) -> None:
        self.browser, self.client_id, self.phone = browser, client_id, phone
        self.http = browser.http
        self.codes: dict[str, Any] = {}

    async def post(self, path: str, form: dict[str, str], headers: Any = None) -> Any:
        if self.client_id == "wall":
            return await self.http.post(path, data=form | {"client_id": "wall"}, headers=headers)
        return await self.http.post(path, data=form, headers=headers, auth=RP)

    async def begin(self, scope: str = SCOPE, **more: str) -> dict[str, Any]:
        answer = await self.post("/device_authorization", {"scope": scope} | COCKPIT | more)
        assert answer.status_code == 200, answer.text
        self.codes = answer.json()
        return self.codes

    async def poll(self, headers: Any = None, **more: str) -> Any:
        form = {"grant_type": GRANT_TYPE, "device_code": self.codes["device_code"]} | more
        return await self.post("/token", form, headers)

    async def signed_in(self) -> None:
        answer = await self.http.get("/device")
        if answer.status_code == 303:
            return_to = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
            answer = await self.browser.sign_in(self.phone, return_to)
            assert (answer.status_code, answer.headers["location"]) == (303, return_to)

    async def enter(self, user_code: str | None = None) -> Any:
        await self.signed_in()
        page = await self.http.get("/device")
        form = {"csrf": csrf_of(page), "user_code": user_code or self.codes["user_code"]}
        return await self.http.post("/device", data=form)

    async def decide(self, decision: str = "allow") -> Any:
        page = await self.enter()
        assert page.status_code == 200, page.text
        form = {"csrf": csrf_of(page), "user_code": self.codes["user_code"], "decision": decision}
        return await self.http.post("/device/decision", data=form)

    async def tokens(self, scope: str = SCOPE) -> dict[str, Any]:
        await self.begin(scope)
        assert (await self.decide()).status_code == 200
        answer = await self.poll()
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refresh(self, value: str) -> Any:
        return await self.post("/token", {"grant_type": "refresh_token", "refresh_token": value})

    async def active(self, token: str) -> bool:
        answer = await self.http.post("/introspect", data={"token": token}, auth=("cockpit", "c" * 40))
        return bool(answer.json()["active"])


def csrf_of(page: Any) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found is not None, page.text
    return found.group(1)


def refused(answer: Any, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)


@pytest.fixture
def device(new_browser: Any) -> Device:
    return Device(new_browser())


async def test_3_2_the_device_authorization_response(device: Device) -> None:
    answer = await device.post("/device_authorization", {"scope": SCOPE})
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
    assert GRANT_TYPE in document["grant_types_supported"]


@pytest.mark.parametrize("client_id", ["wall", "rp"])
async def test_a_person_lets_a_device_in(new_browser: Any, tools: Any, client_id: str) -> None:
    device = Device(new_browser(), client_id)
    await device.begin()
    refused(await device.poll(), "authorization_pending")
    question = await device.enter()
    assert question.status_code == 200
    for words in (
        "某平台" if client_id == "rp" else "大屏",
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
    assert (claims["scope"], claims["acr"]) == (SCOPE, "urn:zhuxue:acr:sms")
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


async def test_3_5_slow_down_adds_five_seconds_for_good(device: Device, clock: Any, app: Any) -> None:
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


async def test_3_5_denied_and_expired(device: Device, clock: Any) -> None:
    await device.begin()
    assert "已拒绝" in (await device.decide("deny")).text
    refused(await device.poll(), "access_denied")
    assert (await device.enter()).status_code == 400
    await device.begin()
    clock.advance(timedelta(seconds=600))
    refused(await device.poll(), "expired_token")
    assert (await device.enter()).status_code == 400


async def test_a_decision_is_made_once(device: Device) -> None:
    await device.begin()
    page = await device.enter()
    form = {"csrf": csrf_of(page), "user_code": device.codes["user_code"], "decision": "allow"}
    assert (await device.http.post("/device/decision", data=form)).status_code == 200
    assert (await device.http.post("/device/decision", data=form | {"decision": "deny"})).status_code == 400
    assert (await device.poll()).status_code == 200


async def test_codes_that_are_not_the_client_s(device: Device, new_browser: Any) -> None:
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
        ("/device_authorization", {"scope": SCOPE}),
        ("/token", {"grant_type": GRANT_TYPE, "device_code": "x"}),
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
        ({"scope": SCOPE, "resource": "urn:zhuxue:office"}, "invalid_target"),
    ):
        refused(await device.post("/device_authorization", form), error)
    await device.begin(resource="urn:zhuxue:cockpit")
    await device.decide()
    refused(await device.poll(resource="urn:zhuxue:identity"), "invalid_target")
    assert (await device.poll(resource="urn:zhuxue:cockpit")).status_code == 200
    assert (await device.http.get("/device_authorization")).status_code == 405


async def test_3_3_1_the_complete_address_only_fills_the_code_in(device: Device) -> None:
    complete = urlsplit((await device.begin())["verification_uri_complete"])
    path = f"{complete.path}?{complete.query}"
    answer = await device.http.get(path)
    return_to = parse_qs(urlsplit(answer.headers["location"]).query)["return_to"][0]
    assert return_to == path
    answer = await device.browser.sign_in(PHONE, return_to)
    page = await device.http.get(answer.headers["location"])
    assert f'value="{device.codes["user_code"]}"' in page.text
    assert "请核对" in page.text
    assert "大屏" not in page.text
    for bad in ("%22%3E%3Cscript%3E", "AAAA-AAAA", "x" * 30):
        page = await device.http.get(f"/device?user_code={bad}")
        assert (page.status_code, 'value=""' in page.text) == (200, True)


@pytest.mark.parametrize(
    "return_to",
    [
        "/device?user_code=BCDF-GHJK&next=https://evil.example",
        "/device?user_code=//evil.example",
        "/device/decision",
        "/devices",
        "/device\n",
        "/device?user_code=BCDF-GHJK\n",
        "//device?user_code=BCDF-GHJK",
        "https://evil.example/device",
        "/device?next=x",
    ],
)
async def test_sign_in_leads_back_to_the_device_page_and_nowhere_else(device: Device, return_to: str) -> None:
    answer = await device.http.get("/login", params={"return_to": return_to})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_return_to")


@pytest.mark.parametrize("typed", ["lower", "bare", "spaced"])
async def test_6_1_case_and_punctuation_do_not_count(device: Device, typed: str) -> None:
    code = (await device.begin())["user_code"]
    forms = {
        "lower": code.lower(),
        "bare": code.replace("-", ""),
        "spaced": " " + code.replace("-", " ") + " ",
    }
    assert "大屏" in (await device.enter(forms[typed])).text


async def test_5_1_five_wrong_codes_in_ten_minutes(device: Device, new_browser: Any, clock: Any) -> None:
    await device.begin()
    for wrong in ("BBBB-BBBB", "x", "BBBB-BBBC", "AAAA-AAAA", "中文"):
        answer = await device.enter(wrong)
        assert (answer.status_code, "代码不正确或已过期" in answer.text) == (400, True)
    assert (await device.enter()).status_code == 429
    # Another session of the same person has no tries either; another person has.
    again = Device(new_browser())
    again.codes = device.codes
    clock.advance(timedelta(seconds=61))
    assert (await again.enter()).status_code == 429
    other = Device(new_browser(), phone=OTHER)
    other.codes = device.codes
    assert (await other.enter()).status_code == 200
    clock.advance(timedelta(minutes=10))
    await device.begin()
    for _ in range(7):
        assert (await device.enter()).status_code == 200


async def test_5_1_tries_at_once_are_all_counted(device: Device) -> None:
    await device.signed_in()
    form = {"csrf": csrf_of(await device.http.get("/device")), "user_code": "BBBB-BBBB"}
    answers = await asyncio.gather(*(device.http.post("/device", data=form) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [400] * 5 + [429] * 3


async def test_5_1_tries_from_one_address_are_counted_too(
    device: Device, new_browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity.device.rules.TRIES_PER_ADDRESS", 2)
    await device.enter("BBBB-BBBB")
    await device.enter("BBBB-BBBB")
    other = Device(new_browser(), phone=OTHER)
    await other.begin()
    assert (await other.enter()).status_code == 429


async def test_5_1_one_person_does_not_lock_an_address(
    device: Device, new_browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity.device.rules.TRIES_PER_ADDRESS", 7)
    for _ in range(9):
        await device.enter("BBBB-BBBB")
    other = Device(new_browser(), phone=OTHER)
    await other.begin()
    assert (await other.enter()).status_code == 200


async def test_forms_of_others_are_refused(device: Device) -> None:
    await device.begin()
    await device.signed_in()
    form = {"csrf": "0" * 64, "user_code": device.codes["user_code"], "decision": "allow"}
    for path in ("/device", "/device/decision"):
        assert (await device.http.post(path, data=form)).status_code == 403
    good = form | {"csrf": csrf_of(await device.http.get("/device"))}
    headers = {"origin": "https://evil.example"}
    assert (await device.http.post("/device/decision", data=good, headers=headers)).status_code == 403
    refused(await device.poll(), "authorization_pending")


async def end_session(device: Device) -> None:
    form = {"csrf": csrf_of(await device.http.get("/end_session"))}
    answer = await device.http.post("/end_session/confirm", data=form)
    assert answer.status_code == 200


async def test_without_offline_access_a_device_ends_with_the_session(new_browser: Any, clock: Any) -> None:
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


async def test_with_offline_access_a_device_outlives_the_session(
    device: Device, tools: Any, clock: Any
) -> None:
    token = await device.tokens(f"{SCOPE} offline_access")
    assert "sid" not in tools.claims_of(token["access_token"])
    assert "sid" not in tools.claims_of(token["id_token"])
    await end_session(device)
    clock.advance(timedelta(days=89))
    renewed = await device.refresh(token["refresh_token"])
    assert renewed.status_code == 200, renewed.text
    assert await device.active(renewed.json()["access_token"])
    clock.advance(timedelta(days=1))
    refused(await device.refresh(renewed.json()["refresh_token"]), "invalid_grant")


async def test_the_person_withdraws_a_device_on_their_own_page(device: Device) -> None:
    token = await device.tokens(f"{SCOPE} offline_access")
    page = await device.http.get("/account/sessions")
    assert "大屏" in page.text
    assert "在您离开后继续使用以上授权" in page.text
    form = {"csrf": csrf_of(page), "client_id": "wall"}
    assert (await device.http.post("/account/sessions/withdraw", data=form)).status_code == 303
    assert "大屏" not in (await device.http.get("/account/sessions")).text
    assert not await device.active(token["access_token"])
    refused(await device.refresh(token["refresh_token"]), "invalid_grant")


async def test_an_administrator_signs_the_person_s_devices_out(device: Device, app: Any) -> None:
    token = await device.tokens(f"{SCOPE} offline_access")
    async with app.state.database.transaction() as session:
        sub = await session.scalar(text("SELECT account_id FROM sessions LIMIT 1"))
        await Sessions(session, app.state.clock, 300).end_all(sub, "test")
    assert not await device.active(token["access_token"])
    refused(await device.refresh(token["refresh_token"]), "invalid_grant")


async def test_rfc9449_a_device_s_tokens_are_bound_to_its_key(device: Device, tools: Any, dpop: Any) -> None:
    await device.begin(f"{SCOPE} offline_access")
    await device.decide()
    answer = await device.poll({"DPoP": dpop.proof("/token")})
    refused(answer, "use_dpop_nonce")
    nonce = answer.headers["dpop-nonce"]
    body = (await device.poll({"DPoP": dpop.proof("/token", nonce=nonce)})).json()
    assert body["token_type"] == "DPoP"
    assert tools.claims_of(body["access_token"])["cnf"] == {"jkt": dpop.jkt}
    refused(await device.refresh(body["refresh_token"]), "invalid_grant")


async def test_neither_code_is_stored_in_clear(device: Device, app: Any) -> None:
    codes = await device.begin()
    async with app.state.database.transaction() as session:
        row = str(await session.scalar(text("SELECT d::text FROM device_codes d")))
    bare = codes["user_code"].replace("-", "")
    assert all(word not in row and word.encode().hex() not in row for word in (codes["device_code"], bare))


async def test_decisions_are_audited(device: Device, app: Any) -> None:
    await device.tokens()
    await device.begin()
    await device.decide("deny")
    async with app.state.database.transaction() as session:
        rows = await session.scalars(select(AuditRecord).where(AuditRecord.action.like("device.%")))
        found = {row.action: row for row in rows}
    assert found.keys() == {"device.allowed", "device.denied"}
    assert found["device.allowed"].details["client"] == "wall"
    assert found["device.allowed"].actor == found["device.allowed"].target_id
