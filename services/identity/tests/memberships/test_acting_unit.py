"""Several memberships: the primary one, the acting one of a browser, and what tokens and `/me` say."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select, text, update

from contracts.permissions import BUILT_IN
from contracts.vocabulary import Permission, Role
from identity.memberships.models import Membership
from identity.platform.models import PlatformAdministrator
from identity.roles import rules
from identity.roles.rules import Powers
from identity.units.models import Unit
from services.identity.tests.support.people import end_memberships
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.postgres import Migration
from testkit.waiting import moments

COUNTY_ADMIN = "19900001323"  # 历下区 370102
COUNTY_HANDLER = "19900001324"
CITY_ADMIN = "19900001039"  # 济南市 370100


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def claims(headers: dict[str, str]) -> dict[str, Any]:
    part = headers["Authorization"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def unit_id(app: FastAPI, code: str) -> UUID:
    async with app.state.database.transaction() as session:
        found: UUID = await session.scalar(select(Unit.id).where(Unit.code == code))
        return found


async def sub_of(browser: Browser, headers: dict[str, str]) -> UUID:
    return UUID((await browser.http.get("/api/v1/me", headers=headers)).json()["sub"])


async def forget_codes(app: FastAPI) -> None:
    """So that a number may sign in at a second browser at once."""
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM sms_codes"))
        await session.execute(text("DELETE FROM code_budgets"))


async def add_membership(app: FastAPI, sub: UUID, unit: UUID, roles: list[str]) -> None:
    async with app.state.database.transaction() as session:
        session.add(
            Membership(
                account_id=sub,
                unit_id=unit,
                is_primary=False,
                roles=roles,
                posts=["副主任"],
                started_at=datetime.now(UTC),
            )
        )


async def test_a_token_acts_for_the_unit_that_is_chosen_in_its_browser(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    here, there = new_browser(), new_browser()
    before = await here.bearer(COUNTY_HANDLER)
    await forget_codes(app)
    other = await there.bearer(COUNTY_HANDLER)
    city = await unit_id(app, "370100")
    await add_membership(app, await sub_of(here, before), city, ["reviewer"])
    assert claims(before)["roles"] == ["handler"]

    answer = await here.http.post("/api/v1/me/acting-unit", headers=before, json={"unit_id": str(city)})
    assert answer.status_code == 200, answer.text
    me = answer.json()
    assert (me["acting"]["unit_name"], me["acting"]["posts"]) == ("济南市学生资助管理中心", ["副主任"])
    assert (me["roles"], me["permissions"]) == (["reviewer"], sorted(BUILT_IN[Role.REVIEWER]))
    assert [one["path"].count(".") for one in me["memberships"]] == [3, 2]

    # At once, also within the second of the change: the former token is refused, the new one is not.
    after = await here.bearer(COUNTY_HANDLER)
    assert claims(after)["unit"] == str(city)
    assert claims(after)["permissions"] == sorted(BUILT_IN[Role.REVIEWER])
    async for _ in moments():
        refused = await here.http.get("/api/v1/me", headers=before)
        if refused.status_code == 401:
            break
    assert refused.json()["code"] == "token_revoked"
    assert (await here.http.get("/api/v1/me", headers=after)).status_code == 200
    # Another browser of the same person is not concerned.
    assert (await there.http.get("/api/v1/me", headers=other)).json()["roles"] == ["handler"]


async def test_a_refresh_gives_a_token_for_the_chosen_unit(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    first = (await browser.token(COUNTY_HANDLER)).json()
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    city = await unit_id(app, "370100")
    await add_membership(app, await sub_of(browser, bearer), city, ["handler"])
    await browser.http.post("/api/v1/me/acting-unit", headers=bearer, json={"unit_id": str(city)})
    form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": first["refresh_token"]}
    second = (await browser.http.post("/token", data=form)).json()
    assert claims({"Authorization": second["access_token"]})["unit_path"].endswith("370100")


async def test_a_unit_that_one_does_not_belong_to_is_not_chosen(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    bearer = await browser.bearer(COUNTY_HANDLER)
    city = {"unit_id": str(await unit_id(app, "370100"))}
    for path in ("acting-unit", "primary-unit"):
        answer = await browser.http.post(f"/api/v1/me/{path}", headers=bearer, json=city)
        assert (answer.status_code, answer.json()["code"]) == (404, "membership_not_found")


async def test_tokens_act_for_the_primary_unit_when_the_acting_membership_has_ended(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    bearer = await browser.bearer(COUNTY_HANDLER)
    city, sub = await unit_id(app, "370100"), await sub_of(browser, bearer)
    await add_membership(app, sub, city, ["handler"])
    await browser.http.post("/api/v1/me/acting-unit", headers=bearer, json={"unit_id": str(city)})
    async with app.state.database.transaction() as session:
        await session.execute(
            update(Membership)
            .where(Membership.account_id == sub, Membership.unit_id == city)
            .values(ended_at=datetime.now(UTC))
        )
    assert claims(await browser.bearer(COUNTY_HANDLER))["unit_path"].endswith("370102")


async def test_the_primary_unit_is_told_to_other_services_with_all_others(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    bearer = await browser.bearer(COUNTY_HANDLER)
    city, sub = await unit_id(app, "370100"), await sub_of(browser, bearer)
    await add_membership(app, sub, city, ["reviewer"])
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM outbox"))
    answer = await browser.http.post("/api/v1/me/primary-unit", headers=bearer, json={"unit_id": str(city)})
    assert [one["primary"] for one in answer.json()["memberships"]] == [True, False]
    snapshot = await services_snapshot(app)
    (person,) = [one for one in snapshot if one.sub == sub]
    assert (person.unit_id, person.roles) == (city, ["reviewer"])
    assert [one.roles for one in person.memberships] == [["reviewer"], ["handler"]]
    assert person.version == 2


async def services_snapshot(app: FastAPI) -> list[Any]:
    from identity.memberships.events import person_changed
    from identity.memberships.repository import MembershipRepository

    async with app.state.database.transaction() as session:
        return [person_changed(*row) for row in await MembershipRepository(session).people_after(None, 1000)]


async def test_an_administrator_of_a_second_unit_sees_a_person_but_does_not_decide_about_the_account(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    """The account belongs to the reach of the primary unit; 历下区 is not above 济南市."""
    county, city = new_browser(), new_browser()
    admin, boss = await county.bearer(COUNTY_ADMIN), await city.bearer(CITY_ADMIN)
    sub = await sub_of(city, boss)
    await add_membership(app, sub, await unit_id(app, "370102"), ["reviewer"])
    seen = (await county.http.get(f"/api/v1/accounts/{sub}", headers=admin)).json()
    assert [one["roles"] for one in seen["memberships"]] == [["reviewer"]]
    refused = await county.http.post(
        f"/api/v1/accounts/{sub}/suspend", headers=admin, json={"reason": "已调离资助工作岗位"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")


async def test_me_has_everything_that_a_front_end_needs(new_browser: NewBrowser) -> None:
    browser = new_browser()
    bearer = await browser.bearer(COUNTY_ADMIN)
    me = (await browser.http.get("/api/v1/me", headers=bearer)).json()
    assert me["acting"] == me["memberships"][0]
    assert (me["acting"]["level"], me["acting"]["primary"]) == ("county", True)
    assert me["permissions"] == claims(bearer)["permissions"]
    assert "members.admit" in me["permissions"]
    assert me["platform_role"] is None
    waiting = next(one for one in me["unread"] if one["name"] == "join_requests")
    count = await browser.http.get(waiting["href"], headers=bearer)
    assert count.json()["join_requests"] == {"count": 0, "exact": True}


async def test_a_platform_role_is_in_the_token_and_gives_no_permission_in_a_unit(
    app: FastAPI, new_browser: NewBrowser
) -> None:
    browser = new_browser()
    sub = await sub_of(browser, await browser.bearer(COUNTY_HANDLER))
    await end_memberships(app, str(sub))
    async with app.state.database.transaction() as session:
        await session.execute(
            insert(PlatformAdministrator).values(
                account_id=sub, role="audit_admin", appointed_at=datetime.now(UTC)
            )
        )
    bearer = await browser.bearer(COUNTY_HANDLER)
    assert claims(bearer)["platform_role"] == "audit_admin"
    assert claims(bearer)["permissions"] == [Permission.AUDIT_READ]
    me = (await browser.http.get("/api/v1/me", headers=bearer)).json()
    assert (me["platform_role"], me["permissions"]) == ("audit_admin", ["audit.read"])


async def test_people_and_units_are_named_to_any_member(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    bearer = await browser.bearer(COUNTY_HANDLER)
    me = (await browser.http.get("/api/v1/me", headers=bearer)).json()
    centre, unknown = await unit_id(app, "100000"), "01930000-0000-7000-8000-00000000dead"
    people = await browser.http.get("/api/v1/people", headers=bearer, params={"ids": [me["sub"], unknown]})
    assert people.json() == [
        {
            "sub": me["sub"],
            "name": me["name"],
            "unit_id": me["unit_id"],
            "unit_name": me["acting"]["unit_name"],
        }
    ]
    units = await browser.http.get("/api/v1/units", headers=bearer, params={"ids": [str(centre), unknown]})
    assert [sorted(one) for one in units.json()] == [["id", "name"]]
    many = await browser.http.get("/api/v1/units", headers=bearer, params={"ids": [unknown] * 101})
    assert many.status_code == 422
    assert (await browser.http.get("/api/v1/people", headers=bearer)).status_code == 422


async def test_roles_are_data_whose_words_the_code_knows(app: FastAPI, new_browser: NewBrowser) -> None:
    browser = new_browser()
    roles = (await browser.http.get("/api/v1/roles", headers=await browser.bearer(COUNTY_HANDLER))).json()
    assert [role["code"] for role in roles] == ["unit_admin", "handler", "reviewer", "approver"]
    # What other services and tests take the built-in roles to allow is what Identity says of them.
    assert {role["code"]: set(role["permissions"]) for role in roles} == BUILT_IN
    assert {word for role in roles for word in role["may_grant"]} <= set(Permission)


def test_a_role_is_granted_by_those_who_hold_or_may_pass_on_its_permissions() -> None:
    known = {
        "admin": Powers(frozenset({"a", "b"}), frozenset({"c"})),
        "clerk": Powers(frozenset({"b"})),
        "signer": Powers(frozenset({"b", "c"})),
        "other": Powers(frozenset({"d"})),
    }
    assert rules.grantable(["admin"], known) == {"admin", "clerk", "signer"}
    assert rules.grantable(["signer"], known) == {"clerk", "signer"}
    assert rules.grantable(["unknown"], known) == frozenset()
    assert rules.permissions_of(["admin", "other", "unknown"], known) == {"a", "b", "d"}
