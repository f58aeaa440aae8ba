"""Step 4 of the demo: figures of the cockpit, and rejected access."""

import asyncio
import random
from importlib.resources import files
from typing import Any

from onebox.demo import forged
from onebox.demo.people import COCKPIT, OFFICE, Person, expect
from onebox.demo.story import CENTRE, CITY, COUNTY, SCHOOL, SIBLING, Story, join, need, unit_id

BATCH_2017 = "01930000-0000-7000-8000-000000002017"
STAGES_2017 = {
    "preschool": "8900000000.00",
    "compulsory": "17910000000.00",
    "secondary_vocational": "25750000000.00",
    "general_high": "17620000000.00",
    "higher": "50880000000.00",
}
_AWARDS = """record_id,unit_code,year,term,stage,programme,funding,person_token,amount
DEMO-1,S3701020001,2023,秋季,义务教育,生活补助,中央财政,a1b2c3d4e5f60001,625.00
DEMO-2,S3701020001,2023,秋季,义务教育,生活补助,地方财政,a1b2c3d4e5f60001,625.00
DEMO-3,S3701020002,2023,秋季,义务教育,生活补助,中央财政,a1b2c3d4e5f60002,750.50
DEMO-4,999999,2023,秋季,义务教育,生活补助,中央财政,a1b2c3d4e5f60003,750.50
"""
BATCH_COUNTY = "01930000-0000-7000-8000-000000370102"


async def step4_cockpit(story: Story, *, wait_for_expiry: bool) -> dict[str, Any]:
    """Verify the national table of 2017 to the fen, a county's view, and the rejection of forgeries."""
    async with story.person(CENTRE) as centre, story.person(CITY) as city, story.person(COUNTY) as county:
        table = await _national_table(centre)
        county_id = await unit_id(county, COUNTY)
        seen = await _county_view(city, county, county_id)
        refused = await _refusals(story, county, county_id, wait_for_expiry)
        return {"2017 年全国": table, "县级": seen, "拒绝": refused}


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

    token = await county.token(COCKPIT)
    (jwk, *_) = (await county.http.get(f"{story.system.identity}/jwks")).json()["keys"]
    seen = {"alg none": await status(forged.unsigned(token), 401)}
    for form in ("pem", "der", "jwk"):
        seen[f"HS256，公钥 {form.upper()}"] = await status(
            forged.hs256_with_public_key(token, jwk, form), 401
        )
    seen["其他签发者的密钥和名称"] = await status(forged.of_another_issuer(token), 401)
    seen["自签名"] = await status(forged.self_signed(token), 401)
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
    """Open a nutrition department, verify that its member is rejected, and close it again."""
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
    closing = {"headers": {"If-Match": "*"}, "json": {"reason": "演示结束"}}
    expect(await county.identity("POST", f"/units/{unit['id']}/close", **closing))
    return str(refused)
