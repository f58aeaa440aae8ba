"""Correcting one's own name (PIPL article 46): freely before the real-name check, by another one after it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from contracts.identity import PersonChangedV1
from identity.accounts import rules
from identity.accounts.repository import AccountRepository
from identity.audit.models import AuditRecord
from identity.base import outbox
from services.identity.tests.support.people import COUNTY, COUNTY_HANDLER, NEWCOMER, Person, registered
from services.identity.tests.support.phones import id_number, verify
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.pages import csrf_of
from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def person(new_browser: NewBrowser) -> Person:
    return await registered(new_browser(), NEWCOMER, "王小名")


@pytest.fixture(autouse=True)
async def _events_stay_in_the_outbox(app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT 'infinity'"))


async def told(app: FastAPI, sub: str) -> list[tuple[str, int]]:
    async with app.state.database.transaction() as session:
        rows = (
            await session.scalars(select(outbox.row).where(outbox.row.type == PersonChangedV1.type))
        ).all()
    events = [PersonChangedV1.model_validate(row.data) for row in rows]
    return [(event.name, event.version) for event in events if str(event.sub) == sub]


async def corrections(app: FastAPI, sub: str) -> list[AuditRecord]:
    async with app.state.database.transaction() as session:
        found = await session.scalars(
            select(AuditRecord).where(
                AuditRecord.target_id == sub, AuditRecord.action == "account.name_corrected"
            )
        )
        return list(found.all())


async def correct(person: Person, number: str, name: str, **more: Any) -> httpx.Response:
    return await verify(person.browser, person.headers, number, name=name, **more)


async def test_a_person_corrects_a_name_that_is_not_verified(app: FastAPI, person: Person) -> None:
    sub = await person.sub()
    assert (await person.ok("PATCH", "/me", json={"name": "王 小明"}))["name"] == "王小明"
    assert (await person.ok("GET", "/me"))["name"] == "王小明"
    assert await told(app, sub) == [("王小明", 2)]
    (record,) = await corrections(app, sub)
    assert record.actor == sub
    assert record.details == {"former": "王小名", "name": "王小明"}
    # The same name once more is no correction.
    await person.ok("PATCH", "/me", json={"name": "王小明"})
    assert len(await corrections(app, sub)) == 1


async def test_the_administrators_of_the_unit_are_told_of_a_corrected_name(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    handler = Person(browser, COUNTY_HANDLER, await browser.bearer(COUNTY_HANDLER))
    former = (await handler.ok("GET", "/me"))["name"]
    await handler.ok("PATCH", "/me", json={"name": "李晓明"})
    await app.state.sms_dispatcher.caught_up()
    (told_text,) = [one.text for one in app.state.sms.messages if one.phone == COUNTY]
    assert f"（原名 {former[0]}**）将姓名更正为 李晓明" in told_text
    assert former not in told_text


async def test_a_name_that_is_no_name_is_refused(person: Person) -> None:
    for name in ("", "王", "王小明1", "王" * 60):
        assert await person.code("PATCH", "/me", json={"name": name}) == (400, "bad_name")


async def test_a_name_is_corrected_three_times_in_thirty_days(
    app: FastAPI, person: Person, clock: FrozenClock
) -> None:
    for name in ("王小明", "王晓明", "王晓鸣"):
        await person.ok("PATCH", "/me", json={"name": name})
    assert await person.code("PATCH", "/me", json={"name": "王小鸣"}) == (429, "too_many_corrections")
    sub, later = UUID(await person.sub()), clock.now() + timedelta(days=1)
    async with app.state.database.transaction() as session:
        made = AccountRepository(session)
        assert await made.corrections(sub, later - rules.CORRECTIONS_WITHIN) == 3
        assert await made.corrections(sub, later) == 0


async def test_a_verified_name_is_corrected_by_another_check_with_the_same_number(
    app: FastAPI, person: Person
) -> None:
    sub, number = await person.sub(), id_number()
    assert (await verify(person.browser, person.headers, number)).status_code == 200
    assert await person.code("PATCH", "/me", json={"name": "王小明"}) == (409, "name_verified")
    other = await correct(person, id_number(124), "王小明")
    assert (other.status_code, other.json()["code"]) == (409, "id_number_differs")
    assert (await correct(person, number, "王小名")).json()["code"] == "already_verified"
    answer = await correct(person, number, "王小明")
    assert (answer.status_code, answer.json()["name"]) == (200, "王小明")
    assert await told(app, sub) == [("王小明", 2)]
    assert len(await corrections(app, sub)) == 1


async def test_a_first_check_can_correct_the_name_at_once(app: FastAPI, person: Person) -> None:
    mismatch = await correct(person, id_number(999), "王小明")
    assert mismatch.json()["code"] == "real_name_mismatch"
    assert (await person.ok("GET", "/me"))["name"] == "王小名"
    answer = await correct(person, id_number(), "王小明")
    assert (answer.json()["name"], answer.json()["verified_by"]) == ("王小明", "sandbox")


async def test_a_number_of_another_account_leaves_the_name_as_it_was(
    app: FastAPI, person: Person, new_browser: NewBrowser
) -> None:
    first = await registered(new_browser(), "13812345679")
    assert (await verify(first.browser, first.headers, id_number())).status_code == 200
    page = await person.browser.http.get("/account/name")
    taken = await correct(person, id_number(), "王小明")
    assert taken.json()["code"] == "id_number_taken"
    assert (await person.ok("GET", "/me"))["name"] == "王小名"
    assert page.status_code == 200


async def test_the_page_corrects_the_name_and_asks_for_the_number_once_it_is_verified(
    app: FastAPI, person: Person
) -> None:
    http = person.browser.http
    assert "/account/name" in (await http.get("/account")).text
    page = await http.get("/account/name")
    assert "id_number" not in page.text
    form = {"csrf": csrf_of(page.text)}
    refused = await http.post("/account/name", data={**form, "name": "1"})
    assert (refused.status_code, "真实姓名" in refused.text) == (400, True)
    done = await http.post("/account/name", data={**form, "name": "王晓明"})
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    assert (await person.ok("GET", "/me"))["name"] == "王晓明"
    number = id_number()
    assert (await verify(person.browser, person.headers, number)).status_code == 200
    assert "id_number" in (await http.get("/account/name")).text
    filled = {**form, "name": "王小明", "id_number": number}
    assert (await http.post("/account/name", data=filled)).status_code == 400
    assert (await http.post("/account/name", data={**filled, "consent": "yes"})).status_code == 303
    assert (await person.ok("GET", "/me"))["name"] == "王小明"
