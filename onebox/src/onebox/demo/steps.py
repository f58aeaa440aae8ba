"""The five steps. Each asserts what the story says and returns the numbers it saw."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from identity.units import worlds
from identity.units.rules import PersonSeed, UnitSeed
from onebox.demo import forged
from onebox.demo.people import COCKPIT, IDENTITY, OFFICE, Failed, Person, System, expect

COUNTY, SIBLING, WITHHOLDING, SCHOOL = "370102", "370103", "370104", "S3701020001"
CITY, CENTRE = "370100", "100000"
WAVES = [6, 60, 265, 464, 221]
BATCH_2017 = "01930000-0000-7000-8000-000000002017"
_TOGETHER = 8
STAGES_2017 = {
    "preschool": "8900000000.00",
    "compulsory": "17910000000.00",
    "secondary_vocational": "25750000000.00",
    "general_high": "17620000000.00",
    "higher": "50880000000.00",
}

Tell = Callable[[int], object]


@dataclass
class Story:
    """What the steps share."""

    system: System
    staff: dict[str, list[PersonSeed]] = field(default_factory=dict)
    units: dict[str, UnitSeed] = field(default_factory=dict)
    teacher: Person | None = None
    teacher_sub: str = ""
    first_token: str = ""

    def __post_init__(self) -> None:
        """Learn who works where: the list of demo people."""
        self.units = {unit.code: unit for unit in worlds.world_s()}
        for person in [*worlds.centre_staff(), *worlds.world_s_people()]:
            self.staff.setdefault(person.unit_code, []).append(person)

    def person(self, unit_code: str, number: int = 0) -> Person:
        """The unit's administrator (0) or handler (1)."""
        return Person(self.system, self.staff[unit_code][number].phone)


def need(condition: bool, what: str) -> None:
    """Raise `Failed` unless the story holds."""
    if not condition:
        raise Failed(what)


async def unit_id(person: Person, code: str) -> str:
    """The id of a unit by its code."""
    return str(expect(await person.identity("GET", f"/units/by-code/{code}"))["id"])


async def join(story: Story, admin: Person, unit: str, role: str, name: str) -> tuple[Person, str]:
    """A new person registers by phone and asks to join by invite; returns them and the request's id."""
    phone = f"138{random.randrange(10**8):08d}"
    newcomer = Person(story.system, phone)
    base = f"{story.system.identity}/api/v1"
    expect(await newcomer.http.post(f"{base}/sms-codes", json={"phone": phone, "purpose": "register"}), 202)
    code = await newcomer.last_code()
    expect(
        await newcomer.http.post(f"{base}/accounts", json={"phone": phone, "code": code, "name": name}), 201
    )
    invite = expect(await admin.identity("POST", f"/units/{unit}/invites", json={"roles": [role]}), 201)
    asked = expect(
        await newcomer.identity("POST", "/join-requests", json={"invite_code": invite["code"]}), 201
    )
    return newcomer, str(asked["id"])


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
    """The teacher signs in through Authlib's client; the ID token validates."""
    assert story.teacher is not None
    claims = await story.teacher.validated_id_token()
    need(claims["sub"] == story.teacher_sub, "the ID token is somebody else's")
    story.first_token = await story.teacher.token(COCKPIT)
    info = expect(await story.teacher.request("GET", f"{story.system.identity}/userinfo", IDENTITY))
    return {"ID 令牌": {name: claims[name] for name in ("iss", "aud", "acr", "nonce")}, "姓名": info["name"]}


async def step3_notice(story: Story, tell: Tell = lambda _: None) -> dict[str, Any]:
    """The centre publishes; each level forwards and signs; one county of 山东 withholds."""
    async with story.person(CENTRE) as centre:
        number, notice = await _draft(centre)
        delivered = [expect(await centre.office("POST", f"/notices/{notice}/publish"))["delivered_to"]]
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
        # The withheld county's three are the only ones that its wave and the next lack.
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


async def step4_cockpit(story: Story, *, wait_for_expiry: bool) -> dict[str, Any]:
    """The national table of 2017, equal to the fen; a county sees its own county; forgeries are refused."""
    async with story.person(CENTRE) as centre, story.person(CITY) as city, story.person(COUNTY) as county:
        table = await _national_table(centre)
        county_id = await unit_id(county, COUNTY)
        seen = await _county_view(city, county, county_id)
        refused = await _refusals(story, county, county_id, wait_for_expiry)
        return {"2017 年全国": table, "县级": seen, "拒绝": refused}


