"""Consent of third-party clients, and sessions seen and ended by the person and by administrators."""

import re
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from identity.bootstrap import World
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.shapes import JsonObject
from testkit.clock import FrozenClock
from testkit.relying_party import RelyingParty
from testkit.waiting import moments


async def test_a_third_party_asks_once_and_a_first_party_never(rp: RelyingParty, third: RelyingParty) -> None:
    assert "code" in await rp.authorize(scope="openid profile")
    assert rp.asked == []
    assert "code" in await third.authorize(scope="openid phone")
    (page,) = third.asked
    for words in ("测试系统third", "读取您的手机号", "确认您的身份", "同意授权", "拒绝"):
        assert words in page
    assert "读取您的姓名" not in page
    assert "code" in await third.authorize(scope="openid phone", prompt="none")
    assert "code" in await third.authorize(scope="openid")
    assert len(third.asked) == 1
    # More than was allowed is asked for anew, also by the claims parameter and for another audience.
    for more in (
        {"scope": "openid profile phone"},
        {"resource": "urn:zhuxue:identity"},
    ):
        assert (await third.authorize(prompt="none", **more))["error"] == "consent_required"
    await third.authorize(scope="openid profile phone")
    assert len(third.asked) == 2


async def test_claims_need_consent_like_their_scope(third: RelyingParty) -> None:
    await third.authorize()
    response = await third.authorize(prompt="none", claims='{"userinfo":{"phone_number":null}}')
    assert response["error"] == "consent_required"
    await third.authorize(claims='{"userinfo":{"phone_number":null}}')
    assert "读取您的手机号" in third.asked[-1]


async def test_denying_is_access_denied_and_is_not_remembered(third: RelyingParty) -> None:
    response = await third.authorize("deny")
    assert (response["error"], response["state"]) == ("access_denied", "st")
    assert "iss" in response
    assert "code" in await third.authorize()
    assert len(third.asked) == 2


async def test_prompt_consent_asks_again(third: RelyingParty) -> None:
    await third.authorize()
    await third.authorize(prompt="consent")
    assert len(third.asked) == 2
    await third.authorize(prompt="login consent")
    assert (third.sign_ins, len(third.asked)) == (2, 3)


