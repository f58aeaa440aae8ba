"""Changes of roles, delegation for a time, leaving with hand-over, transfer, the last administrator."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.office import HandOverCompletedV1
from identity.cli_restoring import restored
from identity.delegations import rules
from identity.member_changes.consumers import HandOvers
from messaging.envelope import Envelope
from services.identity.tests.support.people import (
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    Person,
    SignIn,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration
from testkit.waiting import moments

WHY = {"reason": "岗位调整"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def claims(person: Person) -> dict[str, Any]:
    part = person.headers["Authorization"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def acknowledged(app: FastAPI, hand_over: dict[str, Any], items: int = 0) -> None:
    """Office has answered."""
    event = HandOverCompletedV1(
        hand_over_id=hand_over["id"],
        sub=hand_over["sub"],
        unit_id=hand_over["unit_id"],
        items=items,
        completed_at=hand_over["requested_at"],
    )
    state = app.state
    handler = HandOvers(state.settings, state.vault, state.clock)
    async with state.database.transaction() as session:
        await handler.handle(
            session,
            event,
            Envelope(
                id=uuid4(),
                source="/zhuxue/office",
                type=event.type,
                subject=str(event.hand_over_id),
                time=event.completed_at,
                data={},
            ),
        )


async def refused_at_last(person: Person) -> str:
    async for _ in moments():
        answer = await person.call("GET", "/me")
        if answer.status_code == 401:
            break
    return str(answer.json()["code"])


async def test_roles_posts_and_duties_of_a_member_are_changed_from_above(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    path = f"/units/{await unit_of(app, '370102')}/members/{await handler.sub()}"
    changed = await admin.ok(
        "PATCH", path, json={**WHY, "roles": ["reviewer"], "posts": ["主任科员"], "duties": "分管贷款"}
    )
    assert (changed["roles"], changed["posts"]) == (["reviewer"], ["主任科员"])
    assert changed["memberships"][0]["duties"] == "分管贷款"
    # What was lost ends at once, also in tokens.
    assert await refused_at_last(handler) == "token_revoked"
    kept = await admin.ok("PATCH", path, json={**WHY, "duties": ""})
    assert (kept["roles"], kept["memberships"][0]["duties"]) == (["reviewer"], None)


async def test_nobody_changes_themselves_or_people_out_of_reach(app: FastAPI, sign_in: SignIn) -> None:
    admin, city, handler = await sign_in(COUNTY), await sign_in(CITY), await sign_in(COUNTY_HANDLER)
    county, above = await unit_of(app, "370102"), await unit_of(app, "370100")
    own = f"/units/{county}/members/{await admin.sub()}"
    other = f"/units/{above}/members/{await city.sub()}"
    for method, suffix in (("PATCH", ""), ("POST", "/end")):
        assert await admin.code(method, own + suffix, json=WHY) == (403, "not_yourself")
        assert await admin.code(method, other + suffix, json=WHY) == (403, "out_of_reach")
        assert await handler.code(method, own + suffix, json=WHY) == (403, "permission_required")
    elsewhere = f"/units/{county}/members/{await city.sub()}"
    assert await admin.code("PATCH", elsewhere, json=WHY) == (404, "membership_not_found")


async def test_a_role_that_one_may_not_grant_is_not_taken_away_either(app: FastAPI, sign_in: SignIn) -> None:
    admin, city = await sign_in(COUNTY), await sign_in(CITY)
    county = await unit_of(app, "370102")
    path = f"/units/{county}/members/{await admin.sub()}"
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE roles SET may_grant = '{}' WHERE code = 'unit_admin'"))
        await session.execute(
            text("UPDATE memberships SET roles = '{unit_admin}' WHERE account_id = :sub"),
            {"sub": await city.sub()},
        )
    await city.again()
    refused = await city.code("PATCH", path, json={**WHY, "roles": ["unit_admin"]})
    assert refused == (403, "role_not_grantable")


async def test_delegated_roles_are_in_the_delegate_s_token_until_the_end(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock
) -> None:
    admin, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    county, now = await unit_of(app, "370102"), clock.now()
    end = now + timedelta(seconds=100)
    made = await admin.ok(
        "POST",
        "/me/delegations",
        json={
            "unit_id": str(county),
            "to": await handler.sub(),
            "roles": ["approver"],
            "starts_at": now.isoformat(),
            "ends_at": end.isoformat(),
            "reason": "出差期间代办",
        },
    )
    assert made["active"] is True
    await handler.again()
    assert claims(handler)["roles"] == ["approver", "handler"]
    assert "notices.issue" in claims(handler)["permissions"]
    # The token does not outlive the delegation.
    assert claims(handler)["exp"] == int(end.timestamp())
    assert (await handler.ok("GET", "/me"))["roles"] == ["approver", "handler"]
    assert [one["id"] for one in (await handler.ok("GET", "/me/delegations"))["items"]] == [made["id"]]
    assert len((await admin.ok("GET", f"/units/{county}/delegations"))["items"]) == 1
    clock.advance(timedelta(seconds=100))
    assert claims(await handler.again())["roles"] == ["handler"]


async def test_a_delegation_gives_no_more_than_the_delegator_holds(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock
) -> None:
    admin, handler, city = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER), await sign_in(CITY)
    county, now = str(await unit_of(app, "370102")), clock.now()
    wish = {
        "unit_id": county,
        "to": await handler.sub(),
        "roles": ["approver"],
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
        "reason": "出差期间代办",
    }

    async def refusal(**changes: Any) -> str:
        return (await admin.code("POST", "/me/delegations", json=wish | changes))[1]

    assert await refusal(roles=["reviewer"]) == "role_not_held"
    assert await refusal(to=await admin.sub()) == "delegate_not_member"
    assert await refusal(to=await city.sub()) == "delegate_not_member"
    assert await refusal(unit_id=str(await unit_of(app, "370100"))) == "membership_not_found"
    assert await refusal(ends_at=(now + timedelta(days=365)).isoformat()) == "bad_period"
    assert await refusal(starts_at=(now - timedelta(days=1)).isoformat()) == "bad_period"
    made = await admin.ok("POST", "/me/delegations", json=wish)
    # What was delegated is not delegated again.
    again = {**wish, "to": await admin.sub()}
    assert await handler.code("POST", "/me/delegations", json=again) == (403, "role_not_held")

    # It gives nothing after the delegator has lost the role.
    above = f"/units/{county}/members/{await admin.sub()}"
    await city.ok("PATCH", above, json={**WHY, "roles": ["unit_admin"]})
    assert claims(await handler.again())["roles"] == ["handler"]
    assert (await handler.ok("GET", "/me"))["roles"] == ["handler"]

    # Somebody else does not end it, the administrator above does.
    path = f"/delegations/{made['id']}/revoke"
    assert await handler.code("POST", path) == (404, "delegation_not_found")
    assert (await city.ok("POST", path))["revoked_at"] is not None


async def test_a_suspended_person_s_delegation_gives_nothing(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock
) -> None:
    admin, handler, city = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER), await sign_in(CITY)
    wish = {
        "unit_id": str(await unit_of(app, "370102")),
        "to": await handler.sub(),
        "roles": ["approver"],
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(days=1)).isoformat(),
        "reason": "出差期间代办",
    }
    await admin.ok("POST", "/me/delegations", json=wish)
    assert "approver" in claims(await handler.again())["roles"]
    await city.ok("POST", f"/accounts/{await admin.sub()}/suspend", json=WHY)
    (listed,) = (await city.ok("GET", f"/units/{wish['unit_id']}/delegations"))["items"]
    assert (listed["active"], listed["revoked_at"]) == (False, None)
    assert claims(await handler.again())["roles"] == ["handler"]
    assert (await handler.ok("GET", "/me"))["roles"] == ["handler"]


async def test_whoever_leaves_belongs_to_the_unit_until_the_work_is_handed_over(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    county = str(await unit_of(app, "370102"))
    leave = {"unit_id": county, "reason": "调离资助工作岗位", "successor": await admin.sub()}
    stranger = {**leave, "successor": str(uuid4())}
    assert await handler.code("POST", "/me/leave", json=stranger) == (400, "bad_successor")
    left = await handler.ok("POST", "/me/leave", json=leave)
    assert await handler.code("POST", "/me/leave", json=leave) == (409, "already_leaving")
    assert (await handler.ok("GET", "/me"))["unit_id"] == county
    async with app.state.database.transaction() as session:
        sent = (
            await session.execute(
                text("SELECT data FROM outbox WHERE type = 'zhuxue.identity.handover.requested.v1'")
            )
        ).scalars()
        assert all(one["successor"] == leave["successor"] for one in sent)
    await acknowledged(app, left, items=3)
    await acknowledged(app, left, items=4)
    assert await refused_at_last(handler) == "token_revoked"
    assert (await (await handler.again()).ok("GET", "/me"))["memberships"] == []
    (listed,) = (await admin.ok("GET", f"/units/{county}/hand-overs"))["items"]
    assert (listed["items"], listed["successor"]) == (3, leave["successor"])


async def test_after_a_restore_people_sign_in_again_and_open_hand_overs_are_asked_for_again(
    app: FastAPI, sign_in: SignIn
) -> None:
    handler = await sign_in(COUNTY_HANDLER)
    county = str(await unit_of(app, "370102"))
    await handler.ok("POST", "/me/leave", json={"unit_id": county, "reason": "调离资助工作岗位"})
    database = app.state.database
    ended, asked = await restored(app.state.settings, database, False)
    assert ended.startswith("1 sessions")
    assert asked.startswith("1 hand-overs")
    tables = ("sessions", "grants", "refresh_tokens")
    async with database.transaction() as session:
        left = [await session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables]
        noted = await session.scalar(text("SELECT actor FROM audit_log WHERE action = 'database.restored'"))
    assert (left, noted) == ([0, 0, 0], "operator")


async def test_a_delegation_ends_with_the_membership_of_whoever_leaves(
    app: FastAPI, sign_in: SignIn, clock: FrozenClock
) -> None:
    admin, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    county = str(await unit_of(app, "370102"))
    wish = {
        "unit_id": county,
        "to": await handler.sub(),
        "roles": ["approver"],
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(days=1)).isoformat(),
        "reason": "出差期间代办",
    }
    made = await admin.ok("POST", "/me/delegations", json=wish)
    left = await handler.ok("POST", "/me/leave", json={"unit_id": county, "reason": "调离资助工作岗位"})
    await acknowledged(app, left)
    (ended,) = (await admin.ok("GET", f"/units/{county}/delegations"))["items"]
    assert (ended["id"], ended["active"], ended["end_cause"]) == (made["id"], False, "left")
    async with app.state.database.transaction() as session:
        record = await session.scalar(
            text("SELECT details FROM audit_log WHERE action = 'delegation.ended' AND target_id = :id"),
            {"id": made["id"]},
        )
    assert record["cause"] == "left"


async def test_the_last_administrator_cannot_leave_and_is_taken_away_from_above_only(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin, handler, city = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER), await sign_in(CITY)
    county = str(await unit_of(app, "370102"))
    leave = {"unit_id": county, "reason": "调离资助工作岗位"}
    assert await admin.code("POST", "/me/leave", json=leave) == (409, "last_administrator")
    # With another administrator, one of them may leave, not both.
    member = f"/units/{county}/members/{await handler.sub()}"
    await admin.ok("PATCH", member, json={**WHY, "roles": ["handler", "unit_admin"]})
    await handler.again()
    left = await admin.ok("POST", "/me/leave", json=leave)
    assert await handler.code("POST", "/me/leave", json=leave) == (409, "last_administrator")
    await acknowledged(app, left)
    await city.ok("POST", f"{member}/end", json=WHY)
    assert (await (await handler.again()).ok("GET", "/me"))["memberships"] == []


@pytest.mark.parametrize("how", ["demote", "end", "suspend"])
async def test_two_administrators_do_not_take_each_other_away_at_once(
    app: FastAPI, sign_in: SignIn, how: str
) -> None:
    admin, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    county = await unit_of(app, "370102")
    first, second = await admin.sub(), await handler.sub()
    await admin.ok(
        "PATCH", f"/units/{county}/members/{second}", json={**WHY, "roles": ["approver", "unit_admin"]}
    )
    await handler.again()

    async def take(by: Person, sub: str) -> int:
        if how == "suspend":
            answer = await by.call("POST", f"/accounts/{sub}/suspend", json=WHY)
        elif how == "end":
            answer = await by.call("POST", f"/units/{county}/members/{sub}/end", json=WHY)
        else:
            answer = await by.call(
                "PATCH", f"/units/{county}/members/{sub}", json={**WHY, "roles": ["approver"]}
            )
        return answer.status_code

    outcomes = await asyncio.gather(take(admin, second), take(handler, first))
    assert sorted(outcomes) in ([200, 409], [204, 409], [200, 401], [204, 401])
    async with app.state.database.transaction() as session:
        left = await session.scalar(
            text(
                "SELECT count(*) FROM memberships m JOIN accounts a ON a.id = m.account_id"
                " WHERE unit_id = :unit AND ended_at IS NULL AND 'unit_admin' = ANY (roles)"
                " AND a.status = 'active'"
            ),
            {"unit": county},
        )
    assert left == 1


async def test_a_transfer_is_decided_by_the_receiving_unit_and_ends_the_former_membership(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin, handler, city = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER), await sign_in(CITY)
    county, above = await unit_of(app, "370102"), await unit_of(app, "370100")
    sub = await handler.sub()
    wish = {"to_unit_id": str(above), "roles": ["handler"], "posts": ["科员"], "note": "工作需要"}
    asked = await admin.ok("POST", f"/units/{county}/members/{sub}/transfer", json=wish)
    assert (asked["transfer"], asked["requested_by"]) == (True, await admin.sub())
    assert await admin.code("POST", f"/join-requests/{asked['id']}/approve") == (403, "out_of_reach")
    await city.ok("POST", f"/join-requests/{asked['id']}/approve")
    (mine,) = (await (await handler.again()).ok("GET", "/me"))["memberships"]
    assert (mine["unit_id"], mine["primary"], mine["posts"]) == (str(above), True, ["科员"])
    (handed,) = (await admin.ok("GET", f"/units/{county}/hand-overs"))["items"]
    assert (handed["sub"], handed["completed_at"]) == (sub, None)


async def test_one_s_own_transfer_keeps_a_unit_administered(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser
) -> None:
    admin, city = await sign_in(COUNTY), await sign_in(CITY)
    county, above = await unit_of(app, "370102"), await unit_of(app, "370100")
    wish = {"unit_id": str(above), "leave_unit_id": str(county)}
    asked = await admin.ok("POST", "/join-requests", json=wish)
    # The city is above the county, so it decides about the county's last administrator, too.
    await city.ok("POST", f"/join-requests/{asked['id']}/approve")
    (mine,) = (await (await admin.again()).ok("GET", "/me"))["memberships"]
    assert mine["unit_id"] == str(above)


def test_a_delegation_begins_now_or_later_and_lasts_half_a_year_at_most(clock: FrozenClock) -> None:
    now, day = clock.now(), timedelta(days=1)
    assert rules.fits(now, now + day, now)
    assert rules.fits(now - timedelta(minutes=1), now + day, now)
    assert rules.fits(now + day, now + day + rules.LONGEST, now)
    assert not rules.fits(now - day, now + day, now)
    assert not rules.fits(now + day, now + day, now)
    assert not rules.fits(now, now + rules.LONGEST + day, now)
