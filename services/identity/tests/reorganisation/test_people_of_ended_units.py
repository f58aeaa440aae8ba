"""People of closed and merged units: their work is handed over, and nobody acts for the unit any more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.vocabulary import Role
from identity import bootstrap
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import job_queue
from identity.codes.service import Codes
from identity.memberships.service import Memberships
from identity.platform.service import Platform
from identity.policies.service import Policies
from identity.reorganisation import jobs, kinds, settling
from identity.reorganisation.dependencies import settling_for
from identity.units import worlds
from identity.units.models import Unit
from identity.units.rules import PersonSeed
from jobs.worker import Pace, Worker
from services.identity.tests.support.people import Person, SignIn, registered, unit_of
from services.identity.tests.support.running_identity import NewBrowser, filled, running
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory
from testkit.postgres import Migration
from testkit.waiting import moments

CITY, COUNTY, COUNTY_HANDLER, NEIGHBOUR = "19900001039", "19900001323", "19900001324", "19900001325"
"""济南市, 历下区 (370102) with its 经办人, 市中区 (370103)."""
CODES = {"100000", "370000", "370100", "370102", "370103", "370104"}
WHY = {"reason": "区划调整"}
MANY = 45


def neighbours() -> bootstrap.World:
    units = [unit for unit in worlds.world_s() if unit.code in CODES]
    everybody = [*worlds.centre_staff(), *worlds.world_s_people()]
    return bootstrap.World(units, [one for one in everybody if one.unit_code in CODES], frozenset())


async def with_neighbours(url: str) -> None:
    await filled(url, neighbours())


@pytest.fixture
def prepared() -> Migration:
    return with_neighbours


@pytest.fixture
async def app(
    database_factory: DatabaseFactory, clock: FrozenClock, prepared: Migration, issuer: str
) -> AsyncIterator[FastAPI]:
    """Identity without jobs: tests run them when they want to."""
    url = await database_factory("identity", prepared)
    async with running(url, clock, issuer, run_jobs=False) as application:
        async with application.state.database.transaction() as session:
            # Events stay where they are.
            await session.execute(
                text("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT 'infinity'")
            )
        yield application


@pytest.fixture
def sign_in(new_browser: NewBrowser) -> SignIn:
    async def signed_in(phone: str) -> Person:
        browser = new_browser()
        return Person(browser, phone, await browser.bearer(phone))

    return signed_in


async def rows(app: FastAPI, query: str, **values: Any) -> list[Any]:
    async with app.state.database.transaction() as session:
        return list((await session.execute(text(query), values)).mappings().all())


async def crowd(app: FastAPI, code: str, count: int = MANY) -> list[UUID]:
    """Many people in a unit."""
    state = app.state
    seeds = [
        PersonSeed(str(13_900_000_000 + number), f"张三{number:03d}", code, (Role.HANDLER,))
        for number in range(count)
    ]
    async with state.database.transaction() as session:
        audit = AuditLog(session, state.clock)
        codes = Codes(session, state.clock, state.vault)
        accounts = Accounts(session, state.clock, state.vault, codes, audit)
        unit = await session.get_one(Unit, await unit_of(app, code))
        platform = Platform(session)
        memberships = Memberships(session, state.clock, accounts, None, platform, None, audit)  # type: ignore[arg-type]
        subs = await memberships.load(seeds, {code: (unit.id, unit.path)}, state.clock.now())
        await Policies(session, state.clock, audit, state.policies).load(subs, state.clock.now())
        return subs


async def change(by: Person, app: FastAPI, code: str, operation: str, **body: Any) -> Any:
    answer = await by.browser.http.post(
        f"/api/v1/units/{await unit_of(app, code)}/{operation}",
        headers={**by.headers, "If-Match": "*"},
        json={**WHY, **body},
    )
    assert answer.is_success, answer.text
    return answer.json()


async def close(by: Person, app: FastAPI, code: str) -> Any:
    return await change(by, app, code, "close")


async def merge(by: Person, app: FastAPI, code: str, into: str) -> Any:
    return await change(by, app, code, "merge", into_id=str(await unit_of(app, into)))


async def asked(app: FastAPI) -> list[dict[str, Any]]:
    found = await rows(
        app, "SELECT data FROM outbox WHERE type = 'zhuxue.identity.handover.requested.v1' ORDER BY seq"
    )
    return [one["data"] for one in found]


async def ending(by: Person, app: FastAPI, code: str) -> Any:
    return await by.ok("GET", f"/units/{await unit_of(app, code)}/ending")


async def jobs_done(app: FastAPI, state: str = "succeeded") -> None:
    """Run the jobs until each has ended."""
    identity = app.state
    worker = Worker(
        "identity",
        identity.database,
        job_queue,
        handlers=[jobs.handler(identity.settings, identity.vault, identity.clock)],
        pace=Pace(poll=0.1, grace=0.1),
    )
    async with worker.running(), asyncio.timeout(120):
        while True:
            async with identity.database.transaction() as session:
                found = await job_queue.list(session, kind=kinds.END.name)
            if found and all(one.state == state for one in found):
                return
            await asyncio.sleep(0.05)


async def refused_at_last(person: Person) -> str:
    async for _ in moments():
        answer = await person.call("GET", "/me")
        if answer.status_code == 401:
            break
    return str(answer.json()["code"])


async def consistent(app: FastAPI) -> None:
    """Nobody is left in a closed unit, and everybody has one primary membership if any."""
    left = await rows(
        app,
        "SELECT m.id FROM memberships m JOIN units u ON u.id = m.unit_id"
        " WHERE m.ended_at IS NULL AND u.status = 'closed'",
    )
    assert left == []
    primary = await rows(
        app,
        "SELECT account_id FROM memberships WHERE ended_at IS NULL GROUP BY account_id"
        " HAVING count(*) FILTER (WHERE is_primary) <> 1",
    )
    assert primary == []


async def test_open_work_of_a_closed_unit_goes_to_the_unit_above(app: FastAPI, sign_in: SignIn) -> None:
    city, county, handler = await sign_in(CITY), await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    people = {await county.sub(), await handler.sub()}
    unit, above = await unit_of(app, "370102"), await unit_of(app, "370100")
    await close(city, app, "370102")
    events = await asked(app)
    assert {one["sub"] for one in events} == people
    assert {
        (one["unit_id"], one["successor"], one["successor_unit_id"], one["successor_unit_path"])
        for one in events
    } == {(str(unit), None, str(above), "100000.370000.370100")}
    listed = (await city.ok("GET", f"/units/{unit}/hand-overs"))["items"]
    assert {(one["sub"], one["successor_unit_id"], one["reason"]) for one in listed} == {
        (sub, str(above), "单位撤销") for sub in people
    }
    done = await ending(city, app, "370102")
    assert (done["people"], done["settled"], done["stalled"]) == (2, 2, False)
    assert done["finished_at"] is not None
    ended = await rows(app, "SELECT details FROM audit_log WHERE action = 'membership.ended'")
    assert [one["details"]["cause"] for one in ended] == ["unit_closed"] * 2
    await consistent(app)


async def test_open_work_of_a_merged_unit_goes_on_with_its_people_in_the_other_unit(
    app: FastAPI, sign_in: SignIn
) -> None:
    city, county, handler = await sign_in(CITY), await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    unit, into = str(await unit_of(app, "370102")), str(await unit_of(app, "370103"))
    leave = {"unit_id": unit, "reason": "调离资助工作岗位", "successor": await county.sub()}
    left = await handler.ok("POST", "/me/leave", json=leave)
    await merge(city, app, "370102", "370103")
    first, *others = await asked(app)
    assert (first["hand_over_id"], first["successor_unit_id"]) == (left["id"], None)
    assert {one["successor_unit_id"] for one in others} == {into}
    # What was asked for before is asked for again with the new unit; the successor goes there, too.
    by_sub = {one["sub"]: one for one in others}
    mine = by_sub[left["sub"]]
    assert (mine["hand_over_id"], mine["successor"]) == (left["id"], leave["successor"])
    theirs = by_sub[leave["successor"]]
    assert theirs["successor"] == leave["successor"]
    (membership,) = (await (await county.again()).ok("GET", "/me"))["memberships"]
    assert (membership["unit_id"], membership["primary"]) == (into, True)
    await consistent(app)


async def test_a_request_for_an_entitlement_goes_on_in_the_unit_that_takes_over(
    app: FastAPI, sign_in: SignIn
) -> None:
    city, handler = await sign_in(CITY), await sign_in(COUNTY_HANDLER)
    wish = {"name": "cockpit", "reason": "负责本县资助数据分析"}
    asked_for = await handler.ok("POST", "/entitlement-requests", json=wish)
    await merge(city, app, "370102", "370103")
    approved = await city.ok("POST", f"/entitlement-requests/{asked_for['id']}/approve")
    assert (approved["status"], approved["unit_id"]) == ("approved", str(await unit_of(app, "370103")))
    assert (await (await handler.again()).ok("GET", "/me"))["entitlements"] == ["cockpit"]


async def test_nobody_acts_for_a_large_closed_unit_while_a_job_ends_its_memberships(
    app: FastAPI, sign_in: SignIn
) -> None:
    subs = await crowd(app, "370102")
    city, county, one = await sign_in(CITY), await sign_in(COUNTY), await sign_in("13900000007")
    unit = await unit_of(app, "370102")
    await one.ok("GET", f"/units/{unit}")
    await close(city, app, "370102")
    waiting = await ending(city, app, "370102")
    assert (waiting["people"], waiting["settled"], waiting["finished_at"]) == (MANY + 2, 0, None)
    assert await asked(app) == []
    # The tokens are refused, and new ones give nothing in this unit.
    assert await refused_at_last(one) == "token_revoked"
    for person in (county, one):
        me = await (await person.again()).ok("GET", "/me")
        assert (me["memberships"], me["roles"], me["permissions"], me["unit_id"]) == ([], [], [], None)
    assert (await county.call("GET", f"/units/{unit}/members")).status_code == 403
    city = await city.again()
    assert (await city.ok("GET", f"/units/{unit}/members"))["items"] == []
    await jobs_done(app)
    finished = await ending(city, app, "370102")
    assert (finished["settled"], finished["finished_at"] is not None) == (MANY + 2, True)
    assert {UUID(one["sub"]) for one in await asked(app)} >= set(subs)
    assert len(await asked(app)) == MANY + 2
    await consistent(app)


async def test_whoever_joins_another_unit_meanwhile_keeps_it_as_primary(
    app: FastAPI, sign_in: SignIn
) -> None:
    await crowd(app, "370102")
    city, one, other = await sign_in(CITY), await sign_in("13900000007"), await sign_in("13900000008")
    await rows(
        app,
        "INSERT INTO memberships (id, account_id, unit_id, is_primary, roles, started_at) SELECT"
        " gen_random_uuid(), CAST(:sub AS uuid), id, false, '{handler}', now() FROM units"
        " WHERE code IN ('370103', '370104') RETURNING 1",
        sub=await other.sub(),
    )
    await merge(city, app, "370102", "370103")
    above = str(await unit_of(app, "370100"))
    city, one, other = await city.again(), await one.again(), await other.again()
    wish = await one.ok("POST", "/join-requests", json={"unit_id": above, "roles": ["handler"]})
    await city.ok("POST", f"/join-requests/{wish['id']}/approve")
    last = str(await unit_of(app, "370104"))
    await other.ok("POST", "/me/primary-unit", json={"unit_id": last})
    assert {unit["unit_id"] for unit in (await other.ok("GET", "/me"))["memberships"]} == {
        last,
        str(await unit_of(app, "370103")),
    }
    await jobs_done(app)
    mine = (await (await one.again()).ok("GET", "/me"))["memberships"]
    assert [(unit["unit_id"], unit["primary"]) for unit in mine] == [
        (above, True),
        (str(await unit_of(app, "370103")), False),
    ]
    theirs = (await (await other.again()).ok("GET", "/me"))["memberships"]
    assert [unit["unit_id"] for unit in theirs if unit["primary"]] == [last]
    await consistent(app)


async def test_a_job_that_dies_half_way_ends_every_membership_once(
    app: FastAPI, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 10)
    await crowd(app, "370102")
    city = await sign_in(CITY)
    await merge(city, app, "370102", "370103")
    calls = 0

    class Dying:
        """The work of a transaction is lost at some calls."""

        def __init__(self, *of: Any) -> None:
            self._of = settling_for(*of)

        async def go_on(self, *given: Any) -> Any:
            nonlocal calls
            calls += 1
            done = await self._of.go_on(*given)
            if calls in (2, 4):
                raise RuntimeError("killed")
            return done

    monkeypatch.setattr(jobs, "settling_for", Dying)
    await jobs_done(app)
    assert calls == 2 + (MANY + 2) // 10 + 1
    into = await unit_of(app, "370103")
    (counted,) = await rows(
        app,
        "SELECT count(*), count(DISTINCT account_id) AS people FROM memberships"
        " WHERE unit_id = :unit AND ended_at IS NULL",
        unit=into,
    )
    assert (counted["count"], counted["people"]) == (MANY + 4, MANY + 4)
    assert len({one["hand_over_id"] for one in await asked(app)}) == len(await asked(app)) == MANY + 2
    done = await ending(city, app, "370102")
    assert (done["people"], done["settled"]) == (MANY + 2, MANY + 2)
    await consistent(app)


@pytest.mark.parametrize("then", ["merged", "closed"])
async def test_people_follow_a_unit_that_ends_again_before_they_have_arrived(
    app: FastAPI, sign_in: SignIn, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "AT_ONCE", 0)
    city, county = await sign_in(CITY), await sign_in(COUNTY)
    sub = await county.sub()
    await merge(city, app, "370102", "370103")
    if then == "merged":
        await merge(city, app, "370103", "370104")
    else:
        await close(city, app, "370103")
    await jobs_done(app)
    units = await rows(
        app,
        "SELECT u.code FROM memberships m JOIN units u ON u.id = m.unit_id"
        " WHERE m.account_id = CAST(:sub AS uuid) AND m.ended_at IS NULL",
        sub=sub,
    )
    assert [one["code"] for one in units] == (["370104"] if then == "merged" else [])
    (mine,) = [one for one in await asked(app) if one["sub"] == sub]
    to, successor = ("370104", sub) if then == "merged" else ("370100", None)
    assert (mine["successor_unit_id"], mine["successor"]) == (str(await unit_of(app, to)), successor)
    await consistent(app)


async def test_a_delegation_ends_with_its_unit_and_says_why(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "AT_ONCE", 0)
    city, county, handler = await sign_in(CITY), await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    unit = str(await unit_of(app, "370102"))
    wish = {
        "unit_id": unit,
        "to": await handler.sub(),
        "roles": ["approver"],
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(days=30)).isoformat(),
        "reason": "出差期间代办",
    }
    made = await county.ok("POST", "/me/delegations", json=wish)
    assert (made["active"], made["end_cause"]) == (True, None)

    async def listed() -> dict[str, Any]:
        (found,) = (await city.ok("GET", f"/units/{unit}/delegations"))["items"]
        return dict(found)

    await merge(city, app, "370102", "370103")
    # The unit is closed, the row not yet.
    pending = await listed()
    assert (pending["active"], pending["revoked_at"]) == (False, None)
    await jobs_done(app)
    ended = await listed()
    assert (ended["active"], ended["end_cause"]) == (False, "unit_merged")
    assert ended["revoked_at"] is not None
    (record,) = await rows(app, "SELECT target_id, details FROM audit_log WHERE action = 'delegation.ended'")
    assert (record["target_id"], record["details"]["cause"]) == (made["id"], "unit_merged")


async def test_requests_to_join_a_closed_unit_are_rejected_however_many(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "BATCH", 2)
    city = await sign_in(CITY)
    unit = str(await unit_of(app, "370102"))
    for number in range(3):
        person = await registered(new_browser(), f"1381234560{number}")
        await person.ok("POST", "/join-requests", json={"unit_id": unit, "roles": ["handler"]})
    await close(city, app, "370102")
    await jobs_done(app)
    found = await rows(app, "SELECT status, reason FROM join_requests")
    assert [(one["status"], one["reason"]) for one in found] == [("rejected", "单位已撤销")] * 3
    await consistent(app)


async def test_the_progress_of_an_end_is_seen_from_above_only(app: FastAPI, sign_in: SignIn) -> None:
    city, neighbour = await sign_in(CITY), await sign_in(NEIGHBOUR)
    unit = await unit_of(app, "370102")
    assert await city.code("GET", f"/units/{unit}/ending") == (404, "unit_ending_not_found")
    await close(city, app, "370102")
    assert (await ending(city, app, "370102"))["merged_into_id"] is None
    assert await neighbour.code("GET", f"/units/{unit}/ending") == (403, "out_of_reach")
