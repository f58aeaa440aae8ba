"""Registering, joining by invite, approval by the unit's or a higher administrator, suspension."""

from datetime import timedelta

import httpx
import pytest

from identity import bootstrap
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.waiting import moments

COUNTY_ADMIN = "19900001323"  # 历下区 370102
SIBLING_ADMIN = "19900001325"  # 370103
CITY_ADMIN = "19900001039"  # 济南市 370100
NEWCOMER = "13812345678"
ANY, WHY = {"If-Match": "*"}, {"reason": "布局调整"}


async def register(browser: Browser, phone: str = NEWCOMER, name: str = "王小明") -> httpx.Response:
    return await browser.register(phone, name=name)


async def test_a_new_school_s_first_administrator_is_approved_by_the_county(new_browser: NewBrowser) -> None:
    county, sibling, teacher = new_browser(), new_browser(), new_browser()
    admin = await county.bearer(COUNTY_ADMIN)
    me = (await county.http.get("/api/v1/me", headers=admin)).json()
    school = await county.http.post(
        "/api/v1/units",
        headers=admin,
        json={
            "parent_id": me["unit_id"],
            "code": "S3701029001",
            "name": "济南市历下区新建小学",
            "level": "school",
            "kind": "school",
            "stages": ["compulsory"],
        },
    )
    assert school.status_code == 201, school.text
    invite = await county.http.post(
        f"/api/v1/units/{school.json()['id']}/invites", headers=admin, json={"roles": ["unit_admin"]}
    )
    assert invite.status_code == 201, invite.text

    assert (await register(teacher)).status_code == 201
    outsider = await teacher.bearer(NEWCOMER)
    assert (await teacher.http.get("/api/v1/join-requests", headers=outsider)).json()[
        "code"
    ] == "membership_required"
    asked = await teacher.http.post(
        "/api/v1/join-requests", headers=outsider, json={"invite_code": invite.json()["code"].lower()}
    )
    assert asked.status_code == 201, asked.text
    request_id = asked.json()["id"]

    other = await sibling.bearer(SIBLING_ADMIN)
    refused = await sibling.http.post(f"/api/v1/join-requests/{request_id}/approve", headers=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")

    approved = await county.http.post(f"/api/v1/join-requests/{request_id}/approve", headers=admin)
    assert approved.status_code == 200, approved.text
    again = await county.http.post(f"/api/v1/join-requests/{request_id}/approve", headers=admin)
    assert again.json()["code"] == "join_request_decided"
    now = await teacher.http.get("/api/v1/me", headers=await teacher.bearer(NEWCOMER))
    assert now.json()["roles"] == ["unit_admin"]


async def test_a_suspended_account_s_token_is_refused_and_it_cannot_sign_in(new_browser: NewBrowser) -> None:
    county, person = new_browser(), new_browser()
    admin = await county.bearer(COUNTY_ADMIN)
    handler = await person.bearer("19900001324")
    sub = (await person.http.get("/api/v1/me", headers=handler)).json()["sub"]
    answer = await county.http.post(
        f"/api/v1/accounts/{sub}/suspend", headers=admin, json={"reason": "已调离资助工作岗位"}
    )
    assert answer.status_code == 200, answer.text
    async for _ in moments():
        refused = await person.http.get("/api/v1/me", headers=handler)
        if refused.status_code == 401:
            break
    assert refused.json()["code"] == "token_revoked"
    service = await county.http.post(
        "/token",
        data={"grant_type": "client_credentials", "scope": "directory:read"},
        auth=("office", "o" * 40),
    )
    reading = {"Authorization": f"Bearer {service.json()['access_token']}"}
    asked = await county.http.get("/api/v1/snapshot/revocations", headers=reading)
    of_person = [entry for entry in asked.json()["items"] if entry["sub"] == sub]
    assert any(entry["sid"] is None and entry["grant_id"] is None for entry in of_person)
    later = {"recorded_from": "2999-01-01T00:00:00Z"}
    nothing = await county.http.get("/api/v1/snapshot/revocations", params=later, headers=reading)
    assert nothing.json() == {"items": [], "next": None}
    person_asks = await county.http.get("/api/v1/snapshot/revocations", headers=admin)
    assert (person_asks.status_code, person_asks.json()["code"]) == (403, "insufficient_scope")


async def test_closing_a_unit_ends_its_memberships_and_withdraws_its_people_s_tokens(
    new_browser: NewBrowser,
) -> None:
    county, teacher = new_browser(), new_browser()
    admin = await county.bearer(COUNTY_ADMIN)
    token = await teacher.bearer("19900002087")
    me = (await teacher.http.get("/api/v1/me", headers=token)).json()
    own = await teacher.http.post(f"/api/v1/units/{me['unit_id']}/close", headers=token | ANY, json=WHY)
    assert own.json()["code"] == "own_unit"
    invite = await teacher.http.post(
        f"/api/v1/units/{me['unit_id']}/invites", headers=token, json={"roles": ["handler"]}
    )
    newcomer = new_browser()
    await register(newcomer)
    outsider = await newcomer.bearer(NEWCOMER)
    code = {"invite_code": invite.json()["code"]}
    waiting = await newcomer.http.post("/api/v1/join-requests", headers=outsider, json=code)
    assert waiting.status_code == 201
    above = await county.http.post(f"/api/v1/units/{me['unit_id']}/close", headers=admin | ANY, json=WHY)
    assert above.json()["code"] == "unit_not_empty"
    below = await county.http.get(f"/api/v1/units/{me['unit_id']}/children", headers=admin)
    for unit in (below.json()["items"][0]["id"], me["unit_id"]):
        assert (
            await county.http.post(f"/api/v1/units/{unit}/close", headers=admin | ANY, json=WHY)
        ).status_code == 200
    again = await county.http.post(f"/api/v1/units/{me['unit_id']}/close", headers=admin | ANY, json=WHY)
    assert again.json()["code"] == "unit_closed"
    late = await county.http.post(f"/api/v1/join-requests/{waiting.json()['id']}/approve", headers=admin)
    assert late.json()["code"] == "unit_closed"
    retry = await newcomer.http.post("/api/v1/join-requests", headers=outsider, json=code)
    assert retry.json()["code"] == "unit_closed"
    async for _ in moments():
        refused = await teacher.http.get("/api/v1/me", headers=token)
        if refused.status_code == 401:
            break
    assert refused.json()["code"] == "token_revoked"


async def test_the_national_loader_needs_a_real_first_administrator_and_world_s_dev_mode() -> None:
    with pytest.raises(bootstrap.NoWorld):
        bootstrap.world("s", dev=False)
    with pytest.raises(bootstrap.NoWorld, match="ZHUXUE_IDENTITY_FIRST_ADMIN_PHONE"):
        bootstrap.world("national", dev=False)
    admin = bootstrap.first_admin("13800138000", "王小明")
    chosen = bootstrap.world("national", dev=False, first_admin=admin)
    assert len(chosen.units) == 3329
    assert [person.phone for person in chosen.people] == ["13800138000"]


async def test_a_suspension_from_above_is_lifted_from_above_only(new_browser: NewBrowser) -> None:
    city, county, person = new_browser(), new_browser(), new_browser()
    higher, lower = await city.bearer(CITY_ADMIN), await county.bearer(COUNTY_ADMIN)
    sub = (await person.http.get("/api/v1/me", headers=await person.bearer("19900001324"))).json()["sub"]
    reason = {"reason": "演示：停用账号"}
    assert (await city.http.post(f"/api/v1/accounts/{sub}/suspend", headers=higher, json=reason)).is_success
    refused = await county.http.post(f"/api/v1/accounts/{sub}/restore", headers=lower, json=reason)
    assert (refused.status_code, refused.json()["code"]) == (403, "suspended_above")
    assert (await city.http.post(f"/api/v1/accounts/{sub}/restore", headers=higher, json=reason)).is_success


async def test_entitlements_end_with_the_unit_they_were_given_for(
    new_browser: NewBrowser, clock: FrozenClock
) -> None:
    city, county = new_browser(), new_browser()
    higher = await city.bearer(CITY_ADMIN)
    admin = await county.bearer(COUNTY_ADMIN)
    me = (await county.http.get("/api/v1/me", headers=admin)).json()
    office = await county.http.post(
        "/api/v1/units",
        headers=higher,
        json={
            "parent_id": (await city.http.get("/api/v1/me", headers=higher)).json()["unit_id"],
            "code": "370199",
            "name": "高新区学生资助管理中心",
            "level": "county",
            "kind": "student_aid",
            "stages": ["compulsory"],
        },
    )
    assert office.status_code == 201, office.text
    assert me["entitlements"] == []
    invite = await city.http.post(
        f"/api/v1/units/{office.json()['id']}/invites", headers=higher, json={"roles": ["handler"]}
    )
    person = new_browser()
    await register(person)
    outsider = await person.bearer(NEWCOMER)
    asked = await person.http.post(
        "/api/v1/join-requests", headers=outsider, json={"invite_code": invite.json()["code"]}
    )
    await city.http.post(f"/api/v1/join-requests/{asked.json()['id']}/approve", headers=higher)
    granted = await city.http.post(
        f"/api/v1/accounts/{asked.json()['sub']}/entitlements", headers=higher, json={"name": "cockpit"}
    )
    assert granted.json()["entitlements"] == ["cockpit"]
    closed = await city.http.post(
        f"/api/v1/units/{office.json()['id']}/close", headers=higher | ANY, json=WHY
    )
    assert closed.status_code == 200, closed.text
    # The withdrawal refuses tokens of the same second: ask for a new one after it.
    clock.advance(timedelta(seconds=2))
    now = await person.http.get("/api/v1/me", headers=await person.bearer(NEWCOMER))
    assert (now.json()["unit_id"], now.json()["entitlements"]) == (None, [])
