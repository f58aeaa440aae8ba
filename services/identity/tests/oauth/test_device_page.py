"""The page at /device: a person enters a device's code and decides (RFC 8628 §3.3, §5, §6.1)."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from identity.audit.models import AuditRecord
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.token_calls import PHONE
from testkit.clock import FrozenClock
from testkit.pages import csrf_of
from testkit.postgres import Migration

from .conftest import DEVICE_SCOPE, Device, refused

OTHER = "19900000001"
pytestmark = pytest.mark.usefixtures("device_clients")


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def test_a_decision_is_made_once(device: Device) -> None:
    await device.begin()
    page = await device.enter()
    form = {"csrf": csrf_of(page.text), "user_code": device.codes["user_code"], "decision": "allow"}
    assert (await device.http.post("/device/decision", data=form)).status_code == 200
    assert (await device.http.post("/device/decision", data=form | {"decision": "deny"})).status_code == 400
    assert (await device.poll()).status_code == 200


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
    assert "走廊大屏" not in page.text
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
    assert "走廊大屏" in (await device.enter(forms[typed])).text


async def test_5_1_five_wrong_codes_in_ten_minutes(
    device: Device, new_browser: NewBrowser, clock: FrozenClock
) -> None:
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
    form = {"csrf": csrf_of((await device.http.get("/device")).text), "user_code": "BBBB-BBBB"}
    answers = await asyncio.gather(*(device.http.post("/device", data=form) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [400] * 5 + [429] * 3


async def test_5_1_tries_from_one_address_are_counted_too(
    device: Device, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity.oauth.device.rules.TRIES_PER_ADDRESS", 2)
    await device.enter("BBBB-BBBB")
    await device.enter("BBBB-BBBB")
    other = Device(new_browser(), phone=OTHER)
    await other.begin()
    assert (await other.enter()).status_code == 429


async def test_5_1_one_person_does_not_lock_an_address(
    device: Device, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity.oauth.device.rules.TRIES_PER_ADDRESS", 7)
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
    good = form | {"csrf": csrf_of((await device.http.get("/device")).text)}
    headers = {"origin": "https://evil.example"}
    assert (await device.http.post("/device/decision", data=good, headers=headers)).status_code == 403
    refused(await device.poll(), "authorization_pending")


async def test_the_person_withdraws_a_device_on_their_own_page(device: Device) -> None:
    token = await device.tokens(f"{DEVICE_SCOPE} offline_access")
    page = await device.http.get("/account/authorisations")
    assert "走廊大屏" in page.text
    assert "在您离开后继续使用以上授权" in page.text
    form = {"csrf": csrf_of(page.text), "client_id": "wall"}
    assert (await device.http.post("/account/authorisations/withdraw", data=form)).status_code == 303
    assert "走廊大屏" not in (await device.http.get("/account/authorisations")).text
    assert not await device.active(token["access_token"])
    refused(await device.refresh(token["refresh_token"]), "invalid_grant")


async def test_decisions_are_audited(device: Device, app: FastAPI) -> None:
    await device.tokens()
    await device.begin()
    await device.decide("deny")
    async with app.state.database.transaction() as session:
        rows = await session.scalars(select(AuditRecord).where(AuditRecord.action.like("device.%")))
        found = {row.action: row for row in rows}
    assert found.keys() == {"device.allowed", "device.denied"}
    assert found["device.allowed"].details["client"] == "wall"
    assert found["device.allowed"].actor == found["device.allowed"].target_id
