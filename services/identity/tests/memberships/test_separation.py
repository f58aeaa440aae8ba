"""三员分立: an administrator of the platform belongs to no unit; nobody who belongs to one is appointed."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from contracts.vocabulary import PlatformRole
from identity.appointments.errors import BelongsToUnit
from identity.cli_platform import appoint
from services.identity.tests.support.people import (
    COUNTY,
    COUNTY_HANDLER,
    Person,
    SignIn,
    end_memberships,
    platform_administrator,
    platform_administrators,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

WHY = {"reason": "岗位需要"}
REFUSED_TO_JOIN, REFUSED_TO_APPOINT = (409, "no_unit_for_administrators"), (409, "belongs_to_unit")
Call = Callable[[], Awaitable[tuple[int, str]]]


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def three(app: FastAPI, new_browser: NewBrowser) -> dict[str, Person]:
    return await platform_administrators(app, new_browser)


def claims(person: Person) -> dict[str, Any]:
    part = person.headers["Authorization"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def proposed(three: dict[str, Person], sub: str, role: str | None = "audit_admin") -> str:
    body = {**WHY, "sub": sub, "role": role}
    found = await three["security_admin"].ok("POST", "/platform/proposals", json=body)
    return f"/platform/proposals/{found['id']}/confirm"


async def asks_to_join(app: FastAPI, person: Person) -> str:
    unit = str(await unit_of(app, "370102"))
    return str((await person.ok("POST", "/join-requests", json={"unit_id": unit}))["id"])


async def execute(app: FastAPI, statement: str, **values: object) -> Any:
    async with app.state.database.transaction() as session:
        return await session.execute(text(statement), values)


async def belong_nevertheless(app: FastAPI, sub: str, roles: list[str]) -> None:
    """A row from before the rule: the database refuses new ones."""
    unit = await unit_of(app, "370102")
    async with app.state.database.transaction() as session:
        await session.execute(text("ALTER TABLE memberships DISABLE TRIGGER USER"))
        await session.execute(
            text(
                "INSERT INTO memberships (id, account_id, unit_id, roles, started_at)"
                " VALUES (gen_random_uuid(), :sub, :unit, :roles, now())"
            ),
            {"sub": UUID(sub), "unit": unit, "roles": roles},
        )
        await session.execute(text("ALTER TABLE memberships ENABLE TRIGGER USER"))


# --- appointing ---


async def test_nobody_who_belongs_to_a_unit_is_proposed(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person]
) -> None:
    handler = await sign_in(COUNTY_HANDLER)
    sub = await handler.sub()
    body = {**WHY, "sub": sub, "role": "audit_admin"}
    security = three["security_admin"]
    assert await security.code("POST", "/platform/proposals", json=body) == REFUSED_TO_APPOINT
    # Neither without a role in the unit.
    await execute(app, "UPDATE memberships SET roles = '{}' WHERE account_id = :sub", sub=UUID(sub))
    assert await security.code("POST", "/platform/proposals", json=body) == REFUSED_TO_APPOINT
    await end_memberships(app, sub)
    assert (await security.ok("POST", "/platform/proposals", json=body))["status"] == "pending"


async def test_nobody_who_waits_to_join_a_unit_is_proposed(
    app: FastAPI, newcomer: Person, three: dict[str, Person]
) -> None:
    request = await asks_to_join(app, newcomer)
    body = {**WHY, "sub": await newcomer.sub(), "role": "audit_admin"}
    security = three["security_admin"]
    assert await security.code("POST", "/platform/proposals", json=body) == REFUSED_TO_APPOINT
    await newcomer.ok("POST", f"/join-requests/{request}/withdraw")
    assert (await security.ok("POST", "/platform/proposals", json=body))["status"] == "pending"


async def test_a_proposal_is_not_confirmed_once_the_person_belongs_to_a_unit(
    app: FastAPI, sign_in: SignIn, newcomer: Person, three: dict[str, Person]
) -> None:
    confirm = await proposed(three, await newcomer.sub())
    request = await asks_to_join(app, newcomer)
    assert await three["system_admin"].code("POST", confirm) == REFUSED_TO_APPOINT
    await (await sign_in(COUNTY)).ok("POST", f"/join-requests/{request}/approve")
    assert await three["system_admin"].code("POST", confirm) == REFUSED_TO_APPOINT
    assert (await (await newcomer.again()).ok("GET", "/me"))["platform_role"] is None


async def test_the_operator_s_command_appoints_nobody_who_belongs_to_a_unit(app: FastAPI) -> None:
    with pytest.raises(BelongsToUnit):
        await appoint(app.state.settings, PlatformRole.SYSTEM_ADMIN, COUNTY_HANDLER)


# --- joining ---


async def test_an_administrator_of_the_platform_joins_no_unit_until_dismissed(
    app: FastAPI, sign_in: SignIn, newcomer: Person, three: dict[str, Person]
) -> None:
    county, unit = await sign_in(COUNTY), str(await unit_of(app, "370102"))
    await three["system_admin"].ok("POST", await proposed(three, await newcomer.sub()))
    await newcomer.again()
    for roles in (["handler"], ["unit_admin"]):
        invite = await county.ok("POST", f"/units/{unit}/invites", json={"roles": roles})
        wish = {"invite_code": invite["code"]}
        assert await newcomer.code("POST", "/join-requests", json=wish) == REFUSED_TO_JOIN
        # The code is not used up: the refusal undoes everything.
        assert (await newcomer.ok("POST", "/join-requests/preview", json=wish))["unit_id"] == unit
    assert await newcomer.code("POST", "/join-requests", json={"unit_id": unit}) == REFUSED_TO_JOIN
    await three["system_admin"].ok("POST", await proposed(three, await newcomer.sub(), None))
    request = await asks_to_join(app, await newcomer.again())
    assert (await county.ok("POST", f"/join-requests/{request}/approve"))["status"] == "approved"


async def test_a_request_from_before_the_appointment_is_not_approved(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser
) -> None:
    """Such a request cannot arise any more; a row from before the rule gives nothing either."""
    administrator = await platform_administrator(app, new_browser(), "audit_admin")
    unit = await unit_of(app, "370102")
    await execute(
        app,
        "INSERT INTO join_requests (id, account_id, unit_id, roles, status, requested_at, escalations)"
        " VALUES (gen_random_uuid(), :sub, :unit, '{handler}', 'pending', now(), 0)",
        sub=UUID(await administrator.sub()),
        unit=unit,
    )
    county = await sign_in(COUNTY)
    (listed,) = (await county.ok("GET", "/join-requests"))["items"]
    assert await county.code("POST", f"/join-requests/{listed['id']}/approve") == REFUSED_TO_JOIN
    assert (await county.ok("POST", f"/join-requests/{listed['id']}/reject", json=WHY))[
        "status"
    ] == "rejected"


# --- rows from before the rule ---


async def test_what_is_recorded_in_units_gives_an_administrator_of_the_platform_nothing(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser
) -> None:
    administrator = await platform_administrator(app, new_browser(), "system_admin")
    sub, unit = await administrator.sub(), await unit_of(app, "370102")
    await belong_nevertheless(app, sub, ["unit_admin", "reviewer"])
    token = claims(await administrator.again())
    assert "unit" not in token
    assert "roles" not in token or token["roles"] == []
    assert not {"members.read", "notices.draft"} & set(token["permissions"])
    me = await administrator.ok("GET", "/me")
    assert (me["acting"], me["roles"], me["entitlements"]) == (None, [], [])
    assert me["permissions"] == token["permissions"]
    assert await administrator.code("GET", f"/units/{unit}/members") == (403, "membership_required")
    # No role is added, neither of their own nor delegated; the unit's administrator ends it.
    county = await sign_in(COUNTY)
    member = f"/units/{unit}/members/{sub}"
    changed = await county.code("PATCH", member, json={**WHY, "roles": ["handler"]})
    assert changed == REFUSED_TO_JOIN
    delegation = {
        "unit_id": str(unit),
        "to": sub,
        "roles": ["unit_admin"],
        "starts_at": app.state.clock.now().isoformat(),
        "ends_at": (app.state.clock.now() + timedelta(days=1)).isoformat(),
        **WHY,
    }
    assert await county.code("POST", "/me/delegations", json=delegation) == REFUSED_TO_JOIN
    await county.ok("POST", f"{member}/end", json=WHY)
    assert (await (await administrator.again()).ok("GET", "/me"))["memberships"] == []


@pytest.mark.parametrize("first", ["membership", "platform role"])
async def test_the_database_refuses_the_later_of_two_that_begin_at_once(
    app: FastAPI, newcomer: Person, first: str
) -> None:
    """Whoever writes, by two transactions that both began before the other one ended."""
    values = {"sub": UUID(await newcomer.sub()), "unit": await unit_of(app, "370102")}
    statements = {
        "membership": "INSERT INTO memberships (id, account_id, unit_id, roles, started_at)"
        " VALUES (gen_random_uuid(), :sub, :unit, '{handler}', now())",
        "platform role": "INSERT INTO platform_roles (account_id, role, appointed_at)"
        " VALUES (:sub, 'audit_admin', now())",
    }
    second = next(name for name in statements if name != first)
    async with app.state.database.transaction() as session:
        await session.execute(text(statements[first]), values)
        later = asyncio.ensure_future(execute(app, statements[second], **values))
        await waiting(app, 1)
    with pytest.raises(IntegrityError):
        await later


# --- at once ---


async def waiting(app: FastAPI, count: int) -> None:
    """Until `count` statements wait for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(60), app.state.database.engine.connect() as connection:
        while await connection.scalar(query) < count:
            await connection.commit()
            await asyncio.sleep(0.01)


