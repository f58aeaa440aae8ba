"""SMS codes: bound to the browser that asked, rationed without locking anybody out, behind captchas."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text

from identity.codes import pictures, questions, rules
from identity.codes.questions import Question
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import hidden_fields

PHONE = "13812345678"
OWNER = "19900001323"  # 历下区 370102
VERIFIER = "v" * 64
WRONG = "000000"


@pytest.fixture
def one(app: FastAPI) -> Callable[..., None]:
    """Sets budgets; afterwards they are as in production, unless given. All browsers of these tests are at
    one address, so that its share of a number's day is as large as the day.
    """

    def change(**budgets: int) -> None:
        production = {
            "sms_budget_per_number": 10,
            "sms_budget_per_number_and_address": 10,
            "sms_budget_per_address": 30,
            "sms_budget_total": 100_000,
        }
        app.state.settings = app.state.settings.model_copy(update=production | budgets)

    change()
    return change


@pytest.fixture
def answer_is_7(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "ask", lambda _: Question("三加四，等于多少？", 7))
    monkeypatch.setattr(pictures, "choose", lambda: "7")


def code_of(answer: httpx.Response) -> str:
    return "sent" if answer.status_code == 202 else str(answer.json()["code"])


async def used(app: FastAPI) -> dict[str, int]:
    async with app.state.database.transaction() as session:
        rows = await session.execute(text("SELECT kind, sum(used) AS used FROM code_budgets GROUP BY kind"))
        return {row.kind: row.used for row in rows}


async def solved(browser: Browser, answer: str = "7", kind: str = "picture") -> dict[str, Any]:
    """The fields of a request with an answered captcha."""
    mine = {} if browser.ticket is None else {"ticket": browser.ticket}
    asked = await browser.http.post("/api/v1/captchas", json={"kind": kind, **mine})
    assert asked.status_code == 200, asked.text
    browser.ticket = asked.json()["ticket"]
    return {"captcha": {"captcha": asked.json()["captcha"], "answer": answer}}


def refused(reason: str) -> float:
    """Codes of registrations that were not accepted since this process began."""
    labels = {"purpose": "register", "reason": reason}
    return REGISTRY.get_sample_value("zhuxue_codes_refused_total", labels) or 0


async def test_a_code_works_only_in_the_browser_that_asked(new_browser: NewBrowser) -> None:
    mine, other = new_browser(), new_browser()
    await mine.ask(PHONE)
    code = mine.last_code(PHONE)
    other.ticket = "x" * 43
    assert (await other.register(PHONE, code)).json()["code"] == "code_incorrect"
    assert (await mine.register(PHONE, code)).status_code == 201


async def test_wrong_guesses_of_others_do_not_use_up_a_code(new_browser: NewBrowser) -> None:
    mine, other = new_browser(), new_browser()
    await mine.ask(PHONE)
    code = mine.last_code(PHONE)
    await other.ask(PHONE)
    before = {reason: refused(reason) for reason in ("code_incorrect", "code_exhausted")}
    answers = [(await other.register(PHONE, WRONG)).json()["code"] for _ in range(7)]
    assert answers[-1] == "code_exhausted"
    for reason, count in before.items():
        assert refused(reason) - count == answers.count(reason), "an alert is about the sum"
    assert (await mine.register(PHONE, code)).status_code == 201


async def test_codes_of_several_browsers_are_valid_at_once(new_browser: NewBrowser) -> None:
    browsers = [new_browser() for _ in range(3)]
    codes = []
    for browser in browsers:
        assert (await browser.ask(PHONE)).status_code == 202
        codes.append(browser.last_code(PHONE))
    assert (await browsers[1].register(PHONE, codes[1])).status_code == 201
    assert (await browsers[0].register(PHONE, codes[0])).json()["code"] == "phone_taken"


async def test_a_pasted_message_is_taken_as_the_code(new_browser: NewBrowser) -> None:
    browser = new_browser()
    await browser.ask(PHONE)
    message = browser.app.state.sms.messages[-1].text
    assert (await browser.register(PHONE, "no code here")).json()["code"] == "code_unreadable"
    assert (await browser.register(PHONE, message)).status_code == 201


async def test_alternating_purposes_share_one_budget(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, one: object
) -> None:
    """Each purpose has a waiting time of its own, and all of them count."""
    browser = new_browser()
    for n in range(5):
        assert code_of(await browser.ask(PHONE, ("register", "sign_in")[n % 2])) == "sent"
        if n % 2:
            clock.advance(timedelta(seconds=60))
    for purpose in ("sign_in", "recover"):
        assert code_of(await browser.ask(PHONE, purpose)) == "captcha_required"
    assert (await used(app))["number"] == 5


@pytest.mark.usefixtures("one", "answer_is_7")
async def test_the_second_half_of_a_number_s_day_needs_captchas(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    for _ in range(5):
        assert code_of(await new_browser().ask(PHONE)) == "sent"
    for _ in range(5):
        browser = new_browser()
        assert code_of(await browser.ask(PHONE)) == "captcha_required"
        assert code_of(await browser.ask(PHONE, **await solved(browser))) == "sent"
    last = new_browser()
    spent = await last.ask(PHONE, **await solved(last))
    assert (spent.status_code, code_of(spent)) == (429, "code_budget_spent")
    assert int(spent.headers["retry-after"]) == 86_400
    clock.advance(timedelta(days=1))
    assert code_of(await last.ask(PHONE)) == "sent"


@pytest.mark.usefixtures("answer_is_7")
async def test_one_address_has_a_share_of_a_number_s_day(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, one: Callable[..., None], issuer: str
) -> None:
    """Who spends it locks out nobody who is at another address."""
    one(sms_budget_per_number_and_address=3)
    stranger = new_browser()
    assert code_of(await stranger.ask(PHONE)) == "sent"
    clock.advance(timedelta(seconds=60))
    assert code_of(await stranger.ask(PHONE)) == "sent"
    clock.advance(timedelta(seconds=60))
    assert code_of(await stranger.ask(PHONE)) == "captcha_required"
    assert code_of(await stranger.ask(PHONE, **await solved(stranger))) == "sent"
    clock.advance(timedelta(seconds=60))
    assert code_of(await stranger.ask(PHONE, **await solved(stranger))) == "code_budget_spent"
    # What was refused is not counted, and another number has a day of its own.
    assert (await used(app))["number"] == 3
    assert code_of(await stranger.ask(OWNER)) == "sent"
    elsewhere = httpx.ASGITransport(app=app, client=("2001:db8:1:2::3", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url=issuer) as http:
        owner = Browser(app, http)
        assert code_of(await owner.ask(PHONE)) == "sent"


@pytest.mark.usefixtures("one", "answer_is_7")
async def test_a_captcha_is_answered_once_in_time_and_by_the_browser_that_asked(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    mine, other = new_browser(), new_browser()
    wrong = await solved(mine, "8")
    assert code_of(await mine.ask(PHONE, **wrong)) == "captcha_incorrect"
    wrong["captcha"]["answer"] = "7"
    assert code_of(await mine.ask(PHONE, **wrong)) == "captcha_incorrect"
    right = await solved(mine)
    assert code_of(await other.ask(PHONE, **right)) == "captcha_incorrect"
    assert code_of(await mine.ask(PHONE, **right)) == "sent"
    assert code_of(await mine.ask(OWNER, **right)) == "captcha_incorrect"
    late = await solved(mine)
    clock.advance(timedelta(minutes=10))
    assert code_of(await mine.ask(OWNER, **late)) == "captcha_incorrect"
    forged: dict[str, Any] = {"captcha": {"captcha": "AAAA", "answer": "7"}}
    assert code_of(await mine.ask(OWNER, **forged)) == "captcha_incorrect"


@pytest.mark.usefixtures("answer_is_7")
async def test_a_number_that_has_to_wait_does_not_use_up_the_captcha(new_browser: NewBrowser) -> None:
    browser = new_browser()
    await browser.ask(PHONE)
    answered = await solved(browser)
    assert code_of(await browser.ask(PHONE, **answered)) == "code_too_soon"
    assert code_of(await browser.ask(OWNER, **answered)) == "sent"


@pytest.mark.usefixtures("one", "answer_is_7")
async def test_one_captcha_sends_one_code_however_many_ask_at_once(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    right = await solved(browser)
    answers = await asyncio.gather(*(browser.ask(f"1381234{n:04d}", **right) for n in range(6)))
    assert sorted(map(code_of, answers)) == ["captcha_incorrect"] * 5 + ["sent"]


@pytest.mark.usefixtures("one")
async def test_who_has_signed_in_here_before_is_not_locked_out_by_strangers(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    owner = new_browser()
    await owner.sign_in(OWNER, owner.authorize_url(verifier=VERIFIER))
    for _ in range(4):
        assert code_of(await new_browser().ask(OWNER, "sign_in")) == "sent"
    assert code_of(await new_browser().ask(OWNER, "sign_in")) == "captcha_required"
    clock.advance(timedelta(seconds=60))
    signed_in = await owner.sign_in(OWNER, owner.authorize_url(verifier=VERIFIER))
    assert signed_in.status_code == 303
    assert (await used(app))["device"] == 1


@pytest.mark.usefixtures("one")
async def test_a_remembered_device_is_remembered_for_its_accounts_only(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    owner = new_browser()
    await owner.sign_in(OWNER, owner.authorize_url(verifier=VERIFIER))
    for _ in range(5):
        await new_browser().ask(PHONE)
    assert code_of(await owner.ask(PHONE)) == "captcha_required"
    assert "device" not in await used(app)


@pytest.mark.usefixtures("one")
async def test_a_remembered_device_has_a_budget_too(new_browser: NewBrowser, clock: FrozenClock) -> None:
    owner = new_browser()
    await owner.sign_in(OWNER, owner.authorize_url(verifier=VERIFIER))
    for _ in range(10):
        clock.advance(timedelta(seconds=60))
        assert code_of(await owner.ask(OWNER, "sign_in")) == "sent"
    clock.advance(timedelta(seconds=60))
    assert code_of(await owner.ask(OWNER, "sign_in")) == "code_budget_spent"


async def test_strangers_spend_only_their_part_of_the_deployment_s_total(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock, one: Callable[..., None]
) -> None:
    one(sms_budget_total=2)
    owner = new_browser()
    await owner.sign_in(OWNER, owner.authorize_url(verifier=VERIFIER))
    assert code_of(await new_browser().ask(PHONE)) == "sms_unavailable"
    clock.advance(timedelta(seconds=60))
    assert code_of(await owner.ask(OWNER, "sign_in")) == "sent"


@pytest.mark.usefixtures("one", "answer_is_7")
async def test_the_sign_in_page_asks_the_captcha(new_browser: NewBrowser) -> None:
    for _ in range(5):
        await new_browser().ask(OWNER, "sign_in")
    browser = new_browser()
    page = await browser.ask_for_code(OWNER)
    assert page.status_code == 403
    assert 'src="data:image/png;base64,' in page.text
    assert "img-src 'self' data:;" in page.headers["content-security-policy"]
    form = {**hidden_fields(page.text), "phone": OWNER}
    again = await browser.http.post("/login/code", data=form | {"answer": "9"})
    assert (again.status_code, "回答不正确" in again.text) == (400, True)
    form = {**hidden_fields(again.text), "phone": OWNER}
    words = await browser.http.post("/login/captcha", data=form | {"kind": "words"})
    assert (words.status_code, "三加四，等于多少？" in words.text) == (200, True)
    assert "data:" not in words.headers["content-security-policy"]
    form = {**hidden_fields(words.text), "phone": OWNER}
    sent = await browser.http.post("/login/code", data=form | {"answer": "七"})
    assert sent.status_code == 200
    signed_in = await browser.http.post("/login", data=form | {"code": browser.last_code(OWNER)})
    assert signed_in.status_code == 303


@pytest.mark.usefixtures("one")
async def test_the_characters_of_a_picture_are_read_in_any_case_and_width(
    new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "choose", lambda: "A3K7X")
    for typed in ("a3k7x", "Ａ３Ｋ７Ｘ", " A3 K7X "):
        browser = new_browser()
        assert code_of(await browser.ask(PHONE, **await solved(browser, typed))) == "sent"
    wrong = new_browser()
    assert code_of(await wrong.ask(PHONE, **await solved(wrong, "A3K7"))) == "captcha_incorrect"


@pytest.mark.usefixtures("one", "answer_is_7")
async def test_words_are_answered_less_often_than_pictures(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for _ in range(rules.CAPTCHA_WORD_TRIES):
        wrong = await solved(browser, "8", "words")
        assert code_of(await browser.ask(PHONE, **wrong)) == "captcha_incorrect"
    right = await solved(browser, "7", "words")
    assert code_of(await browser.ask(PHONE, **right)) == "code_budget_spent"
    assert code_of(await browser.ask(PHONE, **await solved(browser))) == "sent"


@pytest.mark.usefixtures("one", "answer_is_7")
async def test_an_address_gets_words_when_it_has_had_its_pictures(
    app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CAPTCHA_PICTURES", 2)
    kinds = []
    for _ in range(3):
        asked = (await new_browser().http.post("/api/v1/captchas", json={})).json()
        kinds.append((asked["kind"], asked["picture"] is not None))
    assert kinds == [("picture", True), ("picture", True), ("words", False)]


async def test_the_cookies_of_codes_are_hidden_from_scripts(new_browser: NewBrowser) -> None:
    browser = new_browser()
    answer = await browser.sign_in(OWNER, browser.authorize_url(verifier=VERIFIER))
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if "device" in c]
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert OWNER not in cookie
