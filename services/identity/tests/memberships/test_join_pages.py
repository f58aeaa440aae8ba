"""What the pages of joining say to somebody who has joined, waits, or has left."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.identity.tests.support.people import CITY, COUNTY, Person, SignIn, unit_of
from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


async def page(person: Person, path: str) -> str:
    answer = await person.browser.http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def invite_to(app: FastAPI, admin: Person, code: str) -> str:
    """The page that an invite leads to; the invite can be used once."""
    unit = await unit_of(app, code)
    made = await admin.ok("POST", f"/units/{unit}/invites", json={"roles": ["handler"], "max_uses": 1})
    return str(made["link"]).partition(":8001")[2]


async def test_an_invite_leads_on_whoever_has_joined_waits_or_has_left(
    app: FastAPI, sign_in: SignIn, newcomer: Person
) -> None:
    admin, above = await sign_in(COUNTY), await sign_in(CITY)
    link, other = await invite_to(app, admin, "370102"), await invite_to(app, above, "370100")
    assert "提交申请" in await page(newcomer, link)
    asked = await newcomer.ok("POST", "/join-requests", json={"invite_code": link.partition("code=")[2]})
    for at in (link, other):
        waiting = await page(newcomer, at)
        assert "您的申请正在等待审批" in waiting
        assert ("请先在“我的单位”中撤回" in waiting) == (at == other)
    await admin.ok("POST", f"/join-requests/{asked['id']}/approve")
    # The invite is used up, which does not matter to whoever used it.
    for at in (link, f"/join/unit?id={await unit_of(app, '370102')}"):
        joined = await page(newcomer, at)
        assert "您已加入历下区学生资助管理中心" in joined
        assert "提交申请" not in joined
    assert "已通过" in await page(newcomer, "/account/units")
    assert "提交申请" in await page(newcomer, other)
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE memberships SET ended_at = now(), is_primary = false WHERE account_id = :sub"),
            {"sub": await newcomer.sub()},
        )
    left = await page(newcomer, "/account/units")
    assert "已离开" in left
    assert "已通过" not in left
