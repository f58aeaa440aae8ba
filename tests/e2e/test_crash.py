"""A process killed between a change and its event: with everything real, nothing is lost or done twice."""

from typing import Any

import pytest

from onebox.demo.people import OFFICE, expect
from onebox.demo.story import COUNTY, Story
from testkit.waiting import moments

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")


async def test_a_suspension_survives_kill_9_of_identity_and_of_office(running: Any) -> None:
    """Office is down while the account is suspended, and Identity dies at once after answering."""
    story = Story(running.system)
    async with story.person(COUNTY) as county, story.person(COUNTY, 1) as colleague:
        token = await colleague.token(OFFICE)
        sub = expect(await colleague.identity("GET", "/me"))["sub"]
        await county.token("urn:zhuxue:identity")
        running.kill("office")
        expect(await county.identity("POST", f"/accounts/{sub}/suspend", json={"reason": "演示：停用账号"}))
        running.kill("identity")
        running.start("identity")
        running.start("office")
        url = f"{running.system.office}/api/v1/notices/inbox"
        async for _ in moments(pause=0.1):
            answer = await colleague.http.get(url, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code == 401:
                break
        assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
