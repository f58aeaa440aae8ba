"""The sign-in history of a person, and the message about a sign-in at a new browser."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text

from identity.sessions.rules import means_of
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.postgres import Migration

PHONE = "19900001323"  # 历下区 370102
OTHER = "19900001324"
VERIFIER = "v" * 64
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36 Edg/120.0"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def forget(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM sms_codes"))


async def sign_in(browser: Browser, phone: str = PHONE) -> httpx.Response:
    await forget(browser.app)
    return await browser.sign_in(phone, browser.authorize_url(verifier=VERIFIER))


async def history(browser: Browser, headers: dict[str, str], **params: Any) -> Any:
    answer = await browser.http.get("/api/v1/me/sign-ins", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_sign_in_is_listed_with_device_means_and_masked_address(new_browser: NewBrowser) -> None:
    other, browser = new_browser(), new_browser()
    other.http.headers["user-agent"] = EDGE
    assert (await sign_in(other)).status_code == 303
    await sign_in(browser)
    mine, first = (await history(browser, await browser.bearer(PHONE)))["items"]
    assert (first["means"], first["refused"]) == ("sms", None)
    assert (first["device"], first["address_masked"]) == ("Windows 电脑 · Edge 浏览器", "127.0.0.*")
    assert mine["id"] > first["id"]
    assert mine["session_id"] != first["session_id"]


@pytest.mark.parametrize(
    ("amr", "means"),
    [
        (["sms", "otp"], "sms"),
        (["sms", "mca"], "text"),
        (["sms", "mca", "otp", "mfa"], "text"),
        (["hwk", "user", "mfa"], "passkey"),
    ],
)
def test_the_means_of_a_sign_in_follow_from_its_methods(amr: list[str], means: str) -> None:
    assert means_of(amr) == means


async def test_the_list_is_paged_and_one_s_own(new_browser: NewBrowser) -> None:
    browser = new_browser()
    for _ in range(3):
        await sign_in(browser)
    headers = await browser.bearer(PHONE)
    await sign_in(new_browser(), OTHER)
    page = await history(browser, headers, limit=2)
    rest = await history(browser, headers, limit=2, cursor=page["next"])
    ids = [one["id"] for one in [*page["items"], *rest["items"]]]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert rest["next"] is None


def counted(outcome: str) -> float:
    """Sign-ins since this process began."""
    return REGISTRY.get_sample_value("zhuxue_sign_ins_total", {"outcome": outcome}) or 0


async def test_a_refused_sign_in_is_listed_and_counted(app: FastAPI, new_browser: NewBrowser) -> None:
    succeeded, refused = counted("succeeded"), counted("account_suspended")
    browser = new_browser()
    headers = await browser.bearer(PHONE)
    assert (counted("succeeded"), counted("account_suspended")) == (succeeded + 1, refused)
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET status = 'suspended' WHERE name IS NOT NULL"))
    assert (await sign_in(new_browser())).status_code == 403
    assert (counted("succeeded"), counted("account_suspended")) == (succeeded + 1, refused + 1)
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET status = 'active'"))
    assert (await history(browser, headers))["items"][0]["refused"] == "account_suspended"


def notices(app: FastAPI) -> list[str]:
    return [one.text for one in app.state.sms.messages if "新设备" in one.text]


async def test_a_sign_in_at_a_browser_that_is_not_remembered_is_told_to_the_person(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"sign_in_notices": True})
    first, second = new_browser(), new_browser()
    await sign_in(first)
    assert not notices(app), "the first sign-in of all"
    await sign_in(first)
    assert not notices(app), "a remembered browser"
    await sign_in(second)
    assert len(notices(app)) == 1
    await sign_in(second)
    assert len(notices(app)) == 1
