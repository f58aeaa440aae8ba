"""A wrong code, password or one-time password counts, whatever becomes of the page that says so."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import csrf_of
from testkit.postgres import Migration

PHONE = "19900001323"
WRONG = "000000"
# A client that the database would refuse to look for.
TO_NOBODY = "/authorize?client_id=%00"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def failing(app: FastAPI, issuer: str) -> httpx.AsyncClient:
    """A browser to which a defect is a response."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=issuer)


async def asked(browser: Browser, return_to: str) -> dict[str, str]:
    shown = await browser.http.get("/login", params={"return_to": return_to})
    form = {"csrf": csrf_of(shown.text), "return_to": return_to, "phone": PHONE}
    assert (await browser.http.post("/login/code", data=form)).status_code == 200
    return form


def broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("the page cannot be made")


@pytest.mark.parametrize("path", ["/login", "/login/register"])
async def test_a_code_is_used_up_for_an_unknown_client(new_browser: NewBrowser, path: str) -> None:
    browser = new_browser()
    form = await asked(browser, TO_NOBODY)
    right = browser.last_code(PHONE)
    if path != "/login":
        form |= {"name": "王小明"}
    for _ in range(5):
        answer = await browser.http.post(path, data=form | {"code": WRONG})
        assert answer.status_code == 400
    answer = await browser.http.post("/login", data=form | {"code": right})
    assert answer.status_code == (400 if path == "/login" else 303)


@pytest.mark.parametrize("session", [False, True], ids=["lane", "session"])
async def test_a_code_is_used_up_although_the_page_fails(
    new_browser: NewBrowser,
    failing: httpx.AsyncClient,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    session: bool,
) -> None:
    browser = new_browser()
    if session:
        await browser.sign_in(PHONE, "/account")
        clock.advance(timedelta(minutes=1))
    form = await asked(browser, "/account")
    right = browser.last_code(PHONE)
    failing.cookies = browser.http.cookies
    with monkeypatch.context() as patch:
        patch.setattr("identity.signin.forms.page", broken)
        for _ in range(5):
            assert (await failing.post("/login", data=form | {"code": WRONG})).status_code == 500
    answer = await browser.http.post("/login", data=form | {"code": right})
    assert answer.status_code == 400
