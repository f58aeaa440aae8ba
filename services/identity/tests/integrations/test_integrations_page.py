"""The integrator's pages: without JavaScript, for administrators only, forms of the own session only."""

import html
import json
import re
from datetime import timedelta, timezone

import pytest
from fastapi import FastAPI

from identity.clients.models import Client
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import csrf_of

pytestmark = pytest.mark.usefixtures("clients_read_anew")

COUNTY_ADMIN = "19900001323"
COUNTY_HANDLER = "19900001324"
SIBLING_ADMIN = "19900001325"
ISSUER = "http://localhost:8001"


async def signed_in(browser: Browser, phone: str) -> str:
    """Go to the page; sign in; the page as it is then."""
    first = await browser.http.get("/integrations")
    assert first.headers["location"] == "/login?return_to=%2Fintegrations"
    answer = await browser.sign_in(phone, "/integrations")
    assert answer.headers["location"] == "/integrations"
    page = await browser.http.get("/integrations")
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["cache-control"] == "no-store"
    return str(page.text)


def form(text: str, **changes: str) -> dict[str, str]:
    filled = {
        "csrf": csrf_of(text),
        "client_name": "奖助<b>系统",
        "redirect_uri": "https://rp.example.cn/cb",
        "contact": "it@example.edu.cn",
        "method": "client_secret_basic",
    }
    return filled | changes


async def test_register_see_settings_rotate_and_test(new_browser: NewBrowser, clock: FrozenClock) -> None:
    browser = new_browser()
    text = await signed_in(browser, COUNTY_ADMIN)
    made = await browser.http.post("/integrations", data=form(text), headers={"Origin": ISSUER})
    assert made.status_code == 303, made.text
    made = await browser.http.get(made.headers["location"])
    assert "系统已登记。" in made.text
    assert "<b>" not in made.text
    secret = re.search(r'id="secret">([\w-]{43})<', made.text)
    client_id = re.search(r"CLIENT_ID=([\w-]+)", made.text)
    assert secret is not None
    assert client_id is not None
    path = f"/integrations/{client_id.group(1)}"
    assert path in (await browser.http.get("/integrations")).text
    again = await browser.http.get(path)
    assert secret.group(1) not in again.text
    test_link = re.search(r'href="(/authorize\?[^"]+)"', again.text)
    assert test_link is not None
    answer = await browser.http.get(test_link.group(1).replace("&amp;", "&"))
    answer = await browser.consented(answer)
    assert answer.headers["location"].startswith("https://rp.example.cn/cb?")
    rotated = await browser.http.post(f"{path}/secrets", data={"csrf": csrf_of(again.text)})
    rotated = await browser.http.get(rotated.headers["location"])
    assert "密钥已更换。" in rotated.text
    new = re.search(r'id="secret">([\w-]{43})<', rotated.text)
    assert new is not None
    assert new.group(1) != secret.group(1)
    # 72 hours later, in Beijing time.
    until = clock.now().astimezone(timezone(timedelta(hours=8))) + timedelta(hours=72)
    assert f"{until:%Y-%m-%d %H:%M} 失效" in rotated.text
    stranger = new_browser()
    await signed_in(stranger, SIBLING_ADMIN)
    assert (await stranger.http.get(path)).status_code == 404


