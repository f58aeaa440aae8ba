"""Bad input: problem+json with a stable code and a Chinese message, never a 500, never half an effect."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from identity.joining.models import JoinRequest
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import Headers, JsonObject
from testkit.clock import FrozenClock

ADMIN = "19900001323"  # 历下区 370102
PHONE = "13812345678"


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    assert any("\u4e00" <= character <= "\u9fff" for character in body["detail"])


async def asked_for_code(browser: Browser, phone: str = PHONE) -> str:
    answer = await browser.ask(phone)
    assert answer.status_code == 202, answer.text
    return str(browser.last_code(phone))


async def register(browser: Browser, code: str, phone: str = PHONE, name: str = "王小明") -> httpx.Response:
    return await browser.register(phone, code, name)


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("12345678901", "号段"),
        ("01012345678", "固定电话"),
        ("4008001234", "固定电话"),
        ("+1 415 555 0100", "中国大陆"),
        ("1381234567a", "11 位"),
        ("４００８００１２３４５", "11 位"),
    ],
)
async def test_a_number_that_is_no_mainland_mobile_is_refused_with_the_reason(
    new_browser: NewBrowser, phone: str, said: str
) -> None:
    browser = new_browser()
    answer = await browser.ask(phone)
    refused(answer, 400, "bad_phone")
    assert said in answer.json()["detail"]
    assert not browser.app.state.sms.messages


async def test_an_unknown_number_gets_the_same_answer_as_a_known_one(new_browser: NewBrowser) -> None:
    browser = new_browser()
    known = await browser.ask(ADMIN, "sign_in")
    unknown = await browser.ask(PHONE, "sign_in")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert "尚未注册" in browser.app.state.sms.messages[-1].text


async def test_a_wrong_code_is_refused_and_counted_until_the_code_is_exhausted(
    new_browser: NewBrowser,
) -> None:
    browser = new_browser()
    code = await asked_for_code(browser)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        refused(await register(browser, wrong), 400, "code_incorrect")
    refused(await register(browser, code), 400, "code_exhausted")


async def test_a_code_works_once(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await asked_for_code(browser)
    assert (await register(browser, code)).status_code == 201
    refused(await register(browser, code), 400, "code_used")


async def test_a_code_is_too_late_after_five_minutes(new_browser: NewBrowser, clock: FrozenClock) -> None:
    browser = new_browser()
    code = await asked_for_code(browser)
    clock.advance(timedelta(minutes=5))
    refused(await register(browser, code), 400, "code_expired")


async def test_a_code_for_registering_signs_nobody_in(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await asked_for_code(browser)
    assert (await register(browser, code)).status_code == 201
    page = await browser.sign_in_with(PHONE, code)
    assert page.status_code == 400
    assert "验证码不正确" in page.text


async def test_a_browser_gets_a_code_of_one_purpose_once_a_minute(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = new_browser()
    await asked_for_code(browser)
    again = await browser.ask(PHONE)
    refused(again, 429, "code_too_soon")
    assert int(again.headers["retry-after"]) == 60
    assert (await browser.ask(PHONE, "sign_in")).status_code == 202
    clock.advance(timedelta(seconds=60))
    assert (await browser.ask(PHONE)).status_code == 202


@pytest.mark.parametrize("name", ["王", "王小明3", "<b>王</b>", "·王小明", "  "])
async def test_a_name_that_cannot_be_legal_is_refused_and_keeps_the_code(
    new_browser: NewBrowser, name: str
) -> None:
    browser = new_browser()
    code = await asked_for_code(browser)
    refused(await register(browser, code, name=name), 400, "bad_name")
    assert (await register(browser, code, name="买买提·吐尔逊")).status_code == 201


async def test_two_registrations_of_one_number_at_once_make_one_account(new_browser: NewBrowser) -> None:
    browser = new_browser()
    code = await asked_for_code(browser)
    answers = await asyncio.gather(*(register(browser, code) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [201, 400, 400, 400, 400]


async def invited(new_browser: NewBrowser, **more: object) -> tuple[Browser, Headers, JsonObject]:
    admin = new_browser()
    headers = await admin.bearer(ADMIN)
    unit = (await admin.http.get("/api/v1/me", headers=headers)).json()["unit_id"]
    invite = await admin.http.post(
        f"/api/v1/units/{unit}/invites", headers=headers, json={"roles": ["handler"], **more}
    )
    assert invite.status_code == 201, invite.text
    return admin, headers, invite.json()


async def newcomer(new_browser: NewBrowser, phone: str = PHONE) -> tuple[Browser, Headers]:
    browser = new_browser()
    assert (await register(browser, await asked_for_code(browser, phone), phone)).status_code == 201
    return browser, await browser.bearer(phone)


async def join(browser: Browser, headers: dict[str, str], code: str) -> httpx.Response:
    return await browser.http.post("/api/v1/join-requests", headers=headers, json={"invite_code": code})


async def test_an_unknown_invite_is_refused(new_browser: NewBrowser) -> None:
    browser, headers = await newcomer(new_browser)
    refused(await join(browser, headers, "0000-0000-0000-0000"), 400, "invite_invalid")
    refused(await join(browser, headers, "not a code"), 400, "invite_invalid")


async def test_an_expired_invite_is_refused(new_browser: NewBrowser, clock: FrozenClock) -> None:
    _, _, invite = await invited(new_browser, days=1)
    # The token first: it is checked by the real clock.
    browser, headers = await newcomer(new_browser)
    clock.advance(timedelta(days=1))
    refused(await join(browser, headers, invite["code"]), 400, "invite_expired")


async def test_a_revoked_invite_is_refused(new_browser: NewBrowser) -> None:
    admin, admin_headers, invite = await invited(new_browser)
    answer = await admin.http.post(f"/api/v1/invites/{invite['id']}/revoke", headers=admin_headers)
    assert answer.status_code == 200
    browser, headers = await newcomer(new_browser)
    refused(await join(browser, headers, invite["code"]), 400, "invite_revoked")


async def test_an_invite_is_used_as_often_as_it_may_be(new_browser: NewBrowser) -> None:
    _, _, invite = await invited(new_browser, max_uses=1)
    browser, headers = await newcomer(new_browser)
    assert (await join(browser, headers, invite["code"])).status_code == 201
    refused(await join(browser, headers, invite["code"]), 400, "invite_used_up")
    other, other_headers = await newcomer(new_browser, "13812345679")
    refused(await join(other, other_headers, invite["code"]), 400, "invite_used_up")


async def test_malformed_json_is_refused(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for body in (b"{", b"\xff\xfe", b"[1,", b""):
        answer = await browser.http.post(
            "/api/v1/accounts", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_of_10_mb_is_refused(new_browser: NewBrowser) -> None:
    browser = new_browser()
    big = b'{"phone": "' + b"1" * 10_000_000 + b'"}'
    answer = await browser.http.post(
        "/api/v1/accounts", content=big, headers={"content-type": "application/json"}
    )
    refused(answer, 413, "body_too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"1" * 65_536

    for path in ("/api/v1/accounts", "/token"):
        kind = "application/json" if path != "/token" else "application/x-www-form-urlencoded"
        refused(
            await browser.http.post(path, content=chunks(), headers={"content-type": kind}),
            413,
            "body_too_large",
        )


async def test_a_division_code_that_does_not_exist_is_refused(new_browser: NewBrowser) -> None:
    admin, headers, _ = await invited(new_browser)
    unit = (await admin.http.get("/api/v1/me", headers=headers)).json()["unit_id"]
    school = {
        "parent_id": unit,
        "code": "S3701029001",
        "name": "新建小学",
        "level": "school",
        "kind": "school",
        "stages": ["compulsory"],
        "region_code": "999999",
    }
    refused(await admin.http.post("/api/v1/units", headers=headers, json=school), 400, "unknown_division")
    missing = await admin.http.get("/api/v1/units/by-code/S3701029001", headers=headers)
    refused(missing, 404, "unit_not_found")
    taken = school | {"code": "370103", "region_code": "370102"}
    refused(await admin.http.post("/api/v1/units", headers=headers, json=taken), 409, "unit_code_taken")
    upside_down = school | {"region_code": "370102", "level": "province"}
    refused(
        await admin.http.post("/api/v1/units", headers=headers, json=upside_down),
        400,
        "level_not_below_parent",
    )


async def test_nobody_grants_themselves_the_cockpit_and_schools_are_not_eligible(
    new_browser: NewBrowser,
) -> None:
    admin, headers, _ = await invited(new_browser)
    me = (await admin.http.get("/api/v1/me", headers=headers)).json()
    own = await admin.http.post(
        f"/api/v1/accounts/{me['sub']}/entitlements", headers=headers, json={"name": "cockpit"}
    )
    refused(own, 403, "not_yourself")
    school = new_browser()
    teacher = (await school.http.get("/api/v1/me", headers=await school.bearer("19900002087"))).json()
    url = f"/api/v1/accounts/{teacher['sub']}/entitlements"
    refused(await admin.http.post(url, headers=headers, json={"name": "cockpit"}), 403, "not_eligible")
    refused(await admin.http.post(url, headers=headers, json={"name": "root"}), 400, "unknown_entitlement")


async def test_nobody_decides_on_their_own_request(app: FastAPI, new_browser: NewBrowser) -> None:
    admin, headers, invite = await invited(new_browser)
    person, outsider = await newcomer(new_browser)
    request = (await join(person, outsider, invite["code"])).json()["id"]
    me = (await admin.http.get("/api/v1/me", headers=headers)).json()["sub"]
    # As if the administrator had asked before becoming one.
    async with app.state.database.transaction() as session:
        (await session.get(JoinRequest, UUID(request))).account_id = UUID(me)
    for act, body in (("approve", None), ("reject", {"reason": "自己的申请"})):
        url = f"/api/v1/join-requests/{request}/{act}"
        refused(await admin.http.post(url, headers=headers, json=body), 403, "own_request")


async def test_nobody_suspends_themselves_nor_restores(new_browser: NewBrowser) -> None:
    admin, headers, _ = await invited(new_browser)
    me = (await admin.http.get("/api/v1/me", headers=headers)).json()
    for act in ("suspend", "restore"):
        answer = await admin.http.post(
            f"/api/v1/accounts/{me['sub']}/{act}", headers=headers, json={"reason": "误操作"}
        )
        refused(answer, 403, "not_yourself")


async def test_a_client_acting_for_itself_is_no_person(new_browser: NewBrowser) -> None:
    http = new_browser().http
    form = {"grant_type": "client_credentials", "scope": "directory:read"}
    token = (await http.post("/token", data=form, auth=("office", "o" * 40))).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    refused(await http.get("/api/v1/me", headers=headers), 403, "insufficient_scope")
    join_by = await http.post("/api/v1/join-requests", headers=headers, json={"invite_code": "0" * 16})
    refused(join_by, 403, "insufficient_scope")


async def test_a_token_without_the_scope_identity_opens_nothing_here(new_browser: NewBrowser) -> None:
    browser = new_browser()
    token = (await browser.token(ADMIN, scope="openid")).json()["access_token"]
    answer = await browser.http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    refused(answer, 403, "insufficient_scope")


async def test_somebody_who_belongs_to_no_unit_cannot_look_units_up(new_browser: NewBrowser) -> None:
    browser, headers = await newcomer(new_browser)
    for path in ("/api/v1/units/by-code/100000", "/api/v1/units/01930000-0000-7000-8000-000000000000"):
        refused(await browser.http.get(path, headers=headers), 403, "membership_required")


@pytest.mark.parametrize(
    "redirect_uri",
    ["http://[", "http://中文.cn/callback", "http://a b/", "javascript:alert(1)", "http://x;y/"],
)
async def test_the_sign_in_page_stands_any_redirect_uri(new_browser: NewBrowser, redirect_uri: str) -> None:
    url = httpx.URL("/authorize", params={"redirect_uri": redirect_uri})
    answer = await new_browser().http.get("/login", params={"return_to": str(url)})
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].endswith("form-action 'self'")


async def test_a_form_token_that_is_not_ascii_is_refused(new_browser: NewBrowser) -> None:
    browser = new_browser()
    return_to = browser.authorize_url(verifier="v" * 43)
    await browser.http.get("/login", params={"return_to": return_to})
    answer = await browser.http.post("/login", data={"csrf": "假的", "return_to": return_to})
    refused(answer, 403, "forged_form")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("𬱖㛃", "𬱖㛃"), ("阿卜杜拉 • 买买提", "阿卜杜拉·买买提"), (" 王　小 明 ", "王小明")],
)
async def test_a_rare_or_strangely_spaced_name_is_kept_in_one_form(
    new_browser: NewBrowser, typed: str, stored: str
) -> None:
    browser = new_browser()
    assert (await browser.register(PHONE, name=typed)).status_code == 201
    me = await browser.http.get("/api/v1/me", headers=await browser.bearer(PHONE))
    assert me.json()["name"] == stored


async def test_an_identity_number_is_judged_before_anybody_is_asked(new_browser: NewBrowser) -> None:
    """A wrong check character, a day that does not exist, and a small x, which is right."""
    browser, headers = await newcomer(new_browser)
    for number in ("110105194912310021", "11010519490231002X"):
        body = {"id_number": number, "consent": True}
        answer = await browser.http.post("/api/v1/me/real-name", headers=headers, json=body)
        refused(answer, 400, "bad_id_number")
    body = {"id_number": "11010519491231002x", "consent": True}
    answer = await browser.http.post("/api/v1/me/real-name", headers=headers, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id_number_masked"].endswith("002X")


async def test_every_reading_operation_refuses_unknown_and_repeated_parameters(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    headers = await browser.bearer(ADMIN)
    paths = [path for path, methods in app.openapi()["paths"].items() if "get" in methods]
    paths = [path for path in paths if path.startswith("/api/v1/")]
    assert len(paths) > 40
    taken: dict[str, int] = {}
    for path in paths:
        address = re.sub(r"\{[^}]*\}", "01930000-0000-7000-8000-000000000000", path)
        for query in ("unknown=1", "limit=1&limit=2"):
            answer = await browser.http.get(f"{address}?{query}", headers=headers)
            if answer.status_code != 422 or answer.json()["code"] != "invalid_shape":
                taken[f"{path}?{query}"] = answer.status_code
    assert taken == {}
