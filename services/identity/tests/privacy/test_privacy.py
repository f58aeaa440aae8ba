"""A copy of one's data, and the end of one's account with it."""

import asyncio
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity.privacy import content
from identity.privacy.dependencies import privacy_for
from identity.privacy.jobs import complete_due, prune
from services.identity.tests.support.phones import id_number, verify
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

PHONE = "13812345678"
COUNTY_ADMIN = "19900001323"  # 历下区 370102


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def person(
    new_browser: NewBrowser, phone: str = PHONE, *, corrected: str | None = None
) -> tuple[Browser, dict[str, str]]:
    browser = new_browser()
    assert (await browser.register(phone)).status_code == 201
    headers = await browser.bearer(phone)
    if corrected is not None:
        named = await browser.http.patch("/api/v1/me", headers=headers, json={"name": corrected})
        assert named.status_code == 200, named.text
    assert (await verify(browser, headers, id_number())).status_code == 200
    return browser, headers


async def run(app: FastAPI, statement: str) -> list[Any]:
    async with app.state.database.transaction() as session:
        return list(await session.execute(text(statement)))


async def ready(browser: Browser, headers: dict[str, str]) -> str:
    """Until the worker has made the export; its id."""
    async with asyncio.timeout(60):
        while True:
            (listed,) = (await browser.http.get("/api/v1/me/exports", headers=headers)).json()
            if listed["status"] == "done":
                return str(listed["id"])
            await asyncio.sleep(0.02)


async def closed(app: FastAPI, clock: FrozenClock) -> int:
    state = app.state
    done = await complete_due(
        state.database,
        clock,
        lambda session: privacy_for(session, clock, state.vault, state.settings, state.sms_dispatcher),
    )
    await state.sms_dispatcher.drain()
    return done


