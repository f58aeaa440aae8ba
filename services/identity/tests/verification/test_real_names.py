"""Real-name checks: an outside provider, its records, its limits."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.vocabulary import RealNameOutcome
from identity.app import make_real_names
from identity.verification.providers import Answer, HttpProvider, NoProvider, Sandbox
from services.identity.tests.support.phones import id_number, verify
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

PHONE, OTHER = "13812345678", "13812345679"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def person(new_browser: NewBrowser, phone: str = PHONE) -> tuple[Browser, dict[str, str]]:
    browser = new_browser()
    assert (await browser.register(phone)).status_code == 201
    return browser, await browser.bearer(phone)


async def rows(app: FastAPI, statement: str) -> list[Any]:
    async with app.state.database.transaction() as session:
        return list(await session.execute(text(statement)))


async def test_a_verified_name_is_shown_masked_and_stored_sealed(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser, headers = await person(new_browser)
    number = id_number()
    answer = await verify(browser, headers, number.lower())
    assert answer.status_code == 200, answer.text
    shown = (await browser.http.get("/api/v1/me/real-name", headers=headers)).json()
    assert shown == answer.json()
    assert shown["id_number_masked"] == f"370***********{number[-4:]}"
    assert shown["verified_by"] == "sandbox"
    (account,) = await rows(app, "SELECT * FROM accounts WHERE id_number_sealed IS NOT NULL")
    assert number not in str(account)
    assert app.state.vault.open("id_number", account.id_number_sealed) == number
    (check,) = await rows(app, "SELECT * FROM real_name_checks")
    assert (check.provider, check.outcome, check.account_id) == ("sandbox", "matched", account.id)
    assert (await verify(browser, headers, number)).json()["code"] == "already_verified"


@pytest.mark.parametrize(
    ("number", "more", "status", "code"),
    [
        (id_number(999), {}, 400, "real_name_mismatch"),
        (id_number(998), {}, 503, "real_name_unavailable"),
        (id_number(), {"consent": False}, 400, "separate_consent_required"),
        ("370102199003071234", {}, 400, "bad_id_number"),
    ],
)
async def test_a_refused_check_says_why_and_verifies_nobody(
    app: FastAPI, new_browser: NewBrowser, number: str, more: dict[str, Any], status: int, code: str
) -> None:
    browser, headers = await person(new_browser)
    answer = await verify(browser, headers, number, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await browser.http.get("/api/v1/me/real-name", headers=headers)).json()["verified_at"] is None
    recorded = [row.outcome for row in await rows(app, "SELECT outcome FROM real_name_checks")]
    assert recorded == {"real_name_mismatch": ["mismatched"], "real_name_unavailable": ["unavailable"]}.get(
        code, []
    )


async def test_a_number_belongs_to_one_account(new_browser: NewBrowser) -> None:
    first, headers = await person(new_browser)
    second, others = await person(new_browser, OTHER)
    assert (await verify(first, headers, id_number())).status_code == 200
    taken = await verify(second, others, id_number())
    assert (taken.status_code, taken.json()["code"]) == (409, "id_number_taken")


async def test_two_accounts_that_verify_one_number_at_once_are_told_apart(new_browser: NewBrowser) -> None:
    first, headers = await person(new_browser)
    second, others = await person(new_browser, OTHER)
    answers = await asyncio.gather(verify(first, headers, id_number()), verify(second, others, id_number()))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_five_checks_a_day(new_browser: NewBrowser, clock: FrozenClock) -> None:
    browser, headers = await person(new_browser)
    for _ in range(5):
        assert (await verify(browser, headers, id_number(999))).status_code == 400
    spent = await verify(browser, headers, id_number())
    assert (spent.status_code, spent.json()["code"]) == (429, "too_many_checks")


async def test_five_checks_a_day_hold_for_requests_at_once(app: FastAPI, new_browser: NewBrowser) -> None:
    browser, headers = await person(new_browser)
    answers = await asyncio.gather(*(verify(browser, headers, id_number(999)) for _ in range(10)))
    assert sorted(one.status_code for one in answers) == [400] * 5 + [429] * 5
    recorded = await rows(app, "SELECT outcome FROM real_name_checks")
    assert [row.outcome for row in recorded] == ["mismatched"] * 5


async def test_the_provider_is_asked_outside_of_a_transaction(app: FastAPI, new_browser: NewBrowser) -> None:
    browser, headers = await person(new_browser)
    open_transactions = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
    )

    class Watching(Sandbox):
        async def check(self, name: str, id_number: str, *, key: str) -> Answer:
            async with app.state.database.engine.connect() as connection:
                async with asyncio.timeout(60):
                    while await connection.scalar(open_transactions):
                        await connection.commit()
                        await asyncio.sleep(0.01)
            return await super().check(name, id_number, key=key)

    app.state.real_names = Watching()
    assert (await verify(browser, headers, id_number())).status_code == 200


async def test_the_http_provider_repeats_a_call_without_an_answer_under_one_key() -> None:
    asked: list[httpx.Request] = []

    def adapter(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) == 1:
            return httpx.Response(502)
        return httpx.Response(200, json={"result": "mismatch", "reference": "r1"})

    provider = HttpProvider(
        "https://idv.example.cn/", "s" * 32, timeout=1, transport=httpx.MockTransport(adapter)
    )
    answer = await provider.check("王小明", id_number(), key="k1")
    await provider.close()
    assert answer == Answer(RealNameOutcome.MISMATCHED, "r1")
    assert {request.headers["idempotency-key"] for request in asked} == {"k1"}
    assert {request.headers["authorization"] for request in asked} == {f"Bearer {'s' * 32}"}
    assert len(asked) == 2


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=["match"]),
        httpx.Response(200, json={"result": "perhaps"}),
    ],
)
async def test_an_answer_that_is_none_is_unavailable(response: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda _: response)
    provider = HttpProvider("https://idv.example.cn/", "s" * 32, timeout=1, transport=transport)
    answer = await provider.check("王小明", id_number(), key="k1")
    await provider.close()
    assert answer.outcome == RealNameOutcome.UNAVAILABLE


async def test_the_sandbox_is_for_dev_mode_only(app: FastAPI) -> None:
    settings = app.state.settings
    assert isinstance(make_real_names(settings), Sandbox)
    assert isinstance(make_real_names(settings.model_copy(update={"mode": "production"})), NoProvider)
    outcome = (await NoProvider().check("王小明", id_number(), key="k")).outcome
    assert outcome == RealNameOutcome.UNAVAILABLE


async def test_checks_are_kept_for_two_years(app: FastAPI, clock: FrozenClock) -> None:
    from identity.partitions import partitioned

    (table,) = [one for one in partitioned(app.state.settings) if one.table == "real_name_checks"]
    assert table.keep == timedelta(days=730)
