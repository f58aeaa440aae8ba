"""The five steps. Each verifies the expected results and returns its numbers."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from identity.units.rules import UnitSeed
from onebox.demo import forged
from onebox.demo.people import COCKPIT, IDENTITY, OFFICE, Failed, Person, expect
from onebox.demo.story import CENTRE, CITY, COUNTY, SCHOOL, SIBLING, WITHHOLDING, Story, join, need, unit_id
from servicekit.clock import SHANGHAI

WAVES = [6, 60, 265, 464, 221]
_TOGETHER = 8

Tell = Callable[[int], object]


async def step1_join(story: Story) -> dict[str, Any]:
    """A teacher registers, joins by invite; nothing opens before the county approves; a sibling gets 403."""
    async with story.person(COUNTY) as county, story.person(SIBLING) as sibling:
        school = await unit_id(county, SCHOOL)
        teacher, request = await join(story, county, school, "handler", "王小明")
        before = {
            "办公系统": (await teacher.office("GET", "/notices/inbox")),
            "驾驶舱": (await teacher.cockpit("GET", "/metrics")),
            "单位人员": (await teacher.identity("GET", f"/units/{school}/members")),
        }
        for where, response in before.items():
            need(response.status_code == 403, f"before approval {where} answered {response.status_code}")
        refused = await sibling.identity("POST", f"/join-requests/{request}/approve")
        need(refused.status_code == 403, f"the sibling county's approval answered {refused.status_code}")
        expect(await county.identity("POST", f"/join-requests/{request}/approve"))
        teacher.forget_tokens()
        story.teacher = teacher
        story.teacher_sub = expect(await teacher.identity("GET", "/me"))["sub"]
        expect(await teacher.office("GET", "/notices/inbox"))
        return {
            "审核前": {where: r.json()["code"] for where, r in before.items()},
            "邻县审核": refused.json()["code"],
            "本县审核": "通过",
        }


async def step2_sign_in(story: Story) -> dict[str, Any]:
    """The teacher signs in through Authlib's client; the ID token is valid."""
    assert story.teacher is not None
    claims = await story.teacher.validated_id_token()
    need(claims["sub"] == story.teacher_sub, "the ID token is somebody else's")
    story.first_token = await story.teacher.token(COCKPIT)
    info = expect(await story.teacher.request("GET", f"{story.system.identity}/userinfo", IDENTITY))
    return {"ID 令牌": {name: claims[name] for name in ("iss", "aud", "acr", "nonce")}, "姓名": info["name"]}


async def step3_notice(story: Story, tell: Tell = lambda _: None) -> dict[str, Any]:
    """The centre publishes; each level forwards and signs; one county of 山东 withholds."""
    async with story.person(CENTRE) as centre:
        notice = await prepare(story, centre)
        issued = expect(await centre.office("POST", f"/notices/{notice}/publish"))
        number, delivered = issued["document_number"], [issued["delivered_to"]]
        waves: dict[int, list[str]] = {}
        with_children = {unit.parent_code for unit in story.units.values()}
        depths = {CENTRE: 0}
        for unit in story.units.values():
            if unit.parent_code is not None:
                depths[unit.code] = depths[unit.parent_code] + 1
                waves.setdefault(depths[unit.code], []).append(unit.code)
        cut_off = {code for code in story.units if _below(story.units, code, WITHHOLDING)}
        for depth in sorted(waves):
            gate = asyncio.Semaphore(_TOGETHER)

            async def act(code: str, gate: asyncio.Semaphore = gate) -> int:
                async with gate, story.person(code, 1) as handler:
                    expect(await handler.office("POST", f"/notices/{notice}/sign"), 200, 201)
                    sent = 0
                    if code in with_children and code != WITHHOLDING:
                        words = {"cover_text": "现将通知转发给你们，请认真组织参会，做到不漏一校、不漏一人。"}
                        answer = await handler.office("POST", f"/notices/{notice}/forward", json=words)
                        sent = expect(answer, 200, 201)["delivered_to"]
                    tell(1)
                    return int(sent)

            delivered.append(sum(await asyncio.gather(*(act(c) for c in waves[depth] if c not in cut_off))))
        before = await _coverage(centre, notice)
        need(
            (before["signed"], before["total"]) == (1013, 1016),
            f"coverage {before['signed']}/{before['total']}",
        )
        missing = {m["unit"]["code"]: m["unit"]["name"] for m in before["missing"]["items"]}
        need(set(missing) == cut_off, f"missing {missing}")
        blockers = [b["unit"]["code"] for b in before["blocking"]["items"]]
        need(blockers == [WITHHOLDING], f"blocking {blockers}")
        need(
            {m["blocked_by"]["code"] for m in before["missing"]["items"]} == {WITHHOLDING},
            "blocked by another",
        )
        reached = delivered[:-1]
        # Only the three units of the withheld county are missing in its wave and the next.
        async with story.person(WITHHOLDING, 1) as county:
            extra = expect(await county.office("POST", f"/notices/{notice}/forward", json={}), 200, 201)[
                "delivered_to"
            ]
        reached[3] += extra
        for code in sorted(cut_off, key=lambda code: depths[code]):
            async with story.person(code, 1) as handler:
                expect(await handler.office("POST", f"/notices/{notice}/sign"), 200, 201)
                if code in with_children:
                    sent = await handler.office("POST", f"/notices/{notice}/forward", json={})
                    reached[4] += expect(sent, 200, 201)["delivered_to"]
        after = await _coverage(centre, notice)
        need(reached == WAVES, f"waves {reached}")
        need(after["signed"] == after["total"] == sum(WAVES), f"coverage {after['signed']}/{after['total']}")
        return {
            "文号": number,
            "逐级送达": reached,
            "覆盖": f"{before['signed']:,}/{before['total']:,}",
            "未签收": list(missing.values()),
            "阻断单位": [b["unit"]["name"] for b in before["blocking"]["items"]],
            "补转发后": f"{after['signed']:,}/{after['total']:,}",
        }