async def test_consent_cannot_be_forged(
    third: RelyingParty, new_browser: NewBrowser, form_fields: Callable[[str], dict[str, str]]
) -> None:
    await third.authorize("deny")
    page = await third.http.get(third.url())
    assert "x-frame-options" in page.headers
    form = {**form_fields(page.text), "decision": "allow"}
    other = new_browser()
    await other.sign_in("19900001324", third.url())
    for http, changes, headers in (
        (third.http, {"csrf": "0" * 64}, {}),
        (third.http, {}, {"origin": "https://evil.example"}),
        (other.http, {}, {}),
        (new_browser().http, {}, {}),
    ):
        answer = await http.post("/authorize/decision", data=form | changes, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")
    changed = form | {"return_to": form["return_to"].replace("state=st", "state=s2")}
    await third.http.post("/authorize/decision", data=changed)
    elsewhere = form | {"return_to": "https://evil.example/"}
    assert (await third.http.post("/authorize/decision", data=elsewhere)).status_code == 400
    assert (await third.authorize(prompt="none"))["error"] == "consent_required"


async def test_a_consent_is_withdrawn_with_all_it_gave(
    third: RelyingParty, form_fields: Callable[[str], dict[str, str]]
) -> None:
    tokens = await third.tokens(scope="openid profile")
    page = await third.http.get("/account/authorisations")
    assert "测试系统third" in page.text
    forms = page.text.split("<form")
    (form,) = [form_fields("<form" + part) for part in forms if "/withdraw" in part]
    assert (await third.http.post("/account/authorisations/withdraw", data=form)).status_code == 303
    assert "您没有授权过其他系统" in (await third.http.get("/account/authorisations")).text
    assert await refused(third, tokens)
    assert (await third.authorize(prompt="none"))["error"] == "consent_required"


async def refused(rp: RelyingParty, tokens: JsonObject) -> bool:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    async for _ in moments():
        if (await rp.http.get("/userinfo", headers=headers)).status_code == 401:
            return True
    return False


async def test_a_person_sees_and_ends_their_sessions(
    rp: RelyingParty, new_browser: NewBrowser, form_fields: Callable[[str], dict[str, str]]
) -> None:
    tokens = await rp.tokens()
    others = []
    for _ in range(2):
        other = copy(rp)
        other.browser = new_browser()
        others.append((other, await other.tokens()))
    page = await rp.http.get("/account/sessions")
    sids = re.findall(r'name="sid" value="([^"]+)"', page.text)
    assert len(sids) == 3
    assert page.text.count("当前登录") == 1
    csrf = form_fields(page.text)["csrf"]
    first, first_tokens = others[0]
    form = {"csrf": csrf, "sid": first_tokens["claims"]["sid"]}
    assert (await first.http.post("/account/sessions/end", data=form)).status_code == 403
    assert (await rp.http.post("/account/sessions/end", data=form)).status_code == 303
    assert await refused(first, first_tokens)
    assert (await first.authorize(prompt="none"))["error"] == "login_required"
    assert (await rp.http.post("/account/sessions/end-others", data={"csrf": csrf})).status_code == 303
    assert (await others[1][0].authorize(prompt="none"))["error"] == "login_required"
    assert "code" in await rp.authorize(prompt="none")
    form = {"csrf": csrf, "sid": tokens["claims"]["sid"]}
    assert "您已退出登录" in (await rp.http.post("/account/sessions/end", data=form)).text
    location = (await rp.http.get("/account/sessions")).headers["location"]
    assert location == "/login?return_to=%2Faccount%2Fsessions"


async def test_nobody_ends_a_session_of_somebody_else(
    rp: RelyingParty, new_browser: NewBrowser, form_fields: Callable[[str], dict[str, str]]
) -> None:
    theirs = copy(rp)
    theirs.browser, theirs.phone = new_browser(), "19900001324"
    tokens = await theirs.tokens()
    await rp.tokens()
    csrf = form_fields((await rp.http.get("/account/sessions")).text)["csrf"]
    for sid in (tokens["claims"]["sid"], str(uuid4())):
        await rp.http.post("/account/sessions/end", data={"csrf": csrf, "sid": sid})
    assert "code" in await theirs.authorize(prompt="none")


async def test_a_browser_has_one_session_and_another_person_ends_it(rp: RelyingParty) -> None:
    first = await rp.tokens()
    rp.phone = "19900001324"
    second = await rp.tokens(prompt="login")
    assert first["claims"]["sid"] != second["claims"]["sid"]
    assert await refused(rp, first)
    async with rp.browser.app.state.database.transaction() as session:
        rows = await session.execute(text("SELECT count(*) FROM sessions WHERE ended_at IS NULL"))
        assert rows.scalar_one() == 1


async def test_a_code_of_an_ended_session_gives_nothing(
    rp: RelyingParty, form_fields: Callable[[str], dict[str, str]]
) -> None:
    tokens = await rp.tokens()
    code = (await rp.authorize(prompt="none"))["code"]
    await rp.http.get("/end_session", params={"id_token_hint": tokens["id_token"]})
    assert (await rp.redeem(code)).json()["error"] == "invalid_grant"


async def test_administrators_end_sessions_in_their_reach(
    rp: RelyingParty, new_browser: NewBrowser, one_line_world: World
) -> None:
    admin, outside, world = new_browser(), new_browser(), one_line_world
    people = {person.unit_code: person for person in world.people if "unit_admin" in person.roles}
    rp.phone = next(p.phone for p in world.people if p.unit_code == "370102" and "handler" in p.roles)
    tokens = await rp.tokens()
    sub, sid = tokens["claims"]["sub"], tokens["claims"]["sid"]
    headers = await admin.bearer(people["370100"].phone)
    url = f"/api/v1/accounts/{sub}/sessions"
    (session,) = (await admin.http.get(url, headers=headers)).json()
    assert session["sid"] == sid
    handler = await outside.bearer(rp.phone)
    assert (await outside.http.get(url, headers=handler)).json()["code"] == "permission_required"
    boss = (await admin.http.get("/api/v1/me", headers=headers)).json()["sub"]
    below = await outside.http.get(url, headers=await new_browser().bearer(people["370102"].phone))
    assert below.status_code == 200
    up = f"/api/v1/accounts/{boss}/sessions"
    low = await new_browser().bearer(people["370102"].phone)
    assert (await outside.http.delete(up, headers=low)).json()["code"] == "out_of_reach"
    wrong = await admin.http.delete(f"{url}/{uuid4()}", headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (404, "session_not_found")
    assert (await admin.http.delete(f"{url}/{sid}", headers=headers)).status_code == 204
    assert await refused(rp, tokens)
    again = await admin.http.delete(f"{url}/{sid}", headers=headers)
    assert again.status_code == 404
    tokens = await rp.tokens()
    assert (await admin.http.delete(url, headers=headers)).status_code == 204
    assert (await rp.authorize(prompt="none"))["error"] == "login_required"


async def test_idle_sessions_are_not_listed(
    rp: RelyingParty, clock: FrozenClock, new_browser: NewBrowser
) -> None:
    await rp.tokens()
    clock.advance(timedelta(minutes=31))
    other = copy(rp)
    other.browser = new_browser()
    await other.tokens()
    page = await other.http.get("/account/sessions")
    assert page.text.count('name="sid"') == 1
