"""What waits for the caller, counted: everybody is shown what they decide about, and where its number is."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.vocabulary import Audience
from identity.me import waiting
from identity.settings import CountAddress
from services.identity.tests.support.people import (
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    Person,
    SignIn,
    platform_administrators,
    registered,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

WHY = {"reason": "岗位需要"}
OF_UNITS = ["join_requests", "recoveries", "entitlement_requests", "access_reviews"]


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def numbers(person: Person) -> dict[str, int]:
    """What `/me` names, read as it says."""
    found = {}
    for one in (await person.ok("GET", "/me"))["unread"]:
        if one["audience"] != Audience.IDENTITY:
            continue
        answer: Any = await person.ok("GET", one["href"].partition("/api/v1")[2])
        for part in one["pointer"].split("/")[1:]:
            answer = answer[part]
        assert isinstance(answer, int)
        found[one["name"]] = answer
    return found


async def test_an_administrator_counts_what_waits_for_their_unit(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    county, city, unit = await sign_in(COUNTY), await sign_in(CITY), str(await unit_of(app, "370102"))
    assert await numbers(county) == dict.fromkeys(OF_UNITS, 0)
    for number in range(3):
        person = await registered(new_browser(), f"1380000000{number}", "王小明")
        await person.ok("POST", "/join-requests", json={"unit_id": unit})
    await county.ok("POST", "/entitlement-requests", json={"name": "cockpit", "reason": "负责数据分析"})
    assert await numbers(county) == {**dict.fromkeys(OF_UNITS, 0), "join_requests": 3}
    assert (await numbers(city))["entitlement_requests"] == 1
    monkeypatch.setattr(waiting, "MOST_COUNTED", 2)
    monkeypatch.setattr("identity.me.schemas.MOST_COUNTED", 2)
    counted = await county.ok("GET", "/me/waiting")
    assert counted["join_requests"] == {"count": 2, "exact": False}
    assert counted["recoveries"] == {"count": 0, "exact": True}


async def test_a_review_that_is_due_and_a_lost_number_are_counted(app: FastAPI, sign_in: SignIn) -> None:
    city, county = await sign_in(CITY), await sign_in(COUNTY)
    await city.ok("POST", f"/accounts/{await county.sub()}/entitlements", json={"name": "cockpit"})
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE entitlements SET expires_at = :soon"), {"soon": app.state.clock.now()}
        )
    assert (await numbers(city))["access_reviews"] == 1
    assert (await numbers(county))["access_reviews"] == 0, "the own unit benefits"


async def test_others_have_nothing_to_decide(sign_in: SignIn, newcomer: Person) -> None:
    for person in (await sign_in(COUNTY_HANDLER), newcomer):
        assert await numbers(person) == {}
        counted = await person.ok("GET", "/me/waiting")
        assert set(counted) == set(waiting.NAMES)
        assert all(one == {"count": 0, "exact": True} for one in counted.values())


async def test_platform_administrators_count_what_they_may_confirm(
    app: FastAPI, new_browser: NewBrowser, newcomer: Person
) -> None:
    three = await platform_administrators(app, new_browser)
    security = three["security_admin"]
    body = {**WHY, "sub": await newcomer.sub(), "role": "audit_admin"}
    proposal = await security.ok("POST", "/platform/proposals", json=body)
    role = {"code": "reporter", "name": "报送员", "permissions": ["members.read"], **WHY}
    await security.ok("POST", "/platform/roles", json=role)
    assert await numbers(security) == {"access_reviews": 0, "role_changes": 0, "appointments": 0}
    for kind in ("system_admin", "audit_admin"):
        assert await numbers(three[kind]) == {"role_changes": 1, "appointments": 1}
    await three["audit_admin"].ok("POST", f"/platform/proposals/{proposal['id']}/refuse")
    assert (await numbers(three["system_admin"]))["appointments"] == 0


async def test_counts_at_other_services_are_shown_to_members(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    href = "https://office.example/api/v1/notices/inbox/counts"
    app.state.settings.unread_counts = {
        "notices": CountAddress(audience=Audience.OFFICE, href=href, pointer="/unread/count")
    }
    shown = (await (await sign_in(COUNTY_HANDLER)).ok("GET", "/me"))["unread"]
    assert shown == [
        {"name": "notices", "audience": Audience.OFFICE, "href": href, "pointer": "/unread/count"}
    ]
    assert (await newcomer.ok("GET", "/me"))["unread"] == []