async def step5_suspend(story: Story) -> dict[str, Any]:
    """Suspended in Identity: within a second Office and Cockpit refuse tokens that have not expired.

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
    """A new colleague of the county's office, let in and entitled; with their `sub` and unit."""
    county_id = await unit_id(county, COUNTY)
    viewer, request = await join(story, county, county_id, "handler", "赵文静")
    expect(await county.identity("POST", f"/join-requests/{request}/approve"))
    viewer.forget_tokens()
    sub = str(expect(await viewer.identity("GET", "/me"))["sub"])
    expect(await county.identity("POST", f"/accounts/{sub}/entitlements", json={"name": "cockpit"}))
    return viewer, sub, county_id


async def _until_refused(person: Person, url: str, token: str) -> float:
    """Seconds until `token` is refused as withdrawn at `url`, where it has been let in so far."""
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


async def _draft(centre: Person) -> tuple[str, str]:
    """Write the notice; a number used in an earlier run is followed by the next."""
    body = [
        "定于2023年5月10日在江苏省南京市召开全国学生资助办公系统与大数据平台上线运行启动会暨系统应用培训会，采取线上线下相结合的方式。",
        "省、市、县学生资助管理部门，各级各类学校及中央高校相关院系的资助工作人员线上参加，全程观看直播并签到，参加上机操作与考试。",
        "请于会前将本通知转发至各参会人员，做到不漏一地、不漏一校、不漏一人。",
    ]
    for serial in range(11, 2000):
        draft = {
            "document_number": f"教助中心〔2023〕{serial}号",
            "title": "关于召开办公系统与大数据平台上线运行启动会暨系统应用培训的通知",
            "body": body,
            "urgency": "平件",
            "secrecy": "无",
            "attachments": [{"name": "系统简介", "note": "两个平台的定位、功能和用户范围"}],
            "deadline": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
        }
        answer = await centre.office("POST", "/notices", json=draft)
        if answer.status_code != 409:
            return draft["document_number"], str(expect(answer, 201)["id"])  # type: ignore[return-value]
    raise Failed("no free document number")


async def _coverage(centre: Person, notice: str) -> Any:
    return expect(await centre.office("GET", f"/notices/{notice}/coverage", params={"limit": 200}))


async def _upload(person: Person, unit: str, feed: str, batch: str, source: str, csv: bytes) -> Any:
    answer = await person.cockpit(
        "POST",
        "/intake/batches",
        params={"feed": feed, "unit": unit, "source": source, "batch_id": batch},
        content=csv,
        headers={"Content-Type": "text/csv; charset=utf-8"},
    )
    return expect(answer, 200, 201)


async def _national_table(centre: Person) -> dict[str, Any]:
    unit = await unit_id(centre, CENTRE)
    csv = files("cockpit").joinpath("data/published/national_2017.csv").read_bytes()
    batch = await _upload(centre, unit, "published_aggregate", BATCH_2017, "China Daily 2018-03-14", csv)
    need((batch["accepted"], batch["rejected"]) == (9, 0), f"batch {batch}")
    view = expect(await centre.cockpit("GET", "/overview", params={"unit": unit, "year": 2017}))
    (table,) = view["published"]
    yuan = {name: table[name]["amount"]["yuan"] for name in ("government", "central", "local", "all_sources")}
    expected = {
        "government": "121060000000.00",
        "central": "61640000000.00",
        "local": "59420000000.00",
        "all_sources": "188200000000.00",
    }
    need(yuan == expected, f"{yuan}")
    stages = {s["stage"]: s["amount"]["yuan"] for s in table["stages"]}
    need(stages == STAGES_2017, f"{stages}")
    need(all(check["equal"] for check in table["checks"]), f"{table['checks']}")
    return {
        "政府资助": table["government"]["amount"]["display"],
        "中央": table["central"]["amount"]["display"],
        "地方": table["local"]["amount"]["display"],
        "学段": {s["stage"]: s["amount"]["display"] for s in table["stages"]},
        "核对": {check["title"]: "相等（精确到分）" for check in table["checks"]},
    }