async def in_turn(app: FastAPI, sub: str, *calls: Call) -> list[tuple[int, str]]:
    """The answers to calls that queue, in this order, for a person's account."""
    tasks = []
    async with app.state.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM accounts WHERE id = :id FOR UPDATE"), {"id": UUID(sub)})
        for call in calls:
            tasks.append(asyncio.ensure_future(call()))
            await waiting(app, len(tasks))
    return await asyncio.gather(*tasks)


@pytest.mark.parametrize("joins_first", [True, False])
async def test_of_an_appointment_and_a_request_to_join_at_once_the_later_is_refused(
    app: FastAPI, newcomer: Person, three: dict[str, Person], joins_first: bool
) -> None:
    sub, unit = await newcomer.sub(), str(await unit_of(app, "370102"))
    confirm = await proposed(three, sub)

    async def join() -> tuple[int, str]:
        return await newcomer.code("POST", "/join-requests", json={"unit_id": unit})

    async def appointed() -> tuple[int, str]:
        return await three["system_admin"].code("POST", confirm)

    if joins_first:
        assert await in_turn(app, sub, join, appointed) == [(201, ""), REFUSED_TO_APPOINT]
    else:
        assert await in_turn(app, sub, appointed, join) == [(200, ""), REFUSED_TO_JOIN]


@pytest.mark.parametrize("approved_first", [True, False])
async def test_an_appointment_is_refused_while_a_request_to_join_is_approved(
    app: FastAPI, sign_in: SignIn, newcomer: Person, three: dict[str, Person], approved_first: bool
) -> None:
    """Before the approval the request is in the way, after it the membership."""
    sub, county = await newcomer.sub(), await sign_in(COUNTY)
    confirm, request = await proposed(three, sub), await asks_to_join(app, newcomer)

    async def approve() -> tuple[int, str]:
        return await county.code("POST", f"/join-requests/{request}/approve")

    async def appointed() -> tuple[int, str]:
        return await three["system_admin"].code("POST", confirm)

    if approved_first:
        assert await in_turn(app, sub, approve, appointed) == [(200, ""), REFUSED_TO_APPOINT]
    else:
        assert await in_turn(app, sub, appointed, approve) == [REFUSED_TO_APPOINT, (200, "")]
