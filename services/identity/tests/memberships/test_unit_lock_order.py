"""Everybody locks the unit first, then the account, then invites and join requests (docs/architecture.md)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

COUNTY_ADMIN = "19900001323"  # 历下区 370102
NEWCOMER = "13812345678"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


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


@dataclass
class School:
    """A school below the county whose administrator is signed in, and somebody who wants to join it."""

    app: FastAPI
    admin: httpx.AsyncClient
    headers: dict[str, str]
    unit: str
    invite: str
    person: httpx.AsyncClient
    person_headers: dict[str, str]

    async def ask(self) -> httpx.Response:
        return await self.person.post(
            "/api/v1/join-requests", headers=self.person_headers, json={"invite_code": self.invite}
        )

    async def decide(self, request_id: str, decision: str) -> httpx.Response:
        body = {"reason": "材料不全，请补充后重新申请"} if decision == "reject" else None
        return await self.admin.post(
            f"/api/v1/join-requests/{request_id}/{decision}", headers=self.headers, json=body
        )

    async def close(self) -> httpx.Response:
        headers = {**self.headers, "If-Match": "*"}
        return await self.admin.post(
            f"/api/v1/units/{self.unit}/close", headers=headers, json={"reason": "布局调整"}
        )

    async def in_turn(self, *calls: Callable[[], Awaitable[httpx.Response]]) -> list[httpx.Response]:
        """The answers to calls that queue, in this order, for the unit."""
        tasks = []
        async with self.app.state.database.transaction() as session:
            await session.execute(text("SELECT 1 FROM units WHERE id = :id FOR UPDATE"), {"id": self.unit})
            for call in calls:
                tasks.append(asyncio.ensure_future(call()))
                await waiting(self.app, len(tasks))
        return await asyncio.gather(*tasks)


@pytest.fixture
async def school(app: FastAPI, new_browser: NewBrowser) -> School:
    county, person = new_browser(), new_browser()
    headers = await county.bearer(COUNTY_ADMIN)
    me = (await county.http.get("/api/v1/me", headers=headers)).json()
    unit = {
        "parent_id": me["unit_id"],
        "code": "S3701029001",
        "name": "济南市历下区新建小学",
        "level": "school",
        "kind": "school",
        "stages": ["compulsory"],
    }
    made = (await county.http.post("/api/v1/units", headers=headers, json=unit)).json()
    invite = await county.http.post(
        f"/api/v1/units/{made['id']}/invites", headers=headers, json={"roles": ["handler"]}
    )
    assert (await person.register(NEWCOMER)).status_code == 201
    return School(
        app,
        county.http,
        headers,
        made["id"],
        invite.json()["code"],
        person.http,
        await person.bearer(NEWCOMER),
    )


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_deciding_a_join_request_and_closing_its_unit_do_not_deadlock(
    school: School, decision: str
) -> None:
    """The decision once locked the request before it waited for the unit: a 500."""
    request_id = (await school.ask()).json()["id"]
    closed, decided = await school.in_turn(school.close, lambda: school.decide(request_id, decision))
    assert closed.status_code == 200, closed.text
    code = "unit_closed" if decision == "approve" else "join_request_decided"
    assert (decided.status_code, decided.json()["code"]) == (409, code)


async def test_a_unit_that_closes_after_an_approval_ends_the_new_membership(school: School) -> None:
    request_id = (await school.ask()).json()["id"]
    approved, closed = await school.in_turn(lambda: school.decide(request_id, "approve"), school.close)
    assert (approved.status_code, closed.status_code) == (200, 200)
    me = await school.person.get("/api/v1/me", headers=school.person_headers)
    assert me.status_code == 401 or me.json()["unit_id"] is None


async def test_asking_to_join_waits_for_the_unit_and_is_refused_when_it_has_closed(school: School) -> None:
    closed, asked = await school.in_turn(school.close, school.ask)
    assert closed.status_code == 200, closed.text
    assert (asked.status_code, asked.json()["code"]) == (409, "unit_closed")


async def test_an_invite_that_is_revoked_during_the_wait_is_not_used(school: School) -> None:
    """The invite is read before the wait and again under its own lock."""

    async def revoke() -> httpx.Response:
        listed = text("SELECT id FROM invites")
        async with school.app.state.database.transaction() as session:
            invite = await session.scalar(listed)
        return await school.admin.post(f"/api/v1/invites/{invite}/revoke", headers=school.headers)

    async with school.app.state.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM units WHERE id = :id FOR UPDATE"), {"id": school.unit})
        asked = asyncio.ensure_future(school.ask())
        await waiting(school.app, 1)
        async with asyncio.timeout(60):
            assert (await revoke()).status_code == 200
    assert (await asked).json()["code"] == "invite_revoked"
