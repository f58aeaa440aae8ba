"""Proof of a number by a text message from it: signed, once, for one browser."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from sqlalchemy import text

from identity.codes import pruning, rules
from services.identity.tests.support.inbound import Gateway, challenge, digits_of, state_of
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import hidden_fields
from testkit.postgres import Migration

PHONE = "13812345678"
OTHER = "13912345678"
OWNER = "19900001323"  # 历下区 370102


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
def gateway(new_browser: NewBrowser, clock: FrozenClock) -> Gateway:
    return Gateway(new_browser().http, clock)


async def rows(app: FastAPI, table: str) -> int:
    async with app.state.database.transaction() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_who_texts_from_the_number_registers_without_a_code(
    app: FastAPI, new_browser: NewBrowser, gateway: Gateway
) -> None:
    browser = new_browser()
    asked = await challenge(browser, PHONE)
    assert (asked["send_to"], asked["expires_in"]) == ("106900001234", 600)
    assert await state_of(browser, asked) == "waiting"
    early = await browser.register(PHONE, asked["text"])
    assert early.json()["code"] == "text_not_received"
    assert (await gateway.passes_on(f"+86{PHONE}", f"验证 {asked['text']}")).status_code == 204
    assert await state_of(browser, asked) == "received"
    assert (await browser.register(PHONE, asked["text"])).status_code == 201
    assert await state_of(browser, asked) == "used"
    assert (await browser.register(PHONE, asked["text"])).json()["code"] == "code_used"
    assert [m for m in app.state.sms.messages if m.phone == PHONE] == []


async def test_the_text_proves_the_number_it_came_from_to_the_browser_that_waits(
    new_browser: NewBrowser, gateway: Gateway
) -> None:
    mine, stranger = new_browser(), new_browser()
    asked = await challenge(mine, PHONE)
    # From another number, and with other digits: nothing happens.
    await gateway.passes_on(OTHER, asked["text"])
    await gateway.passes_on(PHONE, f"{(int(asked['text']) + 1) % 10**8:08d}")
    await gateway.passes_on(PHONE, "你好")
    await gateway.passes_on("053112345678", asked["text"])
    assert await state_of(mine, asked) == "waiting"
    await gateway.passes_on(PHONE, asked["text"])
    stranger.ticket = "x" * 43
    assert (await stranger.register(PHONE, asked["text"])).json()["code"] == "code_incorrect"
    # Nor for another number or purpose.
    assert (await mine.register(OTHER, asked["text"])).json()["code"] == "code_incorrect"
    assert "验证码不正确" in (await mine.sign_in_with(PHONE, asked["text"])).text
    assert (await mine.register(PHONE, asked["text"])).status_code == 201


async def test_a_challenge_waits_ten_minutes_and_its_browser_ten_more(
    app: FastAPI, new_browser: NewBrowser, gateway: Gateway, clock: FrozenClock
) -> None:
    late, slow = new_browser(), new_browser()
    asked, received = await challenge(late, PHONE), await challenge(slow, OTHER)
    clock.advance(timedelta(minutes=9))
    await gateway.passes_on(OTHER, received["text"])
    clock.advance(timedelta(minutes=1))
    await gateway.passes_on(PHONE, asked["text"])
    assert await state_of(late, asked) == "expired"
    assert (await late.register(PHONE, asked["text"])).json()["code"] == "code_expired"
    assert await state_of(slow, received) == "received"
    clock.advance(timedelta(minutes=9))
    assert (await slow.register(OTHER, received["text"])).json()["code"] == "code_expired"
    await pruning.prune(app.state.database, clock)
    assert await rows(app, "text_challenges") == 2
    clock.advance(timedelta(hours=1, minutes=1))
    await pruning.prune(app.state.database, clock)
    assert await rows(app, "text_challenges") == 0
    assert await state_of(late, asked) == "text_challenge_not_found"


async def test_only_the_gateway_s_signed_and_fresh_messages_are_taken(
    new_browser: NewBrowser, gateway: Gateway
) -> None:
    browser = new_browser()
    asked = await challenge(browser, PHONE)
    refused = [
        await gateway.passes_on(PHONE, asked["text"], secret="x" * 32),
        await gateway.passes_on(PHONE, asked["text"], headers={}),
        await gateway.passes_on(PHONE, asked["text"], headers={"X-Timestamp": "9", "X-Signature": "密"[:0]}),
        await gateway.passes_on(PHONE, asked["text"], age=301),
        await gateway.passes_on(PHONE, asked["text"], age=-301),
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(401, "not_from_gateway")] * 5
    assert await state_of(browser, asked) == "waiting"
    broken = await gateway.http.post("/sms/inbound", content=b"{", headers={"X-Timestamp": "1"})
    assert broken.status_code in (401, 422)
    assert (await gateway.passes_on(PHONE, asked["text"], age=299)).status_code == 204
    assert await state_of(browser, asked) == "received"


async def test_a_message_is_taken_once_however_often_it_comes(
    app: FastAPI, new_browser: NewBrowser, gateway: Gateway
) -> None:
    browser = new_browser()
    asked = await challenge(browser, PHONE)
    at_once = [gateway.passes_on(PHONE, "00000000", message="one") for _ in range(5)]
    assert {one.status_code for one in await asyncio.gather(*at_once)} == {204}
    # What carries the same number as before is not read again.
    await gateway.passes_on(PHONE, asked["text"], message="one")
    assert await state_of(browser, asked) == "waiting"
    await gateway.passes_on(PHONE, asked["text"], message="two")
    assert await state_of(browser, asked) == "received"


async def test_one_proof_is_redeemed_once_however_many_try_at_once(
    new_browser: NewBrowser, gateway: Gateway
) -> None:
    browser = new_browser()
    asked = await challenge(browser, PHONE)
    await gateway.passes_on(PHONE, asked["text"])
    tries = await asyncio.gather(*(browser.register(PHONE, asked["text"]) for _ in range(4)))
    assert sorted(one.status_code for one in tries) == [201, 400, 400, 400]


async def test_a_browser_and_an_address_open_a_bounded_number_of_challenges(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = new_browser()
    for _ in range(rules.BROWSER_CHALLENGES):
        await challenge(browser, PHONE)
    body = {"phone": OTHER, "purpose": "register", "ticket": browser.ticket}
    spent = await browser.http.post("/api/v1/text-challenges", json=body)
    assert (spent.status_code, spent.json()["code"]) == (429, "code_budget_spent")
    assert await rows(app, "text_challenges") == rules.BROWSER_CHALLENGES
    # Another browser at the address goes on, for the same number.
    other = new_browser()
    await challenge(other, PHONE)
    monkeypatch.setattr(rules, "ADDRESS_CHALLENGES", rules.BROWSER_CHALLENGES + 1)
    body = {"phone": PHONE, "purpose": "register", "ticket": other.ticket}
    assert (await other.http.post("/api/v1/text-challenges", json=body)).status_code == 429


async def test_a_challenge_looks_the_same_for_known_and_unknown_numbers(new_browser: NewBrowser) -> None:
    shapes = []
    for phone in (OWNER, PHONE):
        browser = new_browser()
        for purpose in ("register", "sign_in", "recover", "cancel_change"):
            asked = await challenge(browser, phone, purpose)
            shapes.append({k: v for k, v in asked.items() if k not in ("id", "text", "ticket")})
    assert all(one == shapes[0] for one in shapes)


@pytest.mark.parametrize("missing", ["sms_inbound_number", "sms_inbound_secret"])
async def test_without_number_or_secret_nothing_is_offered_and_nothing_is_taken(
    app: FastAPI, new_browser: NewBrowser, gateway: Gateway, missing: str
) -> None:
    app.state.settings = app.state.settings.model_copy(update={missing: None})
    browser = new_browser()
    body = {"phone": PHONE, "purpose": "register"}
    off = await browser.http.post("/api/v1/text-challenges", json=body)
    assert (off.status_code, off.json()["code"]) == (404, "texting_off")
    assert (await gateway.passes_on(PHONE, "12345678")).json()["code"] == "texting_off"
    assert "发送短信验证" not in (await browser.ask_for_code(OWNER)).text


@pytest.mark.parametrize("missing", ["sms_inbound_number", "sms_inbound_secret"])
def test_a_number_and_its_secret_are_set_together_in_dev_mode_too(app: FastAPI, missing: str) -> None:
    settings = app.state.settings
    assert settings.dev
    with pytest.raises(ValidationError, match="only used together"):
        type(settings)(**settings.model_dump() | {missing: None})


async def page_of(browser: Browser, phone: str, stranger: Browser) -> str:
    """The page that shows what to send, after a stranger's code has half spent the number's budget."""
    budgets = {"sms_budget_per_number": 2}
    browser.app.state.settings = browser.app.state.settings.model_copy(update=budgets)
    assert (await stranger.ask_for_code(phone)).status_code == 200
    refused = await browser.ask_for_code(phone)
    assert refused.status_code == 403
    assert "改用手机发送短信验证" in refused.text
    form = {**hidden_fields(refused.text), "phone": phone, "way": "sign-in"}
    form.pop("captcha")
    shown = await browser.http.post("/login/text", data=form)
    assert shown.status_code == 303
    return str(shown.headers["location"])


async def test_the_owner_of_a_spent_number_signs_in_on_the_page_by_texting(
    app: FastAPI, new_browser: NewBrowser, gateway: Gateway
) -> None:
    owner = new_browser()
    address = await page_of(owner, OWNER, new_browser())
    assert OWNER not in address
    page = await owner.http.get(address)
    assert page.headers["refresh"].startswith("10; url=/login/text?")
    still = await owner.http.get(f"{address}&still=true")
    assert "refresh" not in still.headers
    assert "还没有收到" in (await owner.http.get(f"{address}&asked=true")).text
    # What the page shows is for this browser only.
    other = await new_browser().http.get(address)
    assert (other.status_code, "重新开始" in other.text) == (400, True)
    await gateway.passes_on(OWNER, digits_of(page.text))
    arrived = await owner.http.get(address)
    assert "已收到" in arrived.text
    signed_in = await owner.http.post("/login", data={**hidden_fields(arrived.text)})
    assert signed_in.status_code == 303
    assert (await owner.http.get("/account")).status_code == 200
    # It is told from a sign-in with a code, to the person, to clients and in the audit log.
    assert "本机短信验证" in (await owner.http.get("/account/history")).text
    async with app.state.database.transaction() as session:
        assert await session.scalar(text("SELECT amr FROM sessions ORDER BY id DESC LIMIT 1")) == [
            "sms",
            "mca",
        ]
        means = "SELECT details ->> 'means' FROM audit_log WHERE action = 'sign_in' ORDER BY id DESC LIMIT 1"
        assert await session.scalar(text(means)) == "text"


async def test_who_texts_from_a_number_without_an_account_is_told_so(
    new_browser: NewBrowser, gateway: Gateway
) -> None:
    browser = new_browser()
    address = await page_of(browser, PHONE, new_browser())
    await gateway.passes_on(PHONE, digits_of((await browser.http.get(address)).text))
    arrived = await browser.http.get(address)
    answer = await browser.http.post("/login", data={**hidden_fields(arrived.text)})
    assert (answer.status_code, "尚未注册" in answer.text) == (400, True)


async def test_registering_goes_on_after_a_mistake_in_the_form(
    new_browser: NewBrowser, gateway: Gateway
) -> None:
    browser = new_browser()
    first = await browser.http.get("/login/register")
    form = {**hidden_fields(first.text), "phone": PHONE, "way": "register"}
    led = await browser.http.post("/login/text", data=form)
    assert led.status_code == 303, led.text
    address = led.headers["location"]
    await gateway.passes_on(PHONE, digits_of((await browser.http.get(address)).text))
    arrived = await browser.http.get(address)
    fields = {**hidden_fields(arrived.text), "name": "王小明"}
    refused = await browser.http.post("/login/register", data=fields)
    assert (refused.status_code, "勾选同意" in refused.text) == (400, True)
    fields = {**hidden_fields(refused.text), "name": "王小明", "agreed": "yes"}
    assert (await browser.http.post("/login/register", data=fields)).status_code == 303


@pytest.mark.parametrize(
    ("way", "path", "asked_next"),
    [
        ("register", "/login/register", "姓名"),
        ("new-holder", "/login/new-holder", "公民身份号码"),
        ("recover", "/login/recover", "原手机号"),
        ("cancel-change", "/login/cancel-change", "取消更换"),
    ],
)
async def test_every_page_that_proves_a_number_takes_a_text(
    new_browser: NewBrowser, gateway: Gateway, way: str, path: str, asked_next: str
) -> None:
    browser = new_browser()
    first = hidden_fields((await browser.http.get(path)).text)
    assert first["way"] == way
    led = await browser.http.post("/login/text", data={**first, "phone": PHONE})
    address = led.headers["location"]
    await gateway.passes_on(PHONE, digits_of((await browser.http.get(address)).text))
    arrived = await browser.http.get(address)
    assert (arrived.status_code, asked_next in arrived.text, "已收到" in arrived.text) == (200, True, True)
    assert rules.challenge_of(hidden_fields(arrived.text)["code"]) is not None
    assert "重新获取验证码" not in arrived.text


async def test_a_text_is_offered_while_no_message_can_be_sent(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.sms_dispatcher, "gateway_down", lambda: True)
    down = await new_browser().ask_for_code(PHONE)
    assert (down.status_code, "改用手机发送短信验证" in down.text) == (503, True)
    # A number that is none is not.
    monkeypatch.undo()
    wrong = await new_browser().ask_for_code("12")
    assert (wrong.status_code, "改用手机发送短信验证" in wrong.text) == (400, False)


async def test_the_page_says_why_there_is_nothing_to_send(new_browser: NewBrowser) -> None:
    browser = new_browser()
    first = hidden_fields((await browser.http.get("/login/register")).text)
    wrong = await browser.http.post("/login/text", data={**first, "phone": "12"})
    assert (wrong.status_code, "请输入 11 位手机号码" in wrong.text) == (400, True)
    for _ in range(rules.BROWSER_CHALLENGES):
        led = await browser.http.post("/login/text", data={**first, "phone": PHONE})
        assert led.status_code == 303
    spent = await browser.http.post("/login/text", data={**first, "phone": PHONE})
    assert (spent.status_code, "次数过多" in spent.text) == (429, True)
    foreign = await browser.http.post("/login/text", data={**first, "phone": PHONE, "csrf": "x"})
    assert foreign.status_code == 403


async def test_the_dev_inbox_sends_texts_like_a_phone(new_browser: NewBrowser) -> None:
    browser = new_browser()
    asked = await challenge(browser, PHONE)
    assert "106900001234" in (await browser.http.get("/dev/sms")).text
    sent = await browser.http.post("/dev/sms/send", data={"phone": PHONE, "text": asked["text"]})
    assert sent.status_code == 303
    assert await state_of(browser, asked) == "received"


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("48213967", "48213967"),
        ("4821 3967", "48213967"),
        ("４８２１-３９６７", "48213967"),
        ("验证码：4821 3967，谢谢", "48213967"),
        ("4821396", None),
        ("482139670", None),
        ("48213967 48213968", None),
        ("", None),
    ],
)
def test_the_digits_are_read_from_the_text(typed: str, digits: str | None) -> None:
    assert rules.challenge_in(typed) == digits
