"""A wall display: allowed at Identity's page for devices, shows the cockpit's views until it is withdrawn."""

import asyncio
import re
from typing import Any

import httpx

from onebox.demo.people import Person, expect
from onebox.demo.story import CENTRE, Story, unit_id

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
COCKPIT = "urn:zhuxue:cockpit"


async def test_a_wall_display_shows_views_until_its_approver_withdraws_it(running: Any) -> None:
    story = Story(running.system)
    async with story.person(CENTRE) as centre, httpx.AsyncClient(timeout=30) as wall:
        client = {
            "client_name": "驾驶舱大屏",
            "owner_unit_id": await unit_id(centre, CENTRE),
            "grant_types": [DEVICE, "refresh_token"],
            "response_types": [],
            "scopes": ["cockpit:wall", "offline_access"],
            "audiences": [COCKPIT],
            "token_endpoint_auth_method": "none",
        }
        name = {"client_id": expect(await centre.identity("POST", "/clients", json=client), 201)["client_id"]}
        asked = {**name, "scope": "cockpit:wall offline_access", "resource": COCKPIT}
        codes = expect(await wall.post(f"{running.system.identity}/device_authorization", data=asked))
        await allow(centre, codes["user_code"])
        redeemed = {**name, "grant_type": DEVICE, "device_code": codes["device_code"]}
        tokens = expect(await wall.post(f"{running.system.identity}/token", data=redeemed))
        view = f"{running.system.cockpit}/api/v1/views/overview"
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        shown = await until(wall, view, bearer, 200)
        assert shown.json()["place"]["level"] == "ministry"
        other = await wall.get(f"{running.system.cockpit}/api/v1/exports", headers=bearer)
        assert other.json()["code"] == "insufficient_scope"
        (listed,) = expect(await centre.cockpit("GET", "/walls"))["items"]
        assert (listed["name"], listed["last_seen_at"] is not None) == ("一楼大厅", True)

        # As under 系统授权 of the account.
        page = await centre.http.get(f"{running.system.identity}/account/authorisations")
        withdrawn = {**name, "csrf": csrf(page)}
        await centre.http.post(f"{page.url}/withdraw", data=withdrawn)
        gone = await until(wall, view, bearer, 401, 403)
        assert gone.json()["code"] in {"invalid_token", "token_revoked", "wall_refused"}
        (ended,) = expect(await centre.cockpit("GET", "/walls?ended=true"))["items"]
        assert (ended["id"], ended["ended_by"]) == (listed["id"], None)


async def allow(person: Person, user_code: str) -> None:
    """Enter the code, name the wall display and allow it, as the pages have it."""
    url = f"{person.system.identity}/device"
    form = {"csrf": csrf(await person.http.get(url)), "user_code": user_code}
    question = await person.http.post(url, data=form)
    assert "不含个体信息" in question.text, question.text
    form = {"csrf": csrf(question), "user_code": user_code, "decision": "allow", "wall_name": "一楼大厅"}
    done = await person.http.post(f"{url}/decision", data=form)
    assert done.status_code == 200, done.text


def csrf(page: httpx.Response) -> str:
    tokens: list[str] = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    return tokens[0]


async def until(http: httpx.AsyncClient, url: str, headers: dict[str, str], *statuses: int) -> httpx.Response:
    """Ask until the cockpit has heard of what happened at Identity."""
    async with asyncio.timeout(60):
        while True:
            answer = await http.get(url, headers=headers)
            if answer.status_code in statuses:
                return answer
            await asyncio.sleep(0.2)
