"""Policy standards are administered by the centre, never overlap, and keep what they were."""

import asyncio
import io
import zipfile
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cockpit.standards.planting import plant, rows
from servicekit.clock import SystemClock
from services.cockpit.tests.support.running_cockpit import Cockpit

PATH = "/api/v1/standards"


def centre(cockpit: Cockpit, **more: Any) -> dict[str, str]:
    return cockpit.bearer("centre", roles=["unit_admin"], **more)


async def get(cockpit: Cockpit, path: str = "", by: str = "county", **params: Any) -> dict[str, Any]:
    answer = await cockpit.http.get(f"{PATH}{path}", params=params, headers=cockpit.bearer(by))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def new(**changes: Any) -> dict[str, Any]:
    return {
        "programme": "work_study",
        "stage": "undergraduate",
        "valid_from": "2024-09-01",
        "amount": "1200",
        "certainty": "verified",
        "document_number": "测试〔2024〕1号",
        "reason": "测试新增",
        **changes,
    }


async def create(cockpit: Cockpit, **changes: Any) -> httpx.Response:
    return await cockpit.http.post(PATH, json=new(**changes), headers=centre(cockpit))


async def change(cockpit: Cockpit, made: httpx.Response, way: str, **body: Any) -> httpx.Response:
    method = "PATCH" if way == "" else "POST"
    return await cockpit.http.request(
        method,
        f"{PATH}/{made.json()['id']}{way}",
        json={"reason": "测试变更", **body},
        headers={**centre(cockpit), "If-Match": made.headers["etag"]},
    )


async def test_standards_of_the_package_are_loaded_once_and_show_how_certain_they_are(
    cockpit: Cockpit,
) -> None:
    found = await get(cockpit, limit=200)
    assert found["total"]["count"] == len(rows())
    assert await plant(cockpit.database, SystemClock()) == 0
    (loan,) = (await get(cockpit, programme="student_loan", stage="doctor", on="2023-10-01"))["items"]
    assert (loan["highest"], loan["certain"]) == ("20000.00", False)
    assert loan["certainty_name"] == "未找到出处，不得作为依据"
    for one in found["items"]:
        assert one["certain"] is (one["certainty"] == "verified")


async def test_the_standard_in_force_is_told_for_a_day_and_for_a_period(cockpit: Cockpit) -> None:
    for on, amount in (("2025-02-28", "2000.00"), ("2025-03-01", "2300.00")):
        answer = await get(cockpit, "/in-force", programme="high_school_grant", on=on)
        assert [one["amount"] for one in answer["standards"]] == [amount]
    period = {"calendar": "school_year", "period": "2024"}
    level = (await get(cockpit, "/in-force", programme="high_school_grant", **period))["level"]
    assert (level["amount"], level["straddles"], level["certain"]) == ("2150.00", True, True)


async def test_a_new_version_ends_the_one_before_it(cockpit: Cockpit) -> None:
    first = await create(cockpit)
    assert first.status_code == 201, first.text
    assert first.headers["location"] == f"{PATH}/{first.json()['id']}"
    second = await create(cockpit, valid_from="2025-09-01", amount="1500")
    assert second.status_code == 201, second.text
    ended = await get(cockpit, f"/{first.json()['id']}")
    assert (ended["valid_to"], ended["version"]) == ("2025-08-31", 2)
    record = (await get(cockpit, f"/{first.json()['id']}/changes"))["items"]
    assert [one["action"] for one in record] == ["ended", "created"]
    assert (record[0]["before"]["valid_to"], record[0]["after"]["valid_to"]) == (None, "2025-08-31")
    assert record[0]["reason"] == "被新标准替代：测试新增"


async def test_versions_never_overlap_whoever_writes_at_once(cockpit: Cockpit) -> None:
    made = await asyncio.gather(*(create(cockpit, end_previous=False) for _ in range(4)))
    assert sorted(one.status_code for one in made) == [201, 409, 409, 409]
    assert {one.json().get("code") for one in made if one.status_code == 409} == {"standard_overlap"}
    # Another tier or region is another standard.
    assert (await create(cockpit, tier="first", end_previous=False)).status_code == 201
    assert (await create(cockpit, region="370000", end_previous=False)).status_code == 201
    later = await create(cockpit, valid_from="2026-09-01", valid_to="2026-12-31", end_previous=False)
    assert later.status_code == 409


