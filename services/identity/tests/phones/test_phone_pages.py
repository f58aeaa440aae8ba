"""The pages of a change of number say that a code was sent only if it was, and can be used."""

import re
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from identity.codes import pictures
from services.identity.tests.support.inbound import Gateway, digits_of
from services.identity.tests.support.phones import phone_code
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import csrf_of, forms
from testkit.postgres import Migration

OLD, NEW = "19900001323", "13912345678"
VERIFIER = "v" * 64


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def signed_in(new_browser: NewBrowser) -> Browser:
    browser = new_browser()
    answer = await browser.sign_in(OLD, browser.authorize_url(verifier=VERIFIER))
    assert answer.status_code == 303
    return browser


async def ask(browser: Browser, phone: str, **more: str) -> httpx.Response:
    page = await browser.http.get("/account/phone")
    form = {"csrf": csrf_of(page.text), "phone": phone}
    return await browser.http.post("/account/phone/codes", data=form | more)


async def change(browser: Browser, page: httpx.Response, **typed: str) -> httpx.Response:
    return await browser.http.post("/account/phone", data={"csrf": csrf_of(page.text), "phone": NEW} | typed)


def received(app: FastAPI, phone: str) -> int:
    return sum("更换手机号验证码" in one.text for one in app.state.sms.messages if one.phone == phone)


async def test_both_numbers_get_a_code_right_after_signing_in(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = await signed_in(new_browser)
    page = await ask(browser, NEW)
    assert (page.status_code, "验证码已发送至新手机号" in page.text) == (200, True)
    assert (received(app, OLD), received(app, NEW)) == (1, 1)
    codes = {"code": browser.last_code(NEW), "old_code": browser.last_code(OLD)}
    done = await change(browser, page, **codes)
    assert "手机号已更换" in done.text
    # Signing in again within the minute, after the code of the change is used up.
    again = await browser.ask_for_code(NEW)
    assert again.status_code == 200
    assert (await browser.sign_in_with(NEW, browser.last_code(NEW))).status_code == 303


async def test_the_old_number_gets_its_code_although_the_new_one_has_to_wait(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = await signed_in(new_browser)
    await ask(browser, NEW, without_old="true")
    page = await ask(browser, NEW)
    assert "和原手机号" in page.text
    assert re.search(r"<time>\d\d:\d\d:\d\d</time> 起可重新获取", page.text), "does not go stale"
    assert (received(app, OLD), received(app, NEW)) == (1, 1)
    waiting = await ask(browser, NEW)
    assert (waiting.status_code, "验证码已发送，请在 60 秒后再获取（北京时间 " in waiting.text) == (429, True)
    assert 'name="old_code"' in waiting.text


async def test_a_captcha_is_left_for_the_number_that_needs_it(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "choose", lambda: "7")
    browser = await signed_in(new_browser)
    browser.http.cookies.delete("zhuxue_device")
    app.state.settings = app.state.settings.model_copy(update={"sms_budget_per_number": 2})
    refused = await ask(browser, NEW)
    assert (refused.status_code, "验证码已发送" in refused.text) == (403, False)
    (asked,) = [form for form in forms(refused.text) if form.action == "/account/phone/codes"]
    form = asked.hidden | {"phone": NEW, "answer": "7"}
    page = await browser.http.post("/account/phone/codes", data=form)
    assert (page.status_code, "和原手机号" in page.text) == (200, True)
    assert (received(app, OLD), received(app, NEW)) == (1, 1)


async def test_a_used_code_is_not_said_to_be_on_its_way(
    new_browser: NewBrowser, clock: FrozenClock, app: FastAPI
) -> None:
    browser = await signed_in(new_browser)
    page = await browser.ask_for_code(OLD)
    assert page.status_code == 429
    assert "验证码已发送" not in page.text
    assert "请在 60 秒后再获取（北京时间 " in page.text
    assert 'name="code"' not in page.text
    sent = await ask(browser, NEW)
    wrong = f"{(int(browser.last_code(NEW)) + 1) % 1_000_000:06d}"
    await change(browser, sent, code=wrong, old_code=browser.last_code(OLD))
    refused = await ask(browser, NEW)
    assert (refused.status_code, 'name="old_code"' in refused.text) == (429, False)
    clock.advance(timedelta(seconds=60))
    assert 'name="old_code"' in (await ask(browser, NEW)).text
    assert received(app, OLD) == 2


async def test_one_s_own_number_is_refused_in_the_first_step(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = await signed_in(new_browser)
    refused = await ask(browser, OLD)
    assert (refused.status_code, "新手机号与当前手机号相同。" in refused.text) == (409, True)
    assert received(app, OLD) == 0
    headers = await browser.bearer(OLD)
    answer = await phone_code(browser, headers, OLD)
    assert (answer.status_code, answer.json()["code"]) == (409, "same_phone")
    assert received(app, OLD) == 0


async def test_another_captcha_is_given_for_the_asking(new_browser: NewBrowser) -> None:
    browser = await signed_in(new_browser)
    page = await browser.http.get("/account/phone")
    form = {"csrf": csrf_of(page.text), "phone": NEW}
    picture = await browser.http.post("/account/phone/captcha", data=form)
    assert (picture.status_code, "data:image/png" in picture.text) == (200, True)
    words = await browser.http.post("/account/phone/captcha", data=form | {"kind": "words"})
    assert ("验证问题" in words.text, "data:image/png" in words.text, NEW in words.text) == (
        True,
        False,
        True,
    )


async def test_a_mistake_after_texting_asks_again_only_for_what_was_wrong(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser = await signed_in(new_browser)
    gateway = Gateway(new_browser().http, clock)
    page = await browser.http.get("/account/phone/without-old")
    form = {"csrf": csrf_of(page.text), "phone": NEW, "without_old": "true"}
    address = (await browser.http.post("/account/phone/text", data=form)).headers["location"]
    await gateway.passes_on(NEW, digits_of((await browser.http.get(address)).text))
    arrived = await browser.http.get(address)
    (step,) = [one for one in forms(arrived.text) if one.action == "/account/phone/without-old"]
    again = await browser.http.post(step.action, data={**step.hidden, "id_number": "110"})
    (step,) = [one for one in forms(again.text) if one.action == "/account/phone/without-old"]
    assert (again.status_code, bool(step.hidden["code"])) == (400, True)
    late = await browser.http.post(step.action, data={**step.hidden, "code": "00000000", "id_number": "110"})
    assert [one.action for one in forms(late.text) if one.action == "/account/phone/codes"]