async def test_an_export_contains_the_person_s_own_data_unmasked(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    asked = await browser.http.post("/api/v1/me/exports", headers=headers)
    assert asked.status_code == 202, asked.text
    url = f"/api/v1/me/exports/{await ready(browser, headers)}/file"
    file = await browser.http.get(url, headers=headers)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/zip"), file.text
    assert file.headers["cache-control"] == "no-store"
    archive = zipfile.ZipFile(io.BytesIO(file.content))
    whole = json.loads(archive.read("个人信息.json"))
    (account,) = whole["账号"]
    assert (account["手机号"], account["公民身份号码"], account["姓名"]) == (PHONE, id_number(), "王小明")
    assert whole["登录记录"]
    assert {one["事项"] for one in whole["操作记录"]} >= {"account.registered", "account.verified", "sign_in"}
    page = archive.read("个人信息.html").decode()
    assert PHONE in page
    assert "公民身份号码处理告知书" in page or "id_number" in page
    assert whole["登录记录"][0]["方式"] == "sms"
    assert "<td>短信验证码</td>" in page
    (row,) = await run(app, "SELECT * FROM data_exports")
    assert PHONE.encode() not in row.file_sealed
    actions = [one.action for one in await run(app, "SELECT action FROM audit_log")]
    assert "data.exported" in actions


async def test_an_export_is_made_once_a_day_and_deleted_after_seven(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    first = await browser.http.post("/api/v1/me/exports", headers=headers)
    again = await browser.http.post("/api/v1/me/exports", headers=headers)
    assert (first.status_code, again.status_code) == (202, 429)
    assert again.json()["code"] == "export_too_soon"
    await ready(browser, headers)
    clock.advance(timedelta(days=7))
    await prune(app.state.database, clock)
    assert not await run(app, "SELECT id FROM data_exports")


async def test_nobody_else_downloads_an_export(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    await browser.http.post("/api/v1/me/exports", headers=headers)
    export_id = await ready(browser, headers)
    other = new_browser()
    theirs = await other.bearer(COUNTY_ADMIN)
    refused = await other.http.get(f"/api/v1/me/exports/{export_id}/file", headers=theirs)
    assert (refused.status_code, refused.json()["code"]) == (404, "export_not_found")


def test_the_page_of_an_export_escapes_what_people_have_typed() -> None:
    from datetime import UTC, datetime

    page = content.as_html({"账号": [{"姓名": "<script>"}], "空": []}, datetime(2026, 11, 26, tzinfo=UTC))
    assert "<script>" not in page
    assert "2026-11-26 08:00:00" in page
    assert "<p>无</p>" in page


async def holding(app: FastAPI, words: str) -> dict[str, set[str]]:
    """The tables with a row that has the words, partitions as their table; of the audit log the actions."""
    tables = await run(
        app,
        "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace",
    )
    found: dict[str, set[str]] = {}
    for (table,) in tables:
        action = "row.action" if table == "audit_log" else "''"
        rows = await run(
            app, f"SELECT DISTINCT {action} FROM {table} AS row WHERE row::text LIKE '%{words}%'"
        )
        if rows:
            found[table] = {one[0] for one in rows}
    return found


async def test_an_account_is_closed_after_fifteen_days_and_its_data_erased(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser, corrected="王晓明")
    await browser.http.post("/api/v1/me/exports", headers=headers)
    asked = await browser.http.post("/api/v1/me/closing", headers=headers)
    assert asked.status_code == 201, asked.text
    twice = await browser.http.post("/api/v1/me/closing", headers=headers)
    assert twice.json()["code"] == "closing_pending"
    clock.advance(timedelta(days=15) - timedelta(seconds=1))
    assert await closed(app, clock) == 0
    clock.advance(timedelta(seconds=1))
    assert await closed(app, clock) == 1
    (account,) = await run(app, "SELECT * FROM accounts WHERE status = 'closed'")
    assert (account.name, account.phone_masked, account.id_number_sealed) == ("已注销用户", "", None)
    assert app.state.vault.open("phone", account.phone_sealed) == f"lost:{account.id}"
    for table in ("sign_ins", "passwords", "passkeys", "data_exports"):
        assert not await run(app, f"SELECT 1 FROM {table} WHERE account_id = '{account.id}'"), table
    assert await run(app, f"SELECT 1 FROM agreements WHERE account_id = '{account.id}'"), "kept as proof"
    assert "已注销" in app.state.sms.messages[-1].text
    (event,) = [
        row
        for row in await run(app, "SELECT * FROM audit_log WHERE action = 'account.closed'")
        if row.target_id == str(account.id)
    ]
    assert "王小明" not in str(event)
    # docs/security.md, "What stays in the audit log": one row names both, nothing else names either.
    for name in ("王小明", "王晓明"):
        assert await holding(app, name) == {"audit_log": {"account.name_corrected"}}, name
    assert (await new_browser().register(PHONE)).status_code == 201, "the number is free again"


async def test_a_closing_is_cancelled_until_then(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    await browser.http.post("/api/v1/me/closing", headers=headers)
    assert (await browser.http.get("/api/v1/me/closing", headers=headers)).status_code == 200
    assert (await browser.http.delete("/api/v1/me/closing", headers=headers)).status_code == 204
    missing = await browser.http.get("/api/v1/me/closing", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "closing_not_found")
    clock.advance(timedelta(days=16))
    assert await closed(app, clock) == 0


async def test_a_member_cannot_close_the_account(new_browser: NewBrowser) -> None:
    admin = new_browser()
    headers = await admin.bearer(COUNTY_ADMIN)
    refused = await admin.http.post("/api/v1/me/closing", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "still_member")


async def test_whoever_joined_a_unit_meanwhile_keeps_the_account(
    app: FastAPI, new_browser: NewBrowser, clock: FrozenClock
) -> None:
    browser, headers = await person(new_browser)
    await browser.http.post("/api/v1/me/closing", headers=headers)
    async with app.state.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO memberships (id, account_id, unit_id, is_primary, roles, posts, started_at)"
                " SELECT gen_random_uuid(), a.id, (SELECT id FROM units LIMIT 1), true, '{}', '{}', now()"
                " FROM accounts a WHERE a.id_number_sealed IS NOT NULL"
            )
        )
    clock.advance(timedelta(days=15))
    assert await closed(app, clock) == 0
    (row,) = await run(app, "SELECT * FROM account_closings")
    assert row.outcome == "still_member"