async def test_a_correction_needs_the_version_it_has_read_and_keeps_what_was(cockpit: Cockpit) -> None:
    made = await create(cockpit)
    changed = await change(cockpit, made, "", amount="1250", document_number="测试〔2024〕2号")
    assert changed.status_code == 200, changed.text
    assert (changed.json()["amount"], changed.headers["etag"]) == ("1250.00", '"2"')
    assert changed.json()["valid_from"] == "2024-09-01"
    stale = await change(cockpit, made, "", amount="1300")
    assert (stale.status_code, stale.json()["code"]) == (412, "version_changed")
    bare = await cockpit.http.patch(
        f"{PATH}/{made.json()['id']}", json={"reason": "无版本"}, headers=centre(cockpit)
    )
    assert bare.status_code == 428
    wrong = await change(cockpit, changed, "", lowest="5000")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "standard_invalid")
    (latest, _) = (await get(cockpit, f"/{made.json()['id']}/changes"))["items"]
    assert (latest["before"]["amount"], latest["after"]["amount"]) == ("1200.00", "1250.00")


async def test_a_version_ends_within_its_days_and_a_withdrawn_one_leaves_room(cockpit: Cockpit) -> None:
    made = await create(cockpit)
    early = await change(cockpit, made, "/end", valid_to="2024-08-31")
    assert (early.status_code, early.json()["code"]) == (400, "standard_invalid")
    ended = await change(cockpit, made, "/end", valid_to="2025-01-31")
    assert ended.json()["valid_to"] == "2025-01-31"
    gone = await change(cockpit, ended, "/withdraw")
    assert gone.json()["withdrawn"] is True
    again = await change(cockpit, gone, "", note="再改")
    assert (again.status_code, again.json()["code"]) == (409, "standard_withdrawn")
    assert (await get(cockpit, programme="work_study"))["items"] == []
    assert (await get(cockpit, programme="work_study", withdrawn="true"))["total"]["count"] == 1
    assert (await create(cockpit)).status_code == 201


@pytest.mark.parametrize(
    ("who", "roles", "code"),
    [
        ("province", ["unit_admin"], "centre_only"),
        ("centre", ["handler"], "permission_required"),
    ],
)
async def test_only_the_centre_changes_standards(
    cockpit: Cockpit, who: str, roles: list[str], code: str
) -> None:
    refused = await cockpit.http.post(PATH, json=new(), headers=cockpit.bearer(who, roles=roles))
    assert (refused.status_code, refused.json()["code"]) == (403, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"programme": "nosuch"},
        {"stage": "nosuch"},
        {"valid_from": "9999-01-01"},
        {"amount": "12.345"},
        {"amount": "1e400"},
        {"amount": "NaN"},
        {"note": "电话13800138000"},
        {"region": "37"},
        {"unknown": "1"},
    ],
)
async def test_a_malformed_standard_is_refused(cockpit: Cockpit, changes: dict[str, str]) -> None:
    assert (await create(cockpit, **changes)).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"valid_to": "2024-08-31"},
        {"basis": "days"},
        {"days": 200},
        {"lowest": "1300", "highest": "1400"},
    ],
)
async def test_a_standard_that_contradicts_itself_is_refused(
    cockpit: Cockpit, changes: dict[str, Any]
) -> None:
    refused = await create(cockpit, **changes)
    assert (refused.status_code, refused.json()["code"]) == (400, "standard_invalid")


async def test_standards_are_found_and_exported_with_their_certainty(cockpit: Cockpit) -> None:
    found = await get(cockpit, q="励志")
    assert {one["programme_name"] for one in found["items"]} == {"国家励志奖学金"}
    assert (await get(cockpit, certainty="unverified"))["total"]["count"] == sum(
        row["certainty"] == "unverified" for row in rows()
    )
    headers = cockpit.bearer()
    book = await cockpit.http.get(f"{PATH}/export.xlsx", params={"q": "励志"}, headers=headers)
    with zipfile.ZipFile(io.BytesIO(book.content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        notes = archive.read("xl/worksheets/sheet2.xml").decode()
    assert sheet.count("<row ") == 1 + found["total"]["count"]
    assert sheet.count("已核对来源原文") == found["total"]["count"]
    assert "引用前须核对文件原文" in notes
    lines = await cockpit.http.get(f"{PATH}/export.csv", headers=headers)
    assert len(lines.text.strip().splitlines()) == 1 + len(rows())


async def test_the_record_of_changes_cannot_be_changed(cockpit: Cockpit) -> None:
    for statement in ("UPDATE standard_changes SET reason = ''", "DELETE FROM standard_changes"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with cockpit.database.transaction() as session:
                await session.execute(text(statement))
