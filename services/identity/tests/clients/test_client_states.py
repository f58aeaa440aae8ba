"""What ends the use of a client, who lets it go on, and that it stays deleted."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from identity.audit.models import AuditRecord
from identity.clients.models import Client
from identity.grants.models import Grant
from services.identity.tests.support.people import unit_of
from services.identity.tests.support.registry import (
    CENTRE_ADMIN,
    CITY_ADMIN,
    COUNTY_ADMIN,
    SCHOOL_ADMIN,
    SIBLING_ADMIN,
    Admin,
    AdminOf,
    redeem,
    sign_in_through,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.pages import csrf_of

pytestmark = pytest.mark.usefixtures("clients_read_anew")


async def test_a_disabled_client_can_do_nothing_and_its_grants_end(app: FastAPI, admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    made = (await admin.register()).json()
    client_id, secret = made["client_id"], made["client_secret"]
    browser = admin.browser
    assert (await sign_in_through(browser, client_id, secret)).status_code == 200
    answer = await admin.call("POST", f"/clients/{client_id}/disable", json={"reason": "系统下线"})
    assert answer.json()["status"] == "disabled"
    shown = await sign_in_through(browser, client_id, secret)
    assert (shown.status_code, "location" in shown.headers) == (400, False)
    refused = await redeem(browser, client_id, secret, "x")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    async with app.state.database.transaction() as session:
        client = await session.get(Client, client_id)
        grants = (await session.scalars(select(Grant).where(Grant.client_id == client_id))).all()
        assert grants
        assert all(grant.generation != client.grant_generation for grant in grants)
        acts = set(
            await session.scalars(select(AuditRecord.action).where(AuditRecord.target_id == client_id))
        )
        assert {"client.registered", "client.disabled"} <= acts
    twice = await admin.call("POST", f"/clients/{client_id}/disable", json={"reason": "x"})
    assert twice.json()["code"] == "client_disabled"
    assert (await admin.call("POST", f"/clients/{client_id}/enable")).json()["status"] == "active"
    assert (await sign_in_through(browser, client_id, secret)).status_code == 200


async def close(by: Admin, code: str, **merge: str) -> None:
    unit_id = await unit_of(by.browser.app, code)
    operation = "merge" if merge else "close"
    body = {"reason": "区划调整"} | merge
    answer = await by.call("POST", f"/units/{unit_id}/{operation}", json=body, headers={"If-Match": "*"})
    assert answer.is_success, answer.text


async def test_clients_of_a_closed_unit_end_with_it(
    app: FastAPI, admin_of: AdminOf, new_browser: NewBrowser
) -> None:
    sibling, city = await admin_of(SIBLING_ADMIN), await admin_of(CITY_ADMIN)
    made = (await sibling.register()).json()
    client_id, secret = made["client_id"], made["client_secret"]
    browser = new_browser()
    assert (await sign_in_through(browser, client_id, secret)).status_code == 200
    async with app.state.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE units SET status = 'closed', closed_at = now() WHERE path <@ :path AND path <> :path"
            ),
            {"path": "100000.370000.370100.370103"},
        )
    await close(city, "370103")
    shown = await sign_in_through(browser, client_id, secret)
    assert (shown.status_code, "location" in shown.headers) == (400, False)
    refused = await redeem(browser, client_id, secret, "x")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await city.call("GET", f"/clients/{client_id}")).json()["status"] == "disabled"
    assert (await city.call("GET", f"/clients/{client_id}")).json()["disabled_by"] == "closing"
    again = await city.call("POST", f"/clients/{client_id}/enable")
    assert (again.status_code, again.json()["code"]) == (409, "unit_closed")


async def test_clients_of_a_merged_unit_go_on_with_the_unit_it_was_merged_into(
    admin_of: AdminOf, new_browser: NewBrowser
) -> None:
    county, sibling, city = [await admin_of(one) for one in (COUNTY_ADMIN, SIBLING_ADMIN, CITY_ADMIN)]
    made = (await county.register()).json()
    await close(city, "370102", into_id=sibling.unit)
    seen = (await sibling.call("GET", f"/clients/{made['client_id']}")).json()
    assert (seen["owner_unit_id"], seen["status"]) == (sibling.unit, "active")
    token = await sign_in_through(new_browser(), made["client_id"], made["client_secret"], SIBLING_ADMIN)
    assert token.status_code == 200, token.text


async def test_a_client_is_refused_while_its_unit_is_closed_whatever_its_own_state(
    app: FastAPI, admin_of: AdminOf, new_browser: NewBrowser
) -> None:
    made = (await (await admin_of(COUNTY_ADMIN)).register()).json()
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE units SET status = 'closed', closed_at = now() WHERE code = '370102'")
        )
    refused = await redeem(new_browser(), made["client_id"], made["client_secret"], "x")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def said(by: Admin, method: str, path: str, **more: Any) -> tuple[int, str]:
    answer = await by.call(method, path, **more)
    return answer.status_code, answer.json()["code"] if answer.is_error else ""


async def test_what_the_centre_disabled_only_the_centre_enables(admin_of: AdminOf) -> None:
    county, centre = await admin_of(COUNTY_ADMIN), await admin_of(CENTRE_ADMIN)
    path = f"/clients/{(await county.register()).json()['client_id']}"
    why = {"json": {"reason": "泄露学生信息"}}
    assert await said(county, "POST", f"{path}/disable", **why) == (200, "")
    assert (await county.call("GET", path)).json()["disabled_by"] == "unit"
    # The unit has disabled it already: so that it stays disabled, the centre does so, too.
    assert await said(centre, "POST", f"{path}/disable", **why) == (200, "")
    assert await said(centre, "POST", f"{path}/disable", **why) == (409, "client_disabled")
    assert await said(county, "POST", f"{path}/disable", **why) == (409, "client_disabled")
    assert await said(county, "POST", f"{path}/enable") == (403, "client_disabled_by_centre")
    seen = (await county.call("GET", path)).json()
    assert (seen["status"], seen["disabled_by"]) == ("disabled", "centre")
    assert (seen["disabled_by_unit_name"], seen["disabled_reason"]) == (centre.name, "泄露学生信息")
    (listed,) = (await county.call("GET", "/clients")).json()["items"]
    assert listed["disabled_by_unit_name"] == centre.name
    enabled = (await centre.call("POST", f"{path}/enable")).json()
    assert (enabled["status"], enabled["disabled_by"], enabled["disabled_reason"]) == ("active", None, None)


async def test_what_a_unit_above_disabled_the_owner_does_not_enable(admin_of: AdminOf) -> None:
    county, sibling, city = [await admin_of(one) for one in (COUNTY_ADMIN, SIBLING_ADMIN, CITY_ADMIN)]
    path = f"/clients/{(await county.register()).json()['client_id']}"
    await city.call("POST", f"{path}/disable", json={"reason": "停用"})
    refused = await county.call("POST", f"{path}/enable")
    assert (refused.status_code, refused.json()["code"]) == (403, "client_disabled_above")
    assert city.name in refused.json()["detail"]
    # Nor who takes the client over.
    await close(city, "370102", into_id=sibling.unit)
    assert await said(sibling, "POST", f"{path}/enable") == (403, "client_disabled_above")
    assert await said(city, "POST", f"{path}/enable") == (200, "")


async def test_what_a_merged_unit_disabled_its_heir_enables(admin_of: AdminOf) -> None:
    county, sibling, city = [await admin_of(one) for one in (COUNTY_ADMIN, SIBLING_ADMIN, CITY_ADMIN)]
    path = f"/clients/{(await county.register()).json()['client_id']}"
    await county.call("POST", f"{path}/disable", json={"reason": "停用"})
    await close(city, "370102", into_id=sibling.unit)
    assert await said(sibling, "POST", f"{path}/enable") == (200, "")


async def test_what_somebody_unknown_disabled_only_a_unit_above_the_owner_enables(
    app: FastAPI, admin_of: AdminOf
) -> None:
    county, city, centre = [await admin_of(one) for one in (COUNTY_ADMIN, CITY_ADMIN, CENTRE_ADMIN)]
    client_id = (await county.register()).json()["client_id"]
    path, why = f"/clients/{client_id}", {"json": {"reason": "停用"}}

    async def as_before_0064() -> None:
        async with app.state.database.transaction() as session:
            await session.execute(
                text(
                    "UPDATE clients SET status = 'disabled', disabled_by = NULL, disabled_by_unit_id = NULL,"
                    " disabled_at = NULL, disabled_reason = NULL WHERE client_id = :client"
                ),
                {"client": client_id},
            )

    for above in (city, centre):
        await as_before_0064()
        assert await said(county, "POST", f"{path}/enable") == (403, "client_disabled_above")
        assert await said(county, "POST", f"{path}/disable", **why) == (409, "client_disabled")
        page = (await county.browser.http.get(f"/integrations/{client_id}")).text
        assert "停用时未记录停用单位，只有所属单位的上级单位可以恢复。" in page
        assert f"/integrations/{client_id}/enable" not in page
        assert await said(above, "POST", f"{path}/enable") == (200, "")
    await as_before_0064()
    assert await said(city, "POST", f"{path}/disable", **why) == (200, "")
    assert (await county.call("GET", path)).json()["disabled_by_unit_name"] == city.name


async def test_what_a_merged_unit_disabled_of_a_unit_below_its_heir_decides(admin_of: AdminOf) -> None:
    school, county, sibling, city = [
        await admin_of(one) for one in (SCHOOL_ADMIN, COUNTY_ADMIN, SIBLING_ADMIN, CITY_ADMIN)
    ]
    path = f"/clients/{(await school.register()).json()['client_id']}"
    assert await said(county, "POST", f"{path}/disable", json={"reason": "停用"}) == (200, "")
    await close(city, "370102", into_id=sibling.unit)
    seen = (await sibling.call("GET", path)).json()
    assert (seen["owner_unit_id"], seen["disabled_by_unit_name"]) == (school.unit, sibling.name)
    assert await said(sibling, "POST", f"{path}/enable") == (200, "")


async def test_the_page_says_that_the_centre_disabled_it(admin_of: AdminOf) -> None:
    county, centre = await admin_of(COUNTY_ADMIN), await admin_of(CENTRE_ADMIN)
    client_id = (await county.register()).json()["client_id"]
    await centre.call("POST", f"/clients/{client_id}/disable", json={"reason": "泄露<b>信息"})
    page = await county.browser.http.get(f"/integrations/{client_id}")
    assert "由全国中心停用，不能登录。原因：泄露&lt;b&gt;信息" in page.text
    assert "只有全国中心可以恢复" in page.text
    assert f"/integrations/{client_id}/enable" not in page.text
    assert "测试登录" not in page.text
    data = {"csrf": csrf_of(page.text)}
    refused = await county.browser.http.post(f"/integrations/{client_id}/enable", data=data)
    assert (refused.status_code, "只有全国中心可以恢复" in refused.text) == (403, True)
    page = await centre.browser.http.get(f"/integrations/{client_id}")
    data = {"csrf": csrf_of(page.text)}
    enabled = await centre.browser.http.post(f"/integrations/{client_id}/enable", data=data)
    assert enabled.status_code == 303


async def test_a_deleted_client_ends_with_its_grants_and_deleting_it_again_does_nothing(
    app: FastAPI, admin_of: AdminOf
) -> None:
    county, sibling = await admin_of(COUNTY_ADMIN), await admin_of(SIBLING_ADMIN)
    made = await county.register()
    client_id, secret = made.json()["client_id"], made.json()["client_secret"]
    path, seen = f"/clients/{client_id}", {"If-Match": made.headers["etag"]}
    assert (await sign_in_through(county.browser, client_id, secret)).status_code == 200
    assert await said(county, "DELETE", path) == (428, "precondition_required")
    assert await said(sibling, "DELETE", path, headers=seen) == (404, "client_not_found")
    assert await said(county, "DELETE", path, headers={"If-Match": '"7"'}) == (412, "version_changed")
    for _ in range(2):
        gone = await county.call("DELETE", path, headers=seen)
        assert (gone.status_code, gone.content) == (204, b"")
    assert await said(county, "GET", path) == (404, "client_not_found")
    assert (await county.call("GET", "/clients")).json()["items"] == []
    refused = await redeem(county.browser, client_id, secret, "x")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    async with app.state.database.transaction() as session:
        client = await session.get(Client, client_id)
        grants = (await session.scalars(select(Grant).where(Grant.client_id == client_id))).all()
        assert grants
        assert all(grant.generation != client.grant_generation for grant in grants)
        acts = list(
            await session.scalars(
                select(AuditRecord.action).where(AuditRecord.target_id == client_id).order_by(AuditRecord.id)
            )
        )
    assert acts.count("client.deleted") == 1
