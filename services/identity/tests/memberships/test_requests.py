"""Requests to join: by invite or by choosing a unit; decided, withdrawn, escalated, expired."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from contracts.vocabulary import JoinRequestStatus
from identity.joining import jobs, rules
from identity.joining.models import JoinRequest
from identity.memberships.models import Membership
from servicekit.clock import SHANGHAI
from services.identity.tests.support.people import (
    CENTRE,
    CITY,
    COUNTY,
    PROVINCE,
    Person,
    SignIn,
    unit_of,
    without_administrators,
)
from testkit.clock import FrozenClock
from testkit.postgres import Migration
from workdays import Calendar, published_calendar

REASON = {"reason": "材料不全，请补充后重新申请"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def test_a_person_finds_the_unit_in_the_tree_and_the_approver_decides_about_roles(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    (top,) = (await newcomer.ok("GET", "/join-units"))["items"]
    (province,) = (await newcomer.ok("GET", "/join-units", params={"parent_id": top["id"]}))["items"]
    assert province["short_name"] == "山东省"
    county = str(await unit_of(app, "370102"))
    asked = await newcomer.ok(
        "POST",
        "/join-requests",
        json={"unit_id": county, "roles": ["unit_admin"], "posts": ["干事"], "note": "新入职"},
    )
    assert (asked["status"], asked["roles"], asked["note"]) == ("pending", ["unit_admin"], "新入职")
    assert await newcomer.code("POST", "/join-requests", json={"unit_id": county}) == (
        409,
        "already_requested",
    )
    admin = await sign_in(COUNTY)
    approved = await admin.ok(
        "POST", f"/join-requests/{asked['id']}/approve", json={"roles": ["reviewer", "handler"]}
    )
    assert (approved["roles"], approved["posts"]) == (["handler", "reviewer"], ["干事"])
    me = await newcomer.ok("GET", "/me")
    assert (me["roles"], me["acting"]["posts"]) == (["handler", "reviewer"], ["干事"])
    assert [one["status"] for one in (await newcomer.ok("GET", "/me/join-requests"))["items"]] == ["approved"]


async def test_one_names_either_a_code_or_a_unit(newcomer: Person) -> None:
    for body in ({}, {"invite_code": "7K2M-9QXR-4TZB-0HWE", "unit_id": str(UUID(int=1))}):
        assert await newcomer.code("POST", "/join-requests", json=body) == (400, "one_way_to_join")
    missing = {"unit_id": str(UUID(int=1))}
    assert await newcomer.code("POST", "/join-requests", json=missing) == (404, "unit_not_found")


async def test_a_request_is_withdrawn_by_its_applicant_only(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    county = {"unit_id": str(await unit_of(app, "370102"))}
    asked = await newcomer.ok("POST", "/join-requests", json=county)
    admin = await sign_in(COUNTY)
    path = f"/join-requests/{asked['id']}"
    assert await admin.code("POST", f"{path}/withdraw") == (403, "not_your_request")
    assert (await newcomer.ok("POST", f"{path}/withdraw"))["status"] == "withdrawn"
    assert await newcomer.code("POST", f"{path}/withdraw") == (409, "join_request_decided")
    assert await admin.code("POST", f"{path}/approve") == (409, "join_request_decided")
    assert (await admin.ok("GET", path))["status"] == "withdrawn"
    # And may ask again.
    assert (await newcomer.call("POST", "/join-requests", json=county)).status_code == 201


async def test_of_two_administrators_who_decide_at_once_one_wins(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    asked = await newcomer.ok("POST", "/join-requests", json={"unit_id": str(await unit_of(app, "370102"))})
    path = f"/join-requests/{asked['id']}"
    county, city = await sign_in(COUNTY), await sign_in(CITY)
    answers = await asyncio.gather(
        county.call("POST", f"{path}/approve"), city.call("POST", f"{path}/reject", json=REASON)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (lost,) = [answer for answer in answers if answer.status_code == 409]
    assert lost.json()["code"] == "join_request_decided"
    members = (await newcomer.ok("GET", "/me"))["memberships"]
    assert len(members) == (1 if answers[0].status_code == 200 else 0)


async def test_an_unanswered_request_goes_up_level_by_level_after_five_workdays(
    app: FastAPI, sign_in: SignIn, newcomer: Person, clock: FrozenClock
) -> None:
    await without_administrators(app, "370100")
    people = {name: await sign_in(phone) for name, phone in (("county", COUNTY), ("province", PROVINCE))}

    async def waiting(who: str) -> int:
        listed = await people[who].ok("GET", "/join-requests", params={"waiting": True})
        assert (await people[who].ok("GET", "/join-requests/count"))["count"] == len(listed["items"])
        return len(listed["items"])

    asked = await newcomer.ok("POST", "/join-requests", json={"unit_id": str(await unit_of(app, "370102"))})
    deadline = rules.Deadline.of(clock.now(), published_calendar())
    assert datetime.fromisoformat(asked["escalate_at"]) == deadline.at
    assert [await waiting(name) for name in people] == [1, 0]
    # Above, it is in the list of everything below nevertheless.
    assert len((await people["province"].ok("GET", "/join-requests"))["items"]) == 1

    await jobs.apply(app.state.database, clock)
    assert [await waiting(name) for name in people] == [1, 0]
    later = FrozenClock(datetime.fromisoformat(asked["escalate_at"]))
    await jobs.apply(app.state.database, later)
    # 济南市 has no administrator, so it went on to the province; the county can still answer.
    assert [await waiting(name) for name in people] == [1, 1]
    seen = await people["province"].ok("GET", f"/join-requests/{asked['id']}")
    assert (seen["escalations"], seen["escalated_at"] is not None) == (1, True)
    # Once more at once does nothing.
    await jobs.apply(app.state.database, later)
    assert (await people["province"].ok("GET", f"/join-requests/{asked['id']}"))["escalations"] == 1

    for _ in range(2):
        async with app.state.database.transaction() as session:
            request = await session.get(JoinRequest, UUID(asked["id"]))
            next_at = request.escalate_at
        if next_at is not None:
            await jobs.apply(app.state.database, FrozenClock(next_at))
    # The centre was asked last; there is nobody above it, and the request still waits.
    centre = await sign_in(CENTRE)
    last = await centre.ok("GET", f"/join-requests/{asked['id']}")
    assert (last["escalations"], last["escalate_at"], last["status"]) == (2, None, "pending")
    approved = await centre.ok("POST", f"/join-requests/{asked['id']}/approve")
    assert approved["status"] == "approved"


async def test_the_first_administrator_of_a_unit_waits_for_the_nearest_administrator_above(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    await without_administrators(app, "370102")
    asked = await newcomer.ok(
        "POST",
        "/join-requests",
        json={"unit_id": str(await unit_of(app, "370102")), "roles": ["unit_admin"]},
    )
    assert asked["responsible_unit_id"] == str(await unit_of(app, "370100"))
    city = await sign_in(CITY)
    assert (await city.ok("GET", "/join-requests/count"))["count"] == 1


async def test_a_request_without_answer_expires(app: FastAPI, newcomer: Person, clock: FrozenClock) -> None:
    county = {"unit_id": str(await unit_of(app, "370102"))}
    asked = await newcomer.ok("POST", "/join-requests", json=county)
    await jobs.apply(app.state.database, FrozenClock(clock.now() + rules.LIFETIME))
    (mine,) = (await newcomer.ok("GET", "/me/join-requests"))["items"]
    assert (mine["id"], mine["status"]) == (asked["id"], "expired")
    assert (await newcomer.call("POST", "/join-requests", json=county)).status_code == 201


async def test_a_request_of_the_release_before_gets_its_deadline(
    app: FastAPI, newcomer: Person, clock: FrozenClock
) -> None:
    await newcomer.ok("POST", "/join-requests", json={"unit_id": str(await unit_of(app, "370102"))})
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE join_requests SET responsible_unit_id = NULL, escalate_at = NULL, expires_at = NULL")
        )
    await jobs.apply(app.state.database, clock)
    (mine,) = (await newcomer.ok("GET", "/me/join-requests"))["items"]
    assert (mine["escalations"], mine["escalate_at"] is not None) == (0, True)


async def test_many_requests_are_escalated_in_bounded_batches(
    app: FastAPI, newcomer: Person, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = await unit_of(app, "370102")
    async with app.state.database.transaction() as session:
        others = await session.scalars(select(Membership.account_id).limit(5))
        for sub in others.all():
            session.add(
                JoinRequest(
                    account_id=sub,
                    unit_id=county,
                    roles=["handler"],
                    requested_at=clock.now(),
                    responsible_unit_id=county,
                    escalate_at=clock.now() - timedelta(days=1),
                )
            )
    monkeypatch.setattr(jobs, "BATCH", 2)
    await jobs.apply(app.state.database, clock)
    async with app.state.database.transaction() as session:
        done = (await session.scalars(select(JoinRequest.escalations))).all()
    assert done == [1] * 5


async def test_deadlines_are_computed_again_once_the_workdays_of_their_year_are_published(
    app: FastAPI, newcomer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the Spring Festival of 2026, whose holidays are not known when people ask."""
    asked_at = datetime(2026, 2, 13, 9, tzinfo=SHANGHAI)
    guessed = rules.Deadline.of(asked_at, Calendar())
    county = await unit_of(app, "370102")
    async with app.state.database.transaction() as session:
        others = await session.scalars(select(Membership.account_id).limit(5))
        for number, sub in enumerate(others.all()):
            request = JoinRequest(
                account_id=sub,
                unit_id=county,
                roles=["handler"],
                requested_at=asked_at,
                status=JoinRequestStatus.PENDING,
            )
            request.ask(county, guessed)
            if number == 0:
                request.reject(sub, asked_at, "材料不全")
            session.add(request)
    monkeypatch.setattr(jobs, "BATCH", 2)

    async def deadlines() -> list[datetime | None]:
        async with app.state.database.transaction() as session:
            return list(await session.scalars(select(JoinRequest.escalate_at).order_by(JoinRequest.id)))

    monkeypatch.setattr(jobs, "published_calendar", Calendar)
    await jobs.apply(app.state.database, FrozenClock(asked_at))
    assert await deadlines() == [None, *[guessed.at] * 4]
    monkeypatch.undo()
    monkeypatch.setattr(jobs, "BATCH", 2)
    # The guess is over, and the deadline is not.
    await jobs.apply(app.state.database, FrozenClock(guessed.at))
    final = rules.Deadline.of(asked_at, published_calendar())
    assert (final.provisional, final.at > guessed.at) == (False, True)
    assert await deadlines() == [None, *[final.at] * 4]
    async with app.state.database.transaction() as session:
        assert set(await session.scalars(select(JoinRequest.provisional_since))) == {None}
        assert set(await session.scalars(select(JoinRequest.escalations))) == {0}


