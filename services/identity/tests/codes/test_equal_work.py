"""What is done for a number with an account is done for one without: the same statements in the same order,
and a message for each. `make bench-codes` measures the times.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event

from servicekit.lanes import Statement
from services.identity.tests.support.people import forget_codes
from services.identity.tests.support.phones import OLD, id_number, lost_account, member, sought
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.pages import csrf_of, hidden_fields
from testkit.postgres import Migration

KNOWN, UNKNOWN = "19900001323", "13812345678"
WRONG = "000000"
PURPOSES = ("register", "sign_in", "recover", "cancel_change")
_mine: ContextVar[bool] = ContextVar("mine", default=False)


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
def statements(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements of requests, in sessions and on lanes, without those of tasks in the background."""
    found: list[str] = []
    engine = app.state.database.engine.sync_engine

    def executed(_1: Any, _2: Any, statement: str, *_3: Any) -> None:
        if _mine.get():
            found.append(statement)

    arguments = Statement.arguments

    def on_a_lane(statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        executed(None, None, statement.sql)
        return arguments(statement, values)

    event.listen(engine, "before_cursor_execute", executed)
    monkeypatch.setattr(Statement, "arguments", on_a_lane)
    yield found
    event.remove(engine, "before_cursor_execute", executed)


@contextmanager
def counted() -> Iterator[None]:
    token = _mine.set(True)
    try:
        yield
    finally:
        _mine.reset(token)


async def rest_code(browser: Browser, phone: str, purpose: str) -> Any:
    with counted():
        return await browser.ask(phone, purpose)


async def page_code(browser: Browser, phone: str, path: str) -> Any:
    first = await browser.http.get(path, params={"return_to": "/account"})
    form = {**hidden_fields(first.text), "phone": phone}
    with counted():
        return await browser.http.post(f"{path}/code", data=form)


async def wrong_code(browser: Browser, phone: str, purpose: str) -> Any:
    await browser.ask(phone, purpose)
    with counted():
        return await browser.register(phone, WRONG)


async def wrong_sign_in(browser: Browser, phone: str, _: str) -> Any:
    await browser.ask_for_code(phone)
    page = await browser.http.get("/login", params={"return_to": "/account"})
    form = {"csrf": csrf_of(page.text), "return_to": "/account", "phone": phone, "code": WRONG}
    with counted():
        return await browser.http.post("/login", data=form)


async def texting(browser: Browser, phone: str, purpose: str) -> Any:
    body = {"phone": phone, "purpose": purpose}
    with counted():
        return await browser.http.post("/api/v1/text-challenges", json=body)


CASES = [
    *((rest_code, purpose) for purpose in PURPOSES),
    (page_code, "/login"),
    (page_code, "/login/register"),
    (wrong_code, "register"),
    (wrong_sign_in, ""),
    *((texting, purpose) for purpose in PURPOSES),
]


@pytest.mark.parametrize(("act", "how"), CASES, ids=[f"{act.__name__}-{how}" for act, how in CASES])
async def test_known_and_unknown_numbers_cause_the_same_work(
    app: FastAPI, new_browser: NewBrowser, statements: list[str], act: Any, how: str
) -> None:
    # A first time, so that nothing is loaded or compiled in the second.
    await act(new_browser(), UNKNOWN, how)
    seen = []
    for phone in (KNOWN, UNKNOWN, KNOWN):
        statements.clear()
        before = len(app.state.sms.messages)
        answer = await act(new_browser(), phone, how)
        await app.state.sms_dispatcher.caught_up()
        seen.append((answer.status_code, list(statements), len(app.state.sms.messages) - before))
    assert seen[0][1], "no statement was seen"
    assert seen[0] == seen[1] == seen[2]


async def test_asking_for_a_lost_account_is_the_same_work_for_a_known_and_an_unknown_person(
    app: FastAPI, new_browser: NewBrowser, statements: list[str]
) -> None:
    """A job looks for the account, after the answer."""
    await member(new_browser)
    seen = []
    for changes in ({"name": "李小明"}, {}, {"id_number": id_number(124)}, {"old_phone": OLD}):
        await forget_codes(app)
        browser = new_browser()
        body = await lost_account(browser) | changes
        statements.clear()
        with counted():
            answer = await browser.http.post("/api/v1/phone-recoveries", json=body)
        seen.append((answer.status_code, answer.json(), list(statements)))
        await sought(app)
    assert seen[0][2], "no statement was seen"
    assert seen[0] == seen[1] == seen[2] == seen[3]


async def test_a_refusal_is_the_same_for_known_and_unknown_numbers(
    app: FastAPI, new_browser: NewBrowser, statements: list[str]
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"sms_budget_per_number": 2})
    seen = []
    for phone in (KNOWN, UNKNOWN):
        assert (await new_browser().ask(phone, "sign_in")).status_code == 202
        statements.clear()
        answer = await rest_code(new_browser(), phone, "sign_in")
        assert answer.json()["code"] == "captcha_required"
        seen.append(list(statements))
    assert seen[0] == seen[1]