async def step5_suspend(story: Story) -> dict[str, Any]:
    """Suspend people in Identity: within a second, Office and Cockpit reject their unexpired tokens.

    The teacher for Office, and a colleague of the county who may see figures for Cockpit.
    """
    assert story.teacher is not None
    teacher, system = story.teacher, story.system
    async with story.person(COUNTY) as county, teacher:
        viewer, viewer_sub, county_id = await _viewer(story, county)
        async with viewer:
            teacher.forget_tokens()
            office, cockpit = await teacher.token(OFFICE), await viewer.token(COCKPIT)
            figures = f"{system.cockpit}/api/v1/overview?unit={county_id}&year=2023"
            places = (
                (f"{system.office}/api/v1/notices/inbox", office, story.teacher_sub),
                (figures, cockpit, viewer_sub),
            )
            for url, token, _ in places:
                expect(await teacher.http.get(url, headers={"Authorization": f"Bearer {token}"}))
            times = []
            for url, token, sub in places:
                reason = {"reason": "演示：停用账号"}
                expect(await county.identity("POST", f"/accounts/{sub}/suspend", json=reason))
                times.append(await _until_refused(teacher, url, token))
    need(max(times) < 1.0, f"took {max(times):.2f} s")
    left = min(forged.seconds_left(office), forged.seconds_left(cockpit))
    need(left > 0, "the tokens had expired anyway")
    return {
        "办公系统拒绝": f"{times[0] * 1000:.0f} 毫秒后",
        "驾驶舱拒绝": f"{times[1] * 1000:.0f} 毫秒后",
        "令牌本应还有效": f"{left:.0f} 秒",
    }


async def _viewer(story: Story, county: Person) -> tuple[Person, str, str]:
    """Create an approved and entitled colleague in the county's office; return their `sub` and unit too."""
    county_id = await unit_id(county, COUNTY)
    viewer, request = await join(story, county, county_id, "handler", "赵文静")
    expect(await county.identity("POST", f"/join-requests/{request}/approve"))
    viewer.forget_tokens()
    sub = str(expect(await viewer.identity("GET", "/me"))["sub"])
    async with story.person(CITY) as city:
        expect(await city.identity("POST", f"/accounts/{sub}/entitlements", json={"name": "cockpit"}))
    return viewer, sub, county_id


async def _until_refused(person: Person, url: str, token: str) -> float:
    """Return the seconds until `url`, which has accepted `token`, rejects it as revoked."""
    began = time.monotonic()
    while time.monotonic() - began < 5:
        answer = await person.http.get(url, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 401:
            need(answer.json()["code"] == "token_revoked", f"refused as {answer.json()['code']}")
            return time.monotonic() - began
        need(answer.status_code == 200, f"{url} answered {answer.status_code}")
        await asyncio.sleep(0.01)
    raise Failed(f"{url} still lets the suspended account in")


def _below(units: dict[str, UnitSeed], code: str, ancestor: str) -> bool:
    parent = units[code].parent_code
    while parent is not None:
        if parent == ancestor:
            return True
        parent = units[parent].parent_code
    return False


async def prepare(story: Story, centre: Person) -> str:
    """Have the centre's handler draft the notice and its reviewer approve it; return the notice's id.

    The centre's number series begins with 11 in the first run.
    """
    body = [
        "定于2023年5月10日在江苏省南京市召开全国学生资助办公系统与大数据平台上线运行启动会暨系统应用培训会，采取线上线下相结合的方式。",
        "省、市、县学生资助管理部门，各级各类学校及中央高校相关院系的资助工作人员线上参加，全程观看直播并签到，参加上机操作与考试。",
        "请于会前将本通知转发至各参会人员，做到不漏一地、不漏一校、不漏一人。",
    ]
    series = {"prefix": "教助中心", "letterhead": "全国学生资助管理中心文件", "preferred": True}
    made = await centre.office("POST", "/number-series", json=series)
    if made.status_code != 409:
        year = datetime.now(SHANGHAI).year
        path = f"/number-series/{expect(made, 201)['id']}/years/{year}"
        expect(await centre.office("PUT", path, json={"first": 11}))
    draft = {
        "title": "关于召开办公系统与大数据平台上线运行启动会暨系统应用培训的通知",
        "body": "".join(f"<p>{paragraph}</p>" for paragraph in body),
        "salutation": "各省、自治区、直辖市、计划单列市、新疆生产建设兵团学生资助管理部门，各中央高校",
        "attachments": [{"name": "系统简介", "note": "两个平台的定位、功能和用户范围"}],
        "deadline": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
    }
    async with story.person(CENTRE, 1) as handler, story.person(CENTRE, 2) as reviewer:
        notice = expect(await handler.office("POST", "/notices", json=draft), 201)["id"]
        expect(await handler.office("POST", f"/notices/{notice}/submit"))
        expect(await reviewer.office("POST", f"/notices/{notice}/approve", json={"opinion": "同意"}))
    return str(notice)


async def _coverage(centre: Person, notice: str) -> Any:
    return expect(await centre.office("GET", f"/notices/{notice}/coverage", params={"limit": 200}))
