"""Custom roles: defined by the security administrator, confirmed by a second one, retired at once."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import EventModel
from contracts.identity import RoleChangedV1
from contracts.permissions import BUILT_IN
from contracts.vocabulary import Permission
from identity.base import outbox
from identity.role_changes.rules import FOR_UNITS, fit
from identity.roles.service import Roles
from services.identity.tests.support.people import (
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    Person,
    SignIn,
    platform_administrators,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration
from testkit.waiting import moments

REPORTER = {
    "code": "data_reporter",
    "name": "数据报送员",
    "permissions": ["figures.contribute", "members.read"],
    "reason": "专人报送资助数据",
}
CHANGED = {key: value for key, value in REPORTER.items() if key != "code"}
WHY = {"reason": "岗位调整"}


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def three(app: FastAPI, new_browser: NewBrowser) -> dict[str, Person]:
    """One of each kind, appointed by the operator."""
    return await platform_administrators(app, new_browser)


async def defined(three: dict[str, Person]) -> None:
    asked = await three["security_admin"].ok("POST", "/platform/roles", json=REPORTER)
    await three["system_admin"].ok("POST", f"/platform/role-changes/{asked['id']}/confirm")


async def given(app: FastAPI, by: Person, to: Person, *roles: str) -> Any:
    path = f"/units/{await unit_of(app, '370102')}/members/{await to.sub()}"
    return await by.call("PATCH", path, json={**WHY, "roles": list(roles)})


async def permissions(person: Person) -> list[str]:
    found: list[str] = (await person.ok("GET", "/me"))["permissions"]
    return found


async def refused_at_last(person: Person) -> None:
    """The tokens from before do not work any more, once the job has run."""
    async for _ in moments():
        answer = await person.call("GET", "/me")
        if answer.status_code == 401:
            break
    assert answer.json()["code"] == "token_revoked"


async def test_a_role_exists_once_a_second_administrator_of_another_kind_has_confirmed(
    app: FastAPI, three: dict[str, Person], sign_in: SignIn
) -> None:
    county, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    security = three["security_admin"]
    asked = await security.ok("POST", "/platform/roles", json=REPORTER)
    assert (asked["status"], asked["proposed_role"]) == ("pending", "security_admin")
    assert (await given(app, county, handler, "data_reporter")).json()["code"] == "unknown_role"
    confirm = f"/platform/role-changes/{asked['id']}/confirm"
    assert await security.code("POST", confirm) == (403, "second_person_required")
    assert await county.code("POST", confirm) == (403, "permission_required")
    confirmed = await three["audit_admin"].ok("POST", confirm)
    assert confirmed["status"] == "confirmed"
    assert await three["audit_admin"].code("POST", confirm) == (409, "role_change_decided")
    (role,) = [one for one in await county.ok("GET", "/roles") if one["code"] == "data_reporter"]
    assert (role["name"], role["built_in"], role["retired_at"]) == ("数据报送员", False, None)
    assert (await given(app, county, handler, "data_reporter")).is_success
    await handler.again()
    assert await permissions(handler) == ["figures.contribute", "members.read"]
    page = await handler.browser.http.get("/account")
    assert "数据报送员" in page.text


async def test_only_the_security_administrator_defines_roles(
    three: dict[str, Person], sign_in: SignIn
) -> None:
    county = await sign_in(COUNTY)
    for person in (three["system_admin"], three["audit_admin"], county):
        assert await person.code("POST", "/platform/roles", json=REPORTER) == (403, "permission_required")
        assert await person.code("PUT", "/platform/roles/handler", json=CHANGED) == (
            403,
            "permission_required",
        )
        assert await person.code("POST", "/platform/roles/handler/retire", json=WHY) == (
            403,
            "permission_required",
        )


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"permissions": ["platform.accounts"]}, 400, "permission_not_for_units"),
        ({"may_grant": ["audit.read"]}, 400, "permission_not_for_units"),
        ({"permissions": ["notices.burn"]}, 422, "invalid_shape"),
        ({"permissions": []}, 422, "invalid_shape"),
        ({"code": "Reporter"}, 422, "invalid_shape"),
        ({"code": "handler"}, 409, "role_exists"),
        ({"name": "经办人"}, 409, "role_exists"),
    ],
)
async def test_a_role_has_only_permissions_of_units_and_a_new_code_and_name(
    three: dict[str, Person], changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await three["security_admin"].code("POST", "/platform/roles", json=REPORTER | changes)
    assert answer == (status, code)


async def test_built_in_roles_do_not_change(three: dict[str, Person]) -> None:
    security = three["security_admin"]
    assert await security.code("PUT", "/platform/roles/handler", json=CHANGED) == (409, "built_in_role")
    assert await security.code("POST", "/platform/roles/handler/retire", json=WHY) == (409, "built_in_role")
    assert await security.code("PUT", "/platform/roles/nobody", json=CHANGED) == (404, "role_not_found")


async def test_a_narrowed_role_allows_less_at_once_and_one_change_waits_at_a_time(
    app: FastAPI, three: dict[str, Person], sign_in: SignIn
) -> None:
    await defined(three)
    county, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    assert (await given(app, county, handler, "data_reporter")).is_success
    await handler.again()
    security, audit = three["security_admin"], three["audit_admin"]
    less = CHANGED | {"permissions": ["figures.contribute"]}
    asked = await security.ok("PUT", "/platform/roles/data_reporter", json=less)
    again = await security.code("PUT", "/platform/roles/data_reporter", json=CHANGED)
    assert again == (409, "role_change_pending")
    assert await permissions(handler) == ["figures.contribute", "members.read"]
    await audit.ok("POST", f"/platform/role-changes/{asked['id']}/confirm")
    await refused_at_last(handler)
    await handler.again()
    assert await permissions(handler) == ["figures.contribute"]
    listed = await audit.ok("GET", "/platform/role-changes", params={"code": "data_reporter", "limit": 1})
    assert (listed["items"][0]["kind"], listed["items"][0]["permissions"]) == (
        "change",
        ["figures.contribute"],
    )
    older = await audit.ok("GET", "/platform/role-changes", params={"limit": 1, "cursor": listed["next"]})
    assert (older["items"][0]["kind"], older["next"]) == ("create", None)


async def test_a_retired_role_stays_in_the_history_and_gives_nothing(
    app: FastAPI, three: dict[str, Person], sign_in: SignIn
) -> None:
    await defined(three)
    county, handler = await sign_in(COUNTY), await sign_in(COUNTY_HANDLER)
    assert (await given(app, county, handler, "data_reporter")).is_success
    await handler.again()
    security = three["security_admin"]
    waiting = await security.ok("PUT", "/platform/roles/data_reporter", json=CHANGED)
    retired = await security.ok("POST", "/platform/roles/data_reporter/retire", json=WHY)
    assert (retired["kind"], retired["status"]) == ("retire", "confirmed")
    late = await three["audit_admin"].code("POST", f"/platform/role-changes/{waiting['id']}/confirm")
    assert late == (409, "role_change_decided")
    await refused_at_last(handler)
    await handler.again()
    assert await permissions(handler) == []
    assert (await handler.ok("GET", "/me"))["acting"]["roles"] == ["data_reporter"]
    codes = {one["code"] for one in await county.ok("GET", "/roles")}
    assert "data_reporter" not in codes
    (kept,) = [
        one
        for one in await county.ok("GET", "/roles", params={"retired": "true"})
        if one["code"] == "data_reporter"
    ]
    assert kept["retired_at"] is not None
    assert await security.code("POST", "/platform/roles", json=REPORTER) == (409, "role_exists")
    assert await security.code("PUT", "/platform/roles/data_reporter", json=CHANGED) == (409, "role_retired")
    # Nobody gets it any more, and an administrator takes it away.
    city = await sign_in(CITY)
    other = await given(app, city, county, "data_reporter", "unit_admin")
    assert other.json()["code"] == "unknown_role"
    assert (await given(app, county, handler, "handler")).is_success


async def test_other_services_are_told_what_a_role_allows(
    app: FastAPI, three: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The relay empties the table within milliseconds.
    events: list[EventModel] = []
    add = outbox.add

    def noted(session: AsyncSession, event: EventModel, **words: Any) -> UUID:
        events.append(event)
        return add(session, event, **words)

    monkeypatch.setattr(outbox, "add", noted)
    await defined(three)
    security = three["security_admin"]
    changed = {**CHANGED, "permissions": ["members.read"], "name": "数据员"}
    asked = await security.ok("PUT", "/platform/roles/data_reporter", json=changed)
    await three["audit_admin"].ok("POST", f"/platform/role-changes/{asked['id']}/confirm")
    await security.ok("POST", "/platform/roles/data_reporter/retire", json=WHY)
    async with app.state.database.transaction() as session:
        snapshot = await Roles(session).snapshot(None, 100)
    changes = [one for one in events if isinstance(one, RoleChangedV1)]
    assert [(one.version, one.name, one.permissions, one.retired) for one in changes] == [
        (1, "数据报送员", ["figures.contribute", "members.read"], False),
        (2, "数据员", ["members.read"], False),
        (3, "数据员", [], True),
    ]
    # A copy that is built from the snapshot ends the same, and has the built-in roles.
    by_code = {one.code: one for one in snapshot}
    assert by_code["data_reporter"] == changes[-1]
    assert {one: set(by_code[one].permissions) for one in BUILT_IN} == BUILT_IN


async def test_a_change_is_refused_or_taken_back(three: dict[str, Person], sign_in: SignIn) -> None:
    security, county = three["security_admin"], await sign_in(COUNTY)
    for by in (security, three["system_admin"]):
        asked = await security.ok("POST", "/platform/roles", json=REPORTER)
        path = f"/platform/role-changes/{asked['id']}/refuse"
        assert await county.code("POST", path) == (403, "permission_required")
        assert (await by.ok("POST", path))["status"] == "refused"
    missing = "/platform/role-changes/01930000-0000-7000-8000-000000000001/confirm"
    assert await security.code("POST", missing) == (404, "role_change_not_found")


async def test_the_system_administrator_sees_the_settings_without_secrets(
    app: FastAPI, three: dict[str, Person]
) -> None:
    listed = await three["system_admin"].ok("GET", "/platform/settings")
    values = {one["name"]: one["value"] for one in listed}
    assert values["access_token_seconds"] == app.state.settings.access_token_seconds
    assert values["sms_gateway"] is False
    assert not any("key" in name and name != "key_rotation_days" for name in values)
    refused = await three["security_admin"].code("GET", "/platform/settings")
    assert refused == (403, "permission_required")


@pytest.mark.parametrize(
    ("permissions", "may_grant", "fits"),
    [
        (["members.read"], [], True),
        (["members.read"], ["notices.issue"], True),
        ([], ["notices.issue"], False),
        (["platform.settings"], [], False),
        (["members.read"], ["audit.read"], False),
    ],
)
def test_which_permissions_fit_a_role_in_a_unit(
    permissions: list[str], may_grant: list[str], fits: bool
) -> None:
    assert fit(permissions, may_grant) is fits
    assert Permission.CLIENTS_MANAGE in FOR_UNITS
