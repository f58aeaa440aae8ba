"""The three administrators of the platform: two people appoint each, and none of them has a unit's powers."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from contracts.vocabulary import PlatformRole
from identity.appointments.errors import NoPlatformRole, NotTheFirst
from identity.cli_platform import appoint, dismiss
from identity.memberships.models import Membership
from identity.platform.errors import HasPlatformRole
from services.identity.tests.support.people import (
    CENTRE,
    CITY,
    COUNTY,
    NEWCOMER,
    PROVINCE,
    Person,
    SignIn,
    forget_codes,
    platform_administrators,
    registered,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

WHY = {"reason": "岗位需要"}
NOBODY = "01930000-0000-7000-8000-0000000000aa"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def three(app: FastAPI, new_browser: NewBrowser) -> dict[str, Person]:
    """One of each kind, appointed by the operator."""
    return await platform_administrators(app, new_browser)


async def propose(by: Person, sub: str, role: str | None) -> Any:
    return await by.ok("POST", "/platform/proposals", json={**WHY, "sub": sub, "role": role})


async def test_the_operator_appoints_only_the_first_of_each_kind(
    app: FastAPI, three: dict[str, Person], newcomer: Person
) -> None:
    with pytest.raises(NotTheFirst):
        await appoint(app.state.settings, PlatformRole.AUDIT_ADMIN, NEWCOMER)
    listed = await three["audit_admin"].ok("GET", "/platform/administrators")
    assert sorted(one["role"] for one in listed) == ["audit_admin", "security_admin", "system_admin"]
    # They belong to no unit and see all.
    for one in three.values():
        top = await one.ok("GET", "/units/by-code/100000")
        assert (await one.ok("GET", f"/units/{top['id']}/children"))["items"]
        assert (await one.ok("GET", f"/units/{top['id']}/history"))["items"]
        assert await one.code("GET", f"/units/{top['id']}/members") == (403, "membership_required")
    assert await newcomer.code("GET", f"/units/{top['id']}") == (403, "membership_required")


async def audited(app: FastAPI, action: str) -> Any:
    statement = text("SELECT actor, details FROM audit_log WHERE action = :action ORDER BY id DESC LIMIT 1")
    async with app.state.database.transaction() as session:
        return (await session.execute(statement, {"action": action})).one()


@pytest.mark.parametrize("by_phone", [True, False])
async def test_the_operator_replaces_the_last_of_a_kind_who_has_lost_access(
    app: FastAPI, three: dict[str, Person], newcomer: Person, by_phone: bool
) -> None:
    settings, role, lost = app.state.settings, PlatformRole.SECURITY_ADMIN, three["security_admin"]
    sub, other = await lost.sub(), await newcomer.sub()
    proposal = await propose(lost, other, "audit_admin")
    with pytest.raises(NotTheFirst):
        await appoint(settings, role, NEWCOMER)
    with pytest.raises(NoPlatformRole):
        await dismiss(settings, app.state.clock, PlatformRole.AUDIT_ADMIN, sub, "手机遗失")
    person = lost.phone if by_phone else sub
    await dismiss(settings, app.state.clock, role, person, "手机遗失")
    record = await audited(app, "platform.dismissed")
    assert (record.actor, record.details["role"], record.details["reason"]) == ("operator", role, "手机遗失")
    # Tokens and the signed-in browser end. The command is another process: the service hears of it soon.
    async with asyncio.timeout(60):
        while (refused := await lost.code("GET", "/me")) != (401, "token_revoked"):
            assert refused[0] == 200
            await asyncio.sleep(0.05)
    assert (await lost.browser.http.get("/account")).status_code == 303
    await appoint(settings, role, NEWCOMER)
    # What the dismissed one has proposed waits for a second person, as after any dismissal.
    decided = await three["system_admin"].ok("POST", f"/platform/proposals/{proposal['id']}/refuse")
    assert decided["status"] == "refused"
    assert (await (await newcomer.again()).ok("GET", "/me"))["platform_role"] == role


STRONG = (
    ("security_admin", "POST", "/platform/proposals", {**WHY, "sub": NOBODY, "role": "audit_admin"}),
    ("audit_admin", "POST", f"/platform/proposals/{NOBODY}/confirm", None),
    ("audit_admin", "POST", f"/platform/proposals/{NOBODY}/refuse", None),
    ("security_admin", "POST", f"/platform/accounts/{NOBODY}/suspend", WHY),
    ("security_admin", "POST", f"/platform/accounts/{NOBODY}/restore", WHY),
    ("security_admin", "DELETE", f"/platform/accounts/{NOBODY}/authenticators", None),
    ("security_admin", "POST", "/platform/roles/none/retire", WHY),
    ("system_admin", "POST", f"/platform/role-changes/{NOBODY}/confirm", None),
    ("system_admin", "POST", f"/platform/role-changes/{NOBODY}/refuse", None),
    ("system_admin", "POST", "/clients/none/secrets", None),
    ("system_admin", "DELETE", "/clients/none/secrets/none", None),
    ("system_admin", "POST", "/clients/none/disable", WHY),
    ("system_admin", "POST", "/clients/none/enable", None),
)
"""What administrators of the platform do with a second factor only, and the person who may."""


async def test_important_operations_of_the_platform_take_a_second_factor(
    app: FastAPI, three: dict[str, Person], new_browser: NewBrowser, sign_in: SignIn
) -> None:
    """RFC 9470. The text is for those, too, who have none yet."""
    weak = {}
    for role, strong in three.items():
        await forget_codes(app)
        browser = new_browser()
        weak[role] = Person(browser, strong.phone, await browser.bearer(strong.phone))
    for role, method, path, body in STRONG:
        answer = await weak[role].call(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication"), path
        assert 'acr_values="urn:zhuxue:acr:mfa", max_age="300"' in answer.headers["www-authenticate"]
        assert "设置动态口令或添加通行密钥" in answer.json()["detail"]
        answer = await three[role].call(method, path, json=body)
        assert answer.status_code == 404, (path, answer.text)
    # Reading takes none, and who may not anyway is not asked for one.
    await weak["audit_admin"].ok("GET", "/platform/proposals")
    await weak["system_admin"].ok("GET", "/clients")
    path = f"/platform/accounts/{NOBODY}/suspend"
    assert await weak["system_admin"].code("POST", path, json=WHY) == (403, "permission_required")
    # The home page tells whoever has none how to set one up.
    page = await weak["system_admin"].browser.http.get("/account")
    assert "您还没有设置" in page.text
    # An administrator of a unit changes its clients as before.
    county = await sign_in(COUNTY)
    assert await county.code("POST", "/clients/none/secrets") == (404, "client_not_found")


async def test_nobody_has_two_of_the_three_roles(app: FastAPI, newcomer: Person) -> None:
    await appoint(app.state.settings, PlatformRole.AUDIT_ADMIN, NEWCOMER)
    with pytest.raises(HasPlatformRole):
        await appoint(app.state.settings, PlatformRole.SYSTEM_ADMIN, NEWCOMER)


async def test_two_people_of_different_kinds_appoint_an_administrator(
    newcomer: Person, three: dict[str, Person]
) -> None:
    sub = await newcomer.sub()
    proposal = await propose(three["security_admin"], sub, "audit_admin")
    path = f"/platform/proposals/{proposal['id']}/confirm"
    # Not the proposer, not the person, not somebody without a role.
    assert await three["security_admin"].code("POST", path) == (403, "second_person_required")
    assert await newcomer.code("POST", path) == (403, "permission_required")
    assert (await three["system_admin"].ok("POST", path))["status"] == "confirmed"
    assert await three["audit_admin"].code("POST", path) == (409, "proposal_decided")
    me = await (await newcomer.again()).ok("GET", "/me")
    assert me["platform_role"] == "audit_admin"
    assert "audit.read" in me["permissions"]

    # And dismiss one, but not the last of a kind.
    for gone, outcome in ((sub, "confirmed"), (await three["audit_admin"].sub(), None)):
        proposal = await propose(three["security_admin"], gone, None)
        path = f"/platform/proposals/{proposal['id']}/confirm"
        if outcome is None:
            assert await three["system_admin"].code("POST", path) == (409, "last_of_its_kind")
        else:
            assert (await three["system_admin"].ok("POST", path))["status"] == outcome
    assert (await (await newcomer.again()).ok("GET", "/me"))["platform_role"] is None


async def test_one_of_two_is_dismissed_even_while_suspended(
    newcomer: Person, three: dict[str, Person]
) -> None:
    security, system = three["security_admin"], three["system_admin"]
    sub = await newcomer.sub()
    for role in ("security_admin", None):
        proposal = await propose(security, sub, role)
        confirmed = await system.ok("POST", f"/platform/proposals/{proposal['id']}/confirm")
        assert confirmed["status"] == "confirmed"
        if role is not None:
            await security.ok("POST", f"/platform/accounts/{sub}/suspend", json=WHY)


async def test_no_unit_suspends_a_platform_administrator(sign_in: SignIn, three: dict[str, Person]) -> None:
    county = await sign_in(COUNTY)
    path = f"/accounts/{await three['audit_admin'].sub()}/suspend"
    assert await county.code("POST", path, json=WHY) == (403, "out_of_reach")
    assert (await three["audit_admin"].ok("GET", "/me"))["platform_role"] == "audit_admin"


async def test_the_last_of_a_kind_is_not_suspended(three: dict[str, Person]) -> None:
    path = f"/platform/accounts/{await three['audit_admin'].sub()}/suspend"
    assert await three["security_admin"].code("POST", path, json=WHY) == (409, "last_of_its_kind")


async def test_a_proposal_is_made_by_security_about_somebody_else_and_may_be_refused(
    newcomer: Person, three: dict[str, Person]
) -> None:
    security, system = three["security_admin"], three["system_admin"]
    sub = await newcomer.sub()
    body = {**WHY, "sub": sub, "role": "audit_admin"}
    assert await system.code("POST", "/platform/proposals", json=body) == (403, "permission_required")
    own = {**body, "sub": await security.sub()}
    assert await security.code("POST", "/platform/proposals", json=own) == (403, "second_person_required")
    two = {**body, "sub": await system.sub()}
    assert await security.code("POST", "/platform/proposals", json=two) == (409, "has_platform_role")
    none = {**body, "role": None}
    assert await security.code("POST", "/platform/proposals", json=none) == (400, "no_platform_role")
    proposal = await propose(security, sub, "audit_admin")
    assert await security.code("POST", "/platform/proposals", json=body) == (409, "proposal_pending")
    refused = await three["audit_admin"].ok("POST", f"/platform/proposals/{proposal['id']}/refuse")
    assert refused["status"] == "refused"
    assert [one["id"] for one in (await system.ok("GET", "/platform/proposals"))["items"]] == [proposal["id"]]


async def test_security_suspends_anybody_and_no_unit_lifts_it(
    app: FastAPI, sign_in: SignIn, three: dict[str, Person], new_browser: NewBrowser
) -> None:
    security, province, city = three["security_admin"], await sign_in(PROVINCE), await sign_in(CITY)
    person = await registered(new_browser(), NEWCOMER)
    for sub in (await city.sub(), await person.sub()):
        path = f"/platform/accounts/{sub}"
        assert await three["system_admin"].code("POST", f"{path}/suspend", json=WHY) == (
            403,
            "permission_required",
        )
        assert (await security.ok("POST", f"{path}/suspend", json=WHY))["status"] == "suspended"
    by_unit = f"/accounts/{subject_of(city)}/restore"
    assert await province.code("POST", by_unit, json=WHY) == (403, "suspended_above")
    restored = await security.ok("POST", f"/platform/accounts/{subject_of(city)}/restore", json=WHY)
    assert restored["status"] == "active"
    own = f"/platform/accounts/{await security.sub()}/suspend"
    assert await security.code("POST", own, json=WHY) == (403, "not_yourself")


def subject_of(person: Person) -> str:
    """From the token, which is refused by now."""
    import base64
    import json

    part = person.headers["Authorization"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"])


async def test_system_sees_all_clients_and_security_the_state_of_keys(
    sign_in: SignIn, three: dict[str, Person]
) -> None:
    system, security = three["system_admin"], three["security_admin"]
    clients = (await system.ok("GET", "/clients"))["items"]
    keys = await security.ok("GET", "/platform/signing-keys")
    assert isinstance(clients, list)
    assert {"ES256"} <= {key["alg"] for key in keys}
    assert "private_jwk_sealed" not in keys[0]
    assert await security.code("GET", "/clients") == (403, "membership_required")
    assert await system.code("GET", "/platform/signing-keys") == (403, "permission_required")


async def test_a_platform_role_gives_no_reach_in_units(
    app: FastAPI, three: dict[str, Person], sign_in: SignIn
) -> None:
    county = await unit_of(app, "370102")
    target = await (await sign_in(COUNTY)).sub()
    for person in three.values():
        for method, path, body in (
            ("POST", f"/units/{county}/invites", {"roles": ["handler"]}),
            ("POST", f"/accounts/{target}/suspend", WHY),
            ("PATCH", f"/units/{county}/members/{target}", WHY),
            ("POST", f"/accounts/{target}/entitlements", {"name": "cockpit"}),
        ):
            status, code = await person.code(method, path, json=body)
            assert (status, code) in ((403, "membership_required"), (403, "permission_required")), path
    await forget_codes(app)


async def test_the_last_administrator_of_the_top_unit_is_not_suspended(
    app: FastAPI, three: dict[str, Person], sign_in: SignIn, new_browser: NewBrowser
) -> None:
    """Nobody above could appoint another one. It does not matter which unit decides about the account."""
    security, county, above = three["security_admin"], await sign_in(COUNTY), await sign_in(CENTRE)
    path = f"/platform/accounts/{await above.sub()}/suspend"
    assert await security.code("POST", path, json=WHY) == (409, "last_administrator")
    newcomer = await registered(new_browser(), NEWCOMER)
    async with app.state.database.transaction() as session:
        for code, primary, roles in (("370102", True, ["handler"]), ("100000", False, ["unit_admin"])):
            session.add(
                Membership(
                    account_id=UUID(await newcomer.sub()),
                    unit_id=await unit_of(app, code),
                    is_primary=primary,
                    roles=roles,
                    started_at=app.state.clock.now(),
                )
            )
    await security.ok("POST", path, json=WHY)
    by_county = f"/accounts/{await newcomer.sub()}/suspend"
    assert await county.code("POST", by_county, json=WHY) == (409, "last_administrator")
    await security.ok("POST", path.replace("suspend", "restore"), json=WHY)
    assert (await county.ok("POST", by_county, json=WHY))["status"] == "suspended"
