"""Access to the cockpit: requested, approved one level above, for a unit, for a year, reviewed."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from authkit import acr
from identity.entitlements import rules
from identity.entitlements.jobs import Reviews
from identity.entitlements.models import Entitlement
from identity.memberships.models import Membership
from services.identity.tests.support.people import (
    CENTRE,
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    Person,
    SignIn,
    platform_administrator,
    stepped_up,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

WISH = {"name": "cockpit", "reason": "负责本县资助数据分析"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def claims(person: Person) -> dict[str, Any]:
    part = person.headers["Authorization"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def reviews(app: FastAPI, clock: FrozenClock) -> Reviews:
    state = app.state
    return Reviews(state.database, state.settings, state.vault, clock, state.sms_dispatcher)


async def test_a_request_is_decided_by_the_unit_above_not_by_the_own(
    sign_in: SignIn,
) -> None:
    handler, county, city = await sign_in(COUNTY_HANDLER), await sign_in(COUNTY), await sign_in(CITY)
    asked = await handler.ok("POST", "/entitlement-requests", json=WISH)
    assert await handler.code("POST", "/entitlement-requests", json=WISH) == (409, "entitlement_requested")
    path = f"/entitlement-requests/{asked['id']}"
    assert (await county.ok("GET", "/entitlement-requests"))["items"] == []
    assert await county.code("POST", f"{path}/approve") == (403, "one_level_above")
    (listed,) = (await city.ok("GET", "/entitlement-requests"))["items"]
    assert listed["reason"] == WISH["reason"]
    assert (await city.ok("POST", f"{path}/approve"))["status"] == "approved"
    late = await city.code("POST", f"{path}/reject", json={"reason": "人数已满"})
    assert late == (409, "entitlement_request_decided")
    assert claims(await handler.again())["entitlements"] == ["cockpit"]
    assert await handler.code("POST", "/entitlement-requests", json=WISH) == (409, "already_entitled")


async def test_without_a_request_it_is_granted_by_the_unit_above_too(sign_in: SignIn) -> None:
    handler, county, city = await sign_in(COUNTY_HANDLER), await sign_in(COUNTY), await sign_in(CITY)
    path, body = f"/accounts/{await handler.sub()}/entitlements", {"name": "cockpit"}
    assert await county.code("POST", path, json=body) == (403, "one_level_above")
    assert (await city.ok("POST", path, json=body))["entitlements"] == ["cockpit"]


async def test_an_administrator_asks_for_a_person_and_the_reason_of_a_refusal_is_seen(
    sign_in: SignIn,
) -> None:
    handler, county, city = await sign_in(COUNTY_HANDLER), await sign_in(COUNTY), await sign_in(CITY)
    wish = {**WISH, "sub": await handler.sub()}
    asked = await county.ok("POST", "/entitlement-requests", json=wish)
    path = f"/entitlement-requests/{asked['id']}"
    await city.ok("POST", f"{path}/reject", json={"reason": "人数已满"})
    (mine,) = (await handler.ok("GET", "/me/entitlement-requests"))["items"]
    assert (mine["status"], mine["decision_reason"]) == ("rejected", "人数已满")
    assert await city.code("POST", f"{path}/approve") == (409, "entitlement_request_decided")
    again = await handler.ok("POST", "/entitlement-requests", json=WISH)
    withdrawn = await handler.ok("POST", f"/entitlement-requests/{again['id']}/withdraw")
    assert withdrawn["status"] == "withdrawn"


async def test_a_request_that_nobody_decides_about_expires_after_30_days(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock
) -> None:
    handler, city = await sign_in(COUNTY_HANDLER), await sign_in(CITY)
    asked = await handler.ok("POST", "/entitlement-requests", json=WISH)

    async def status() -> str:
        (mine,) = (await handler.ok("GET", "/me/entitlement-requests"))["items"]
        return str(mine["status"])

    at = clock.now()
    await reviews(app, FrozenClock(at + rules.UNDECIDED - timedelta(seconds=1))).run()
    assert await status() == "pending"
    await reviews(app, FrozenClock(at + rules.UNDECIDED)).run()
    assert await status() == "expired"
    assert (await city.ok("GET", "/entitlement-requests"))["items"] == []
    path = f"/entitlement-requests/{asked['id']}"
    assert await city.code("POST", f"{path}/approve") == (409, "entitlement_request_decided")
    # And may ask again.
    await handler.ok("POST", "/entitlement-requests", json=WISH)


async def test_the_ministry_decides_about_its_own_people_but_nobody_about_themselves(
    sign_in: SignIn,
) -> None:
    centre, other = await sign_in(CENTRE), await sign_in("19900000002")
    own = await centre.ok("POST", "/entitlement-requests", json=WISH)
    assert await centre.code("POST", f"/entitlement-requests/{own['id']}/approve") == (403, "not_yourself")
    asked = await other.ok("POST", "/entitlement-requests", json=WISH)
    approved = await centre.ok("POST", f"/entitlement-requests/{asked['id']}/approve")
    assert approved["status"] == "approved"


async def test_an_entitlement_is_for_the_unit_it_was_granted_in(app: FastAPI, sign_in: SignIn) -> None:
    handler, city = await sign_in(COUNTY_HANDLER), await sign_in(CITY)
    sub, above = await handler.sub(), await unit_of(app, "370100")
    await city.ok("POST", f"/accounts/{sub}/entitlements", json={"name": "cockpit"})
    async with app.state.database.transaction() as session:
        session.add(
            Membership(
                account_id=UUID(sub),
                unit_id=above,
                is_primary=False,
                roles=["handler"],
                started_at=app.state.clock.now(),
            )
        )
    assert claims(await handler.again())["entitlements"] == ["cockpit"]
    assert (await handler.ok("GET", "/me"))["entitlements"] == ["cockpit"]
    me = await handler.ok("POST", "/me/acting-unit", json={"unit_id": str(above)})
    # In the other unit, whose administrators did not grant it, the person sees no figures.
    assert "entitlements" not in claims(await handler.again())
    assert (me["entitlements"], me["acting"]["entitlements"]) == ([], [])
    assert [one["entitlements"] for one in me["memberships"]] == [["cockpit"], []]


async def test_an_entitlement_ends_after_a_year_unless_a_review_keeps_it(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock
) -> None:
    handler, county, city = await sign_in(COUNTY_HANDLER), await sign_in(COUNTY), await sign_in(CITY)
    sub, other = await handler.sub(), await county.sub()
    for one in (sub, other):
        await city.ok("POST", f"/accounts/{one}/entitlements", json={"name": "cockpit"})
    assert (await city.ok("GET", "/entitlement-reviews"))["items"] == []
    # A review is due a month before the end.
    end = clock.now() + timedelta(days=20)
    async with app.state.database.transaction() as session:
        await session.execute(update(Entitlement).values(expires_at=end))
    due = await city.ok("GET", "/entitlement-reviews", params={"limit": 1})
    more = await city.ok("GET", "/entitlement-reviews", params={"limit": 1, "cursor": due["next"]})
    ids = {one["sub"]: one["id"] for one in due["items"] + more["items"]}
    assert ids.keys() == {sub, other}
    await reviews(app, clock).run()
    await app.state.sms_dispatcher.caught_up()
    told = [m.phone for m in app.state.sms.messages if "到期" in m.text]
    assert sorted(told) == sorted([COUNTY, COUNTY_HANDLER])
    await reviews(app, clock).run()
    assert len([m for m in app.state.sms.messages if "到期" in m.text]) == 2

    assert await county.code("POST", f"/entitlements/{ids[other]}/keep") == (403, "not_yourself")
    # The unit that benefits neither sees nor decides the review of its own people.
    assert (await county.ok("GET", "/entitlement-reviews"))["items"] == []
    for action in ("keep", "withdraw"):
        refused = await county.code("POST", f"/entitlements/{ids[sub]}/{action}")
        assert refused == (403, "reviewed_above")
    kept = await city.ok("POST", f"/entitlements/{ids[sub]}/keep")
    assert kept["expires_at"] > end.isoformat()
    await reviews(app, FrozenClock(end)).run()
    async with app.state.database.transaction() as session:
        held = (
            await session.scalars(select(Entitlement.account_id).where(Entitlement.withdrawn_at.is_(None)))
        ).all()
    assert [str(one) for one in held] == [sub]
    # Kept, it may be withdrawn in a review, too.
    await city.ok("POST", f"/entitlements/{ids[sub]}/withdraw")
    assert await city.code("POST", f"/entitlements/{ids[sub]}/keep") == (404, "entitlement_not_found")


async def test_the_ministry_s_own_are_reviewed_by_the_security_administrator(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser
) -> None:
    centre, other = await sign_in(CENTRE), await sign_in("19900000002")
    await centre.ok("POST", f"/accounts/{await other.sub()}/entitlements", json={"name": "cockpit"})
    async with app.state.database.transaction() as session:
        await session.execute(update(Entitlement).values(expires_at=app.state.clock.now() + rules.REVIEW / 2))
        entitlement = await session.scalar(select(Entitlement.id))
    path = f"/entitlements/{entitlement}/keep"
    assert (await centre.ok("GET", "/entitlement-reviews"))["items"] == []
    assert await centre.code("POST", path) == (403, "reviewed_above")
    security = await platform_administrator(app, new_browser(), "security_admin")
    (listed,) = (await security.ok("GET", "/entitlement-reviews"))["items"]
    assert listed["id"] == str(entitlement)
    # One sign-in with a second factor opens the review for an hour; the list takes none (RFC 9470).
    await stepped_up(app, security, ago=timedelta(seconds=acr.SITTING + 60))
    await security.ok("GET", "/entitlement-reviews")
    for action in ("keep", "withdraw"):
        refused = await security.call("POST", f"/entitlements/{entitlement}/{action}")
        assert refused.json()["code"] == "insufficient_user_authentication"
        assert f'acr_values="{acr.MFA}", max_age="{acr.SITTING}"' in refused.headers["www-authenticate"]
    await stepped_up(app, security, ago=timedelta(seconds=acr.SITTING - 300))
    assert await security.ok("POST", path)


async def test_a_review_is_limited_to_the_own_subtree(app: FastAPI, sign_in: SignIn) -> None:
    centre, city, county = await sign_in(CENTRE), await sign_in(CITY), await sign_in(COUNTY)
    await centre.ok("POST", f"/accounts/{await city.sub()}/entitlements", json={"name": "cockpit"})
    async with app.state.database.transaction() as session:
        await session.execute(update(Entitlement).values(expires_at=app.state.clock.now() + rules.REVIEW / 2))
        entitlement = await session.scalar(select(Entitlement.id))
    assert (await county.ok("GET", "/entitlement-reviews"))["items"] == []
    for action in ("keep", "withdraw"):
        refused = await county.code("POST", f"/entitlements/{entitlement}/{action}")
        assert refused == (403, "out_of_reach")


@pytest.mark.parametrize(
    ("level", "unit", "approver", "decides"),
    [
        ("county", "1.2.3", "1.2", True),
        ("county", "1.2.3", "1", True),
        ("county", "1.2.3", "1.2.3", False),
        ("county", "1.2.30", "1.2.3", False),
        ("ministry", "1", "1", True),
        ("province", "1.2", "1.3", False),
    ],
)
def test_who_decides_about_a_request(level: Any, unit: str, approver: str, decides: bool) -> None:
    assert rules.decides(level, unit, approver) is decides
