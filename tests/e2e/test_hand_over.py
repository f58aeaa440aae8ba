"""Whoever leaves a unit belongs to it until Office has answered, over the real broker."""

from typing import Any

import pytest

from onebox.demo.people import expect
from onebox.demo.story import COUNTY, Story
from testkit.waiting import moments

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")


async def test_a_membership_ends_when_office_is_back_and_has_acknowledged_the_hand_over(running: Any) -> None:
    story = Story(running.system)
    async with story.person(COUNTY) as county, story.person(COUNTY, 1) as colleague:
        me = expect(await colleague.identity("GET", "/me"))
        running.kill("office")
        leave = {"unit_id": me["unit_id"], "reason": "演示：调离岗位"}
        expect(await colleague.identity("POST", "/me/leave", json=leave), 202)
        assert expect(await colleague.identity("GET", "/me"))["unit_id"] == me["unit_id"]
        running.start("office")
        url = f"/units/{me['unit_id']}/hand-overs"
        async for _ in moments(pause=0.1):
            (hand_over,) = expect(await county.identity("GET", url))["items"]
            if hand_over["completed_at"] is not None:
                break
        assert hand_over["items"] == 0
        members = expect(await county.identity("GET", f"/units/{me['unit_id']}/members"))["items"]
        assert me["sub"] not in {member["sub"] for member in members}
