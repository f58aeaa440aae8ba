"""A custom role from its definition to its end, over the real broker: what Office allows by it."""

import asyncio
from typing import Any

import httpx
import pytest

from authkit.acr import MFA
from onebox.demo.people import Person, expect
from onebox.demo.story import COUNTY, Story, register, unit_id
from testkit.backends.postgresql import connect

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")

ROLE = {"code": "receipt_clerk", "name": "签收员", "permissions": ["notices.receive"], "reason": "专人签收"}
WHY = {"reason": "岗位撤销"}
SIGN = "/notices/01930000-0000-7000-8000-0000000000aa/sign"


async def administrator(running: Any, story: Story, role: str, name: str) -> Person:
    """Appointed by the operator, and stepped up as if by a one-time password."""
    person = await register(story, name)
    running.command("identity", "appoint-platform-admin", role, person.phone)
    await person.identity("GET", "/me")
    database = await connect(running.environment["ZHUXUE_IDENTITY_DATABASE_URL"])
    try:
        mine = "account_id = (SELECT id FROM accounts WHERE name = $2)"
        await database.execute(f"UPDATE sessions SET acr = $1 WHERE {mine}", MFA, name)
    finally:
        await database.close()
    person.forget_tokens()
    return person


async def until(answer: Any, code: str) -> httpx.Response:
    """Repeat a request until it is answered with an error, for up to twenty seconds."""
    async with asyncio.timeout(20):
        while True:
            found: httpx.Response = await answer()
            if found.status_code >= 400 and found.json()["code"] == code:
                return found
            await asyncio.sleep(0.1)


async def test_a_retired_role_allows_nothing_in_office(running: Any) -> None:
    story = Story(running.system)
    security = await administrator(running, story, "security_admin", "卫宁远")
    system = await administrator(running, story, "system_admin", "秦安平")
    async with security, system, story.person(COUNTY) as county, story.person(COUNTY, 1) as clerk:
        asked = expect(await security.identity("POST", "/platform/roles", json=ROLE), 201)
        expect(await system.identity("POST", f"/platform/role-changes/{asked['id']}/confirm"))
        me = expect(await clerk.identity("GET", "/me"))
        member = f"/units/{await unit_id(county, COUNTY)}/members/{me['sub']}"
        given = {"roles": ["receipt_clerk"], "reason": "专人签收"}
        expect(await county.identity("PATCH", member, json=given))
        await asyncio.sleep(1)  # Revocations apply to whole seconds.
        clerk.forget_tokens()
        assert (await clerk.office("POST", SIGN)).status_code == 404

        expect(await security.identity("POST", "/platform/roles/receipt_clerk/retire", json=WHY))
        # The token from before is refused; a new one allows nothing.
        await until(lambda: clerk.office("POST", SIGN), "token_revoked")
        await asyncio.sleep(1)
        clerk.forget_tokens()
        assert (await clerk.office("POST", SIGN)).json()["code"] == "permission_required"
        assert expect(await clerk.identity("GET", "/me"))["permissions"] == []
