"""Platform administrators find and name whom their duty is about; units find a person by phone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity.search import rules
from services.identity.tests.support.people import (
    CENTRE,
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    NEWCOMER,
    Person,
    SignIn,
    platform_administrators,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

WHY = {"reason": "岗位需要"}
BY_PHONE = "/search/people/by-phone"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def three(app: FastAPI, new_browser: NewBrowser) -> dict[str, Person]:
    return await platform_administrators(app, new_browser)


async def by_phone(person: Person, phone: str) -> Any:
    return (await person.ok("POST", BY_PHONE, json={"phone": phone}))["person"]


async def rows(app: FastAPI, action: str) -> list[Any]:
    async with app.state.database.transaction() as session:
        return list(
            await session.execute(
                text("SELECT actor, target_id, details FROM audit_log WHERE action = :a ORDER BY id"),
                {"a": action},
            )
        )


async def test_every_platform_administrator_names_people_and_units_by_id_and_finds_units(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person], newcomer: Person
) -> None:
    county, sub = str(await unit_of(app, "370102")), await (await sign_in(COUNTY)).sub()
    await app.state.search_indexer.caught_up()
    for person in three.values():
        (named,) = await person.ok("GET", "/people", params={"ids": sub})
        assert (named["unit_id"], set(named)) == (county, {"sub", "name", "unit_id", "unit_name"})
        (unit,) = await person.ok("GET", "/units", params={"ids": county})
        assert unit["id"] == county
        found = await person.ok("GET", "/search/units", params={"q": "历下"})
        assert county in [one["id"] for one in found["items"]]
    # Whoever has neither a unit nor a platform role does not.
    for path, params in (
        ("/people", {"ids": sub}),
        ("/units", {"ids": county}),
        ("/search/units", {"q": "历下"}),
    ):
        assert await newcomer.code("GET", path, params=params) == (403, "membership_required")


async def test_security_and_audit_find_people_of_a_unit_that_they_name(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person], newcomer: Person
) -> None:
    county, sub = str(await unit_of(app, "370102")), await (await sign_in(COUNTY)).sub()
    name = (await three["audit_admin"].ok("GET", "/people", params={"ids": sub}))[0]["name"]
    await app.state.search_indexer.caught_up()
    wanted = {"q": name, "unit_id": county}
    for role, masked in (("security_admin", True), ("audit_admin", False)):
        found = (await three[role].ok("GET", "/search/people", params=wanted))["items"]
        (one,) = [one for one in found if one["sub"] == sub]
        assert (one["phone_masked"] is not None) == masked
        assert await three[role].code("GET", "/search/people", params={"q": name}) == (400, "unit_required")
        # The last digits of a number find nobody: for a number there is a search that is recorded.
        tail = await three[role].ok("GET", "/search/people", params={"q": COUNTY[-4:], "unit_id": county})
        assert tail["items"] == []
    assert await three["system_admin"].code("GET", "/search/people", params=wanted) == (
        403,
        "permission_required",
    )
    assert await newcomer.code("GET", "/search/people", params=wanted) == (403, "membership_required")


async def test_security_sees_any_account_and_finds_anybody_by_phone(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person], newcomer: Person
) -> None:
    security, sub = three["security_admin"], await newcomer.sub()
    found = await by_phone(security, f"+86 {NEWCOMER}")
    assert (found["sub"], found["phone_masked"], found["units"]) == (sub, "138****5678", [])
    assert (await security.ok("GET", f"/accounts/{sub}"))["sub"] == sub
    county = await by_phone(security, COUNTY)
    assert [one["unit_id"] for one in county["units"]] == [str(await unit_of(app, "370102"))]
    # This is how the person to appoint is found.
    body = {**WHY, "sub": found["sub"], "role": "audit_admin"}
    assert (await security.ok("POST", "/platform/proposals", json=body))["name"] == found["name"]
    for role in ("system_admin", "audit_admin"):
        for method, path, more in (
            ("POST", BY_PHONE, {"json": {"phone": NEWCOMER}}),
            ("GET", f"/accounts/{sub}", {}),
        ):
            assert (await three[role].code(method, path, **more))[0] == 403


async def test_a_unit_finds_by_phone_only_whom_it_reaches(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    city, county, handler = await sign_in(CITY), await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    assert (await by_phone(city, COUNTY))["sub"] == await county.sub()
    for out_of_reach in (CITY, CENTRE, NEWCOMER, "13999999999"):
        assert await by_phone(county, out_of_reach) is None
    assert await handler.code("POST", BY_PHONE, json={"phone": COUNTY}) == (403, "permission_required")
    assert await newcomer.code("POST", BY_PHONE, json={"phone": COUNTY}) == (403, "membership_required")
    assert await county.code("POST", BY_PHONE, json={"phone": "0531-86012345"}) == (400, "bad_phone")


async def test_every_lookup_is_recorded_without_the_number_and_limited(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LOOKUPS", 2)
    county = await sign_in(COUNTY)
    await by_phone(county, COUNTY_HANDLER)
    await by_phone(county, CITY)
    hit, miss = await rows(app, "account.looked_up")
    assert (hit.target_id is not None, hit.details) == (True, {"found": True})
    assert (miss.target_id, miss.details) == (None, {"found": False})
    assert await county.code("POST", BY_PHONE, json={"phone": COUNTY}) == (429, "too_many_lookups")
    assert await by_phone(three["security_admin"], COUNTY) is not None, "the limit is each person's own"
    monkeypatch.setattr(rules, "LOOKUPS_WITHIN", timedelta(minutes=-1))
    assert await by_phone(county, COUNTY) is not None, "former ones do not count"


async def test_the_audit_log_names_actor_target_and_subject(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person], newcomer: Person
) -> None:
    county, audit, unit = await sign_in(COUNTY), three["audit_admin"], str(await unit_of(app, "370102"))
    request = await newcomer.ok("POST", "/join-requests", json={"unit_id": unit})
    await county.ok("POST", f"/join-requests/{request['id']}/approve")
    names = {}
    for person in (county, newcomer):
        found = await audit.ok("GET", "/people", params={"ids": await person.sub()})
        names[found[0]["sub"]] = found[0]["name"]
    ((approved),) = (await audit.ok("GET", "/audit", params={"action": "join.approved"}))["items"]
    assert approved["actor_name"] == names[approved["actor"]]
    assert (approved["target_id"], approved["target_name"]) == (request["id"], None)
    assert approved["subject_name"] == names[approved["details"]["sub"]]
    (one,) = (
        await audit.ok(
            "GET", "/audit", params={"action": "account.registered", "target": await newcomer.sub()}
        )
    )["items"]
    assert one["target_name"] == one["actor_name"] == names[one["target_id"]]
    (operator, *_) = (await audit.ok("GET", "/audit", params={"action": "platform.appointed"}))["items"]
    assert (operator["actor"], operator["actor_name"]) == ("operator", None)
    assert operator["target_name"] in {"秦安", "卫宁", "沈鉴"}
    wanted = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "reason": "例行审计"}
    await audit.ok("POST", "/audit/exports", json=wanted)
    (export,) = (await audit.ok("GET", "/audit/exports"))["items"]
    assert (export["requested_by"], export["requested_by_name"]) == (await audit.sub(), "沈鉴")
    assert UUID(export["requested_by"])
