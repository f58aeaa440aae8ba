"""Wall displays: a device that asks for the cockpit's views of one unit (RFC 8628, scope `cockpit:wall`)."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from contracts.identity import WallAllowedV1
from identity.base import outbox
from identity.clients.models import Client
from identity.entitlements.models import Entitlement
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.token_calls import claims_of
from testkit.pages import csrf_of
from testkit.postgres import Migration

from .conftest import Device

WALL = "cockpit:wall offline_access"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture(autouse=True)
async def _walls(app: FastAPI, device_clients: None) -> None:
    async with app.state.database.transaction() as session:
        # Events stay where the test can see them.
        await session.execute(text("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT 'infinity'"))
        scopes = ["openid", "profile", "cockpit:read", "cockpit:wall", "offline_access"]
        await session.execute(
            text(
                "INSERT INTO entitlements (id, account_id, name, granted_at)"
                " SELECT gen_random_uuid(), id, 'cockpit', now() FROM accounts"
            )
        )
        await session.execute(update(Client).where(Client.client_id == "wall").values(scopes=scopes))


async def decide(device: Device, page: str, **more: str) -> Any:
    form = {"csrf": csrf_of(page), "user_code": device.codes["user_code"], "decision": "allow", **more}
    return await device.http.post("/device/decision", data=form)


async def test_a_wall_display_gets_the_unit_and_the_name_that_its_approver_gives(
    device: Device, app: FastAPI
) -> None:
    await device.begin(WALL)
    page = await device.enter()
    assert page.status_code == 200
    for words in ("历下区", "不含个体信息", 'name="wall_name"', "停用"):
        assert words in page.text
    # U+202E turns the rest of the line around.
    for name in ("", "   ", "名" * 41, "大\x1b厅", "大\u202e厅"):
        unnamed = await decide(device, page.text, wall_name=name)
        assert (unnamed.status_code, "请填写大屏名称" in unnamed.text) == (400, True)
        assert f'value="{name}"' in unnamed.text
    assert (await decide(device, page.text, wall_name=" 一楼  大厅 ")).status_code == 200
    tokens = (await device.poll()).json()
    claims = claims_of(tokens["access_token"])
    assert claims["scope"] == WALL
    assert "cockpit" in claims["entitlements"]
    assert (await device.refresh(tokens["refresh_token"])).status_code == 200
    async with app.state.database.transaction() as session:
        row = (await session.scalars(select(outbox.row).where(outbox.row.type == WallAllowedV1.type))).one()
    event = row.data
    assert (event["grant_id"], event["unit_id"], event["sub"], event["name"], event["client_id"]) == (
        claims["grant_id"],
        claims["unit"],
        claims["sub"],
        "一楼 大厅",
        "wall",
    )


async def test_only_who_may_enter_the_cockpit_allows_one(device: Device, app: FastAPI) -> None:
    await device.begin(WALL)
    page = await device.enter()
    async with app.state.database.transaction() as session:
        await session.execute(update(Entitlement).values(withdrawn_at=text("now()")))
    again = await device.enter()
    assert (again.status_code, "没有数字驾驶舱的授权" in again.text) == (403, True)
    refused = await decide(device, page.text, wall_name="大厅")
    assert (refused.status_code, "没有数字驾驶舱的授权" in refused.text) == (403, True)


@pytest.mark.parametrize("more", ["cockpit:read", "profile"])
async def test_one_asks_for_nothing_else(device: Device, more: str) -> None:
    answer = await device.post("/device_authorization", {"scope": f"{WALL} {more}"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_person_at_a_browser_is_not_asked_for_one(app: FastAPI, new_browser: NewBrowser) -> None:
    async with app.state.database.transaction() as session:
        scopes = ["openid", "cockpit:wall"]
        await session.execute(update(Client).where(Client.client_id == "portal").values(scopes=scopes))
    browser = new_browser()
    for scope, error in (("openid", None), ("openid cockpit:wall", "invalid_scope")):
        answer = await browser.http.get(browser.authorize_url(verifier="v" * 43, scope=scope))
        assert parse_qs(urlsplit(answer.headers["location"]).query).get("error", [None]) == [error]