async def test_a_system_that_can_begin_a_sign_in_is_opened_from_its_page(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    text = await signed_in(browser, COUNTY_ADMIN)
    made = await browser.http.post("/integrations", data=form(text), headers={"Origin": ISSUER})
    made = await browser.http.get(made.headers["location"])
    found = re.search(r"CLIENT_ID=([\w-]+)", made.text)
    assert found is not None
    assert ">打开<" not in made.text
    async with app.state.database.transaction() as session:
        client = await session.get(Client, found.group(1))
        client.initiate_login_uri = "https://rp.example.cn/begin?x=1"
    page = await browser.http.get(f"/integrations/{found.group(1)}")
    assert 'href="https://rp.example.cn/begin?x=1&amp;iss=http%3A%2F%2Flocalhost%3A8001"' in page.text


async def registered(browser: Browser) -> str:
    """Register a system; the address of its page."""
    text = await signed_in(browser, COUNTY_ADMIN)
    made = await browser.http.post("/integrations", data=form(text), headers={"Origin": ISSUER})
    return str(made.headers["location"])


CHANGED = {
    "client_name": "奖助系统",
    "redirect_uris": "https://rp.example.cn/cb\nhttps://rp.example.cn/cb2?x=1",
    "post_logout_redirect_uris": "https://rp.example.cn/out",
    "backchannel_logout_uri": "https://rp.example.cn/logout",
    "initiate_login_uri": "https://rp.example.cn/begin",
    "contacts": "it@example.edu.cn\n0531 8000 0000",
    "scopes": "openid profile phone offline_access",
    "method": "client_secret_basic client_secret_post",
    "algorithm": "RS256",
    "refresh": "yes",
    "name_in_id_token": "yes",
}


async def test_the_page_of_a_system_changes_its_registration(new_browser: NewBrowser, app: FastAPI) -> None:
    browser = new_browser()
    page = await registered(browser)
    first = (await browser.http.get(page)).text
    own = {"csrf": csrf_of(first), "version": "1"}
    # What is refused stays typed.
    answer = await browser.http.post(page, data=CHANGED | own | {"redirect_uris": "http://rp.example.cn/no"})
    assert (answer.status_code, "http://rp.example.cn/no" in answer.text) == (400, True)
    many = "\n".join(["0531 8000 0000"] * 21)
    answer = await browser.http.post(page, data=CHANGED | own | {"contacts": many})
    assert (answer.status_code, "“联系邮箱或电话”最多 20 个" in answer.text) == (400, True)
    answer = await browser.http.post(page, data=CHANGED | own | {"scopes": "openid identity"})
    assert (answer.status_code, "identity" in answer.text) == (400, True)
    answer = await browser.http.post(page, data=CHANGED | own)
    assert "登记信息已修改。" in (await browser.http.get(answer.headers["location"])).text
    async with app.state.database.transaction() as session:
        client = await session.get_one(Client, page.rpartition("/")[2])
    assert client.redirect_uris == ["https://rp.example.cn/cb", "https://rp.example.cn/cb2?x=1"]
    assert client.auth_methods == ["client_secret_basic", "client_secret_post"]
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.id_token_signed_response_alg == "RS256"
    assert client.backchannel_logout_uri == "https://rp.example.cn/logout"
    assert client.contacts == ["it@example.edu.cn", "0531 8000 0000"]
    assert client.name_in_id_token
    # Somebody else has changed it meanwhile.
    late = await browser.http.post(page, data=CHANGED | own)
    # The next attempt from this page would overwrite it, too: it has the version of before.
    assert (late.status_code, 'name="version" value="1"' in late.text) == (412, True)
    keys = {"version": "2", "method": "private_key_jwt", "jwks_uri": "https://rp.example.cn/jwks"}
    answer = await browser.http.post(page, data=CHANGED | own | keys)
    assert answer.status_code == 303, answer.text
    assert "更换密钥" not in (await browser.http.get(page)).text


async def registration(app: FastAPI, page: str) -> Client:
    async with app.state.database.transaction() as session:
        client: Client = await session.get_one(Client, page.rpartition("/")[2])
    return client


async def test_keys_are_written_on_the_page_or_read_from_an_address(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    page = await registered(browser)
    csrf = csrf_of((await browser.http.get(page)).text)
    keys = {"keys": [{"kty": "EC", "crv": "P-256", "x": "甲", "y": "b"}]}
    inline = {"jwks_uri": "", "jwks": json.dumps(keys)}
    uri = {"jwks_uri": "https://rp.example.cn/jwks", "jwks": ""}

    async def sent(given: dict[str, str]) -> int:
        version = (await registration(app, page)).version
        own = {"csrf": csrf, "version": str(version), "method": "private_key_jwt"}
        return (await browser.http.post(page, data=CHANGED | own | given)).status_code

    for given, stored in ((inline, (None, keys)), (uri, (uri["jwks_uri"], None)), (inline, (None, keys))):
        assert await sent(given) == 303
        client = await registration(app, page)
        assert (client.jwks_uri, client.jwks) == stored
    shown = html.unescape((await browser.http.get(page)).text)
    (typed,) = re.findall(r'<textarea id="jwks"[^>]*>(.*?)</textarea>', shown, re.DOTALL)
    assert json.loads(typed) == keys
    for bad in (
        inline | uri | {"jwks": inline["jwks"]},
        {"jwks": "[]"},
        {"jwks": "{"},
        {"jwks": '{"keys": "\\u0000"}'},
        {"jwks": inline["jwks"].replace('"b"', "NaN")},
        {"jwks": inline["jwks"].replace('"b"', "1e999")},
    ):
        assert await sent(inline | bad) == 400
    assert (await registration(app, page)).jwks == keys


async def test_the_page_keeps_the_order_of_methods_and_grants(new_browser: NewBrowser, app: FastAPI) -> None:
    browser = new_browser()
    page = await registered(browser)
    csrf = csrf_of((await browser.http.get(page)).text)
    async with app.state.database.transaction() as session:
        client = await session.get_one(Client, page.rpartition("/")[2])
        client.token_endpoint_auth_method = "client_secret_post"
        client.additional_token_endpoint_auth_methods = ["client_secret_basic"]
        client.grant_types = ["refresh_token", "authorization_code"]
    answer = await browser.http.post(page, data=CHANGED | {"csrf": csrf, "version": "1"})
    assert answer.status_code == 303, answer.text
    client = await registration(app, page)
    assert client.auth_methods == ["client_secret_post", "client_secret_basic"]
    assert client.grant_types == ["refresh_token", "authorization_code"]
    one = {"csrf": csrf, "version": "2", "method": "client_secret_basic", "refresh": ""}
    assert (await browser.http.post(page, data=CHANGED | one)).status_code == 303
    client = await registration(app, page)
    assert (client.auth_methods, client.grant_types) == (["client_secret_basic"], ["authorization_code"])


async def test_as_many_and_as_long_addresses_as_the_api_takes_fit_in_the_form(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    uris = [f"https://rp.example.cn/{number:02}/".ljust(2000, "a") for number in range(20)]
    text = await signed_in(browser, COUNTY_ADMIN)
    made = await browser.http.post("/integrations", data=form(text, redirect_uri=" ".join(uris)))
    assert made.status_code == 303, made.text
    page = made.headers["location"]
    changed = {"csrf": csrf_of(text), "version": "1", "redirect_uris": "\r\n".join(uris[::-1]) + "\r\n"}
    answer = await browser.http.post(page, data=CHANGED | changed)
    assert answer.status_code == 303, answer.text
    assert (await registration(app, page)).redirect_uris == uris[::-1]
    limits = re.findall(
        r'<textarea id="redirect_uris"[^>]* maxlength="(\d+)"', (await browser.http.get(page)).text
    )
    assert int(limits[0]) >= len("\r\n".join(uris))


async def test_an_application_in_the_browser_is_registered_with_its_origin(
    new_browser: NewBrowser, app: FastAPI
) -> None:
    browser = new_browser()
    text = await signed_in(browser, COUNTY_ADMIN)
    uris = "https://spa.example.cn/ https://spa.example.cn/silent https://b.example.cn:443/ http://localhost:3000/"
    made = await browser.http.post("/integrations", data=form(text, method="browser", redirect_uri=uris))
    page = made.headers["location"]
    client = await registration(app, page)
    assert (client.application_type, client.auth_methods) == ("web", ["none"])
    assert client.allowed_origins == ["https://spa.example.cn", "https://b.example.cn"]
    assert "ALLOWED_ORIGIN=https://spa.example.cn" in (await browser.http.get(page)).text
    changed = {
        "csrf": csrf_of(text),
        "version": "1",
        "method": "none",
        "allowed_origins": "https://c.example.cn",
    }
    assert (await browser.http.post(page, data=CHANGED | changed)).status_code == 303
    assert (await registration(app, page)).allowed_origins == ["https://c.example.cn"]


async def test_a_system_is_disabled_enabled_and_deleted_from_its_page(new_browser: NewBrowser) -> None:
    browser = new_browser()
    page = await registered(browser)
    csrf = {"csrf": csrf_of((await browser.http.get(page)).text)}

    async def sent(what: str, **data: str) -> str:
        answer = await browser.http.post(f"{page}/{what}", data=csrf | data)
        return str((await browser.http.get(answer.headers["location"])).text)

    assert "请填写停用原因" in await sent("disable", reason=" ")
    assert "系统已停用。" in await sent("disable", reason="系统下线")
    assert "系统已恢复。" in await sent("enable")
    assert "没有删除" in await sent("delete", confirmed="奖助系统")
    assert "系统已删除。" in await sent("delete", confirmed="奖助<b>系统")
    assert (await browser.http.get(page)).status_code == 404
    stranger = new_browser()
    text = await signed_in(stranger, SIBLING_ADMIN)
    answer = await stranger.http.post(f"{page}/enable", data={"csrf": csrf_of(text)})
    assert answer.status_code == 404


async def test_a_bad_redirect_uri_is_told_and_nothing_typed_is_lost(new_browser: NewBrowser) -> None:
    browser = new_browser()
    text = await signed_in(browser, COUNTY_ADMIN)
    data = form(text, redirect_uri="http://rp.example.cn/cb")
    refused = await browser.http.post("/integrations", data=data)
    assert refused.status_code == 400
    assert "回调地址不符合要求" in refused.text
    assert 'value="http://rp.example.cn/cb"' in refused.text


async def test_only_administrators(new_browser: NewBrowser) -> None:
    browser = new_browser()
    text = await signed_in(browser, COUNTY_HANDLER)
    assert "只有单位管理员" in text
    assert "返回接入系统" not in text
    refused = await browser.http.post("/integrations", data={"csrf": "x", "client_name": "x"})
    assert refused.status_code == 403


async def test_a_form_shown_before_a_second_sign_in_is_refused(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    """As on every page with a form: the token is bound to the session's present secret."""
    browser = new_browser()
    before = await signed_in(browser, COUNTY_ADMIN)
    clock.advance(timedelta(minutes=2))
    await browser.sign_in(COUNTY_ADMIN, "/integrations")
    refused = await browser.http.post("/integrations", data=form(before), headers={"Origin": ISSUER})
    assert (refused.status_code, "页面已失效" in refused.text) == (403, True)
    after = (await browser.http.get("/integrations")).text
    made = await browser.http.post("/integrations", data=form(after), headers={"Origin": ISSUER})
    assert made.status_code == 303


async def test_forged_forms_are_refused(new_browser: NewBrowser) -> None:
    browser, other = new_browser(), new_browser()
    text = await signed_in(browser, COUNTY_ADMIN)
    foreign = await signed_in(other, SIBLING_ADMIN)
    for data, origin in (
        (form(text, csrf="x"), ISSUER),
        (form(text, csrf="é"), ISSUER),
        (form(foreign), ISSUER),
        (form(text), "https://evil.example"),
    ):
        refused = await browser.http.post("/integrations", data=data, headers={"Origin": origin})
        assert (refused.status_code, refused.json()["code"]) == (403, "forged_form")


async def test_sign_in_returns_nowhere_else(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for place in (
        "/integrations/x",
        "//integrations",
        "/integrations?x",
        "https://evil.example/integrations",
    ):
        assert (await browser.http.get("/login", params={"return_to": place})).status_code == 400
