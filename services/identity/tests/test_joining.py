"""Registering, joining by invite, approval by the unit's or a higher administrator, suspension."""

from typing import Any

COUNTY_ADMIN = "19900001323"  # 历下区 370102
SIBLING_ADMIN = "19900001325"  # 370103
NEWCOMER = "13812345678"


async def register(browser: Any, phone: str = NEWCOMER, name: str = "王小明") -> Any:
    asked = await browser.http.post("/api/v1/sms-codes", json={"phone": phone, "purpose": "register"})
    assert asked.status_code == 202, asked.text
    code = browser.last_code(phone)
    return await browser.http.post("/api/v1/accounts", json={"phone": phone, "code": code, "name": name})


async def test_a_new_school_s_first_administrator_is_approved_by_the_county(new_browser: Any) -> None:
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


async def test_a_suspended_account_s_token_is_refused_and_it_cannot_sign_in(new_browser: Any) -> None:
    county, person = new_browser(), new_browser()
    admin = await county.bearer(COUNTY_ADMIN)
    handler = await person.bearer("19900001324")
    sub = (await person.http.get("/api/v1/me", headers=handler)).json()["sub"]
    answer = await county.http.post(
        f"/api/v1/accounts/{sub}/suspend", headers=admin, json={"reason": "已调离资助工作岗位"}
    )
    assert answer.status_code == 200, answer.text
    for _ in range(50):
        refused = await person.http.get("/api/v1/me", headers=handler)
        if refused.status_code == 401:
            break
    assert refused.json()["code"] == "token_revoked"