async def test_an_invite_has_a_link_a_qr_code_and_a_place_in_the_list(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    admin = await sign_in(COUNTY)
    county = await unit_of(app, "370102")
    path = f"/units/{county}/invites"
    made = await admin.ok("POST", path, json={"roles": ["handler"], "posts": ["科员"], "note": "新人"})
    assert made["link"] == f"http://localhost:8001/join?code={made['code']}"
    assert made["qr_svg"].startswith("<svg")
    assert "<path" in made["qr_svg"]
    shown = await newcomer.ok("POST", "/join-requests/preview", json={"invite_code": made["code"]})
    assert (shown["unit_name"], shown["roles"], shown["posts"]) == (
        "历下区学生资助管理中心",
        ["handler"],
        ["科员"],
    )
    second = await admin.ok("POST", path, json={"roles": ["handler"]})
    await admin.ok("POST", f"/invites/{second['id']}/revoke")
    listed = (await admin.ok("GET", path))["items"]
    assert [one["id"] for one in listed] == [second["id"], made["id"]]
    assert {one["code"] for one in listed} == {None}
    usable = (await admin.ok("GET", path, params={"usable": True}))["items"]
    assert [one["note"] for one in usable] == ["新人"]
    first = await admin.ok("GET", path, params={"limit": 1})
    rest = await admin.ok("GET", path, params={"limit": 1, "cursor": first["next"]})
    assert rest["items"][0]["id"] == made["id"]


async def test_nobody_invites_or_admits_to_a_role_that_they_may_not_grant(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    """Roles are data: an administrator whose role may not pass on issuing cannot appoint who issues."""
    county = await unit_of(app, "370102")
    admin = await sign_in(COUNTY)
    asked = await newcomer.ok("POST", "/join-requests", json={"unit_id": str(county), "roles": ["approver"]})
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE roles SET may_grant = '{}' WHERE code = 'unit_admin'"))
        await session.execute(text("UPDATE memberships SET roles = '{unit_admin}'"))
    await admin.again()
    invite = await admin.code("POST", f"/units/{county}/invites", json={"roles": ["approver"]})
    assert invite == (403, "role_not_grantable")
    path = f"/join-requests/{asked['id']}/approve"
    assert await admin.code("POST", path) == (403, "role_not_grantable")
    assert (await admin.ok("POST", path, json={"roles": ["handler"]}))["roles"] == ["handler"]


@pytest.mark.parametrize(
    ("asked", "end"),
    [
        # A Monday: the fifth workday is the next Monday.
        (date(2026, 3, 2), date(2026, 3, 10)),
        # Before the Spring Festival of 2026, with its make-up workdays.
        (date(2026, 2, 13), date(2026, 2, 28)),
    ],
)
def test_five_workdays_are_counted_in_beijing(asked: date, end: date) -> None:
    morning = datetime(asked.year, asked.month, asked.day, 9, tzinfo=SHANGHAI)
    assert rules.Deadline.of(morning.astimezone(UTC), published_calendar()).at.date() == end