_AWARDS = """record_id,unit_code,year,term,stage,programme,funding,person_token,amount
DEMO-1,S3701020001,2023,秋季,义务教育,生活补助,中央财政,a1b2c3d4e5f60001,625.00
DEMO-2,S3701020001,2023,秋季,义务教育,生活补助,地方财政,a1b2c3d4e5f60001,625.00
DEMO-3,S3701020002,2023,秋季,义务教育,生活补助,中央财政,a1b2c3d4e5f60002,750.50
DEMO-4,999999,2023,秋季,义务教育,生活补助,中央财政,a1b2c3d4e5f60003,750.50
"""
BATCH_COUNTY = "01930000-0000-7000-8000-000000370102"


async def _county_view(city: Person, county: Person, county_id: str) -> dict[str, Any]:
    me = expect(await county.identity("GET", "/me"))
    expect(await city.identity("POST", f"/accounts/{me['sub']}/entitlements", json={"name": "cockpit"}))
    county.forget_tokens()
    batch = await _upload(county, county_id, "award", BATCH_COUNTY, "演示数据", _AWARDS.encode())
    need((batch["accepted"], batch["rejected"]) == (3, 1), f"batch {batch}")
    view = expect(await county.cockpit("GET", "/overview", params={"unit": county_id, "year": 2023}))
    need(view["awards"]["amount"]["yuan"] == "2000.50", f"{view['awards']}")
    need((view["awards"]["person_times"], view["awards"]["persons"]) == (3, 2), f"{view['awards']}")
    outside = {}
    for name, code in (("邻县", SIBLING), ("所属市", CITY), ("全国", CENTRE)):
        other = await unit_id(county, code)
        answer = await county.cockpit("GET", "/overview", params={"unit": other, "year": 2023})
        need(answer.status_code == 403, f"{name} answered {answer.status_code}")
        outside[name] = f"403 {answer.json()['code']}"
    return {"本县金额": "2000.50 元，3 人次，2 人；1 行隔离", **outside}


async def _refusals(story: Story, county: Person, county_id: str, wait: bool) -> dict[str, str]:
    url = f"{story.system.cockpit}/api/v1/overview"
    params = {"unit": county_id, "year": "2023"}

    async def status(token: str, wanted: int) -> str:
        answer = await county.http.get(url, params=params, headers={"Authorization": f"Bearer {token}"})
        need(answer.status_code == wanted, f"answered {answer.status_code}: {answer.text[:200]}")
        return f"{answer.status_code} {answer.json()['code']}"

    good = await county.token(COCKPIT)
    (jwk, *_) = (await county.http.get(f"{story.system.identity}/jwks")).json()["keys"]
    seen = {"alg none": await status(forged.unsigned(good), 401)}
    for form in ("pem", "der", "jwk"):
        seen[f"HS256，公钥 {form.upper()}"] = await status(forged.hs256_with_public_key(good, jwk, form), 401)
    seen["其他签发者的密钥和名称"] = await status(forged.of_another_issuer(good), 401)
    seen["自签名"] = await status(forged.self_signed(good), 401)
    seen["其他受众"] = await status(await county.token(OFFICE), 401)
    async with story.person(SCHOOL) as school:
        seen["学校用户"] = await status(await school.token(COCKPIT), 403)
    async with story.person(COUNTY, 1) as colleague:
        seen["未授权的县级用户"] = await status(await colleague.token(COCKPIT), 403)
    seen["营养改善计划部门"] = await _nutrition(story, county, county_id, status)
    left = forged.seconds_left(story.first_token)
    if left > 0 and not wait:
        seen["过期令牌"] = f"未演示：第 2 步的令牌还有 {left:.0f} 秒（make demo WAIT=1 会等到过期）"
    else:
        await asyncio.sleep(max(0.0, left + 7))
        seen["过期令牌"] = await status(story.first_token, 401)
    return seen


async def _nutrition(story: Story, county: Person, county_id: str, status: Any) -> str:
    """A nutrition department opens, its person is refused, and it closes: world S stays as it was."""
    unit = expect(
        await county.identity(
            "POST",
            "/units",
            json={
                "parent_id": county_id,
                "code": f"N{COUNTY}{random.randrange(10**6):06d}",
                "name": "历下区农村义务教育学生营养改善计划办公室",
                "level": "county",
                "kind": "nutrition",
                "stages": ["compulsory"],
            },
        ),
        201,
    )
    person, request = await join(story, county, unit["id"], "unit_admin", "李小红")
    async with person:
        expect(await county.identity("POST", f"/join-requests/{request}/approve"))
        person.forget_tokens()
        refused = await status(await person.token(COCKPIT), 403)
    expect(await county.identity("POST", f"/units/{unit['id']}/close"))
    return str(refused)
