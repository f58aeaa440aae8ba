"""文号: consecutive by unit, prefix and year; series and register."""

import asyncio
import io
import uuid
import zipfile
from datetime import timedelta

import httpx
from sqlalchemy import select

from office.numbering.models import DocumentNumber, NumberCounter
from services.office.tests.support.running_office import RunningOffice, a_draft
from testkit.clock import FrozenClock

N = "/api/v1/notices"
SERIES = "/api/v1/number-series"
REGISTER = "/api/v1/document-numbers"


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


async def issued(office: RunningOffice, code: str = "100000", **changes: str) -> str:
    """The number of a notice that `code` has just issued."""
    notice = await office.published(code, **changes)
    own = await office.unit(code).get(f"{N}/outbox/{notice}")
    return str(own.json()["document_number"])


async def test_numbers_are_consecutive_by_unit_prefix_and_year(
    office: RunningOffice, clock: FrozenClock
) -> None:
    await office.numbered("100000")
    await office.unit("100000").post(SERIES, json={"prefix": "教助函"})
    assert await issued(office) == "教助中心〔2023〕1号"
    assert await issued(office) == "教助中心〔2023〕2号"
    assert await issued(office, number_prefix="教助函") == "教助函〔2023〕1号"
    assert await issued(office, "370000") == "教助中心〔2023〕1号"
    assert await issued(office) == "教助中心〔2023〕3号"
    # 2024 begins in Beijing eight hours before it begins in UTC.
    clock.advance(timedelta(days=248, hours=15, minutes=30))
    assert (clock.now().year, clock.now().hour) == (2023, 16)
    assert await issued(office, deadline_workdays="1") == "教助中心〔2024〕1号"


async def test_fifty_notices_issued_at_once_have_consecutive_numbers(office: RunningOffice) -> None:
    await office.numbered("100000", first=11)
    client = office.unit("100000")
    made = [await client.post(N, json=a_draft()) for _ in range(50)]
    ids = [answer.json()["id"] for answer in made]
    answers = await asyncio.gather(*(office.unit("100000").post(f"{N}/{one}/publish") for one in ids))
    assert {answer.status_code for answer in answers} == {200}
    numbers = sorted(answer.json()["document_number"] for answer in answers)
    assert numbers == sorted(f"教助中心〔2023〕{serial}号" for serial in range(11, 61))
    async with office.database.transaction() as session:
        serials = (await session.scalars(select(DocumentNumber.serial))).all()
        assert sorted(serials) == list(range(11, 61))
        assert (await session.scalars(select(NumberCounter.next))).all() == [61]


async def test_a_refused_issue_leaves_no_gap(office: RunningOffice) -> None:
    await office.numbered("100000")
    client = office.unit("100000")
    late = await client.post(N, json=a_draft(deadline="2023-04-28T09:00:00+08:00", deadline_workdays=None))
    office.clock.advance(timedelta(days=3))
    for _ in range(3):
        refused = await client.post(f"{N}/{late.json()['id']}/publish")
        assert code_of(refused) == (400, "deadline_out_of_range")
    assert await issued(office) == "教助中心〔2023〕1号"


async def test_one_notice_issued_twice_at_once_gets_one_number(office: RunningOffice) -> None:
    await office.numbered("100000")
    notice = (await office.unit("100000").post(N, json=a_draft())).json()["id"]
    answers = await asyncio.gather(*(office.unit("100000").post(f"{N}/{notice}/publish") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert await issued(office) == "教助中心〔2023〕2号"


async def test_nothing_is_issued_without_a_series(office: RunningOffice) -> None:
    client = office.unit("100000")
    notice = (await client.post(N, json=a_draft())).json()["id"]
    assert code_of(await client.post(f"{N}/{notice}/publish")) == (409, "number_series_missing")


async def test_a_draft_names_a_prefix_of_its_unit(office: RunningOffice) -> None:
    await office.numbered("370000", "鲁教助")
    refused = await office.unit("100000").post(N, json=a_draft(number_prefix="鲁教助"))
    assert code_of(refused) == (400, "number_prefix_unknown")


async def test_the_first_number_of_a_year_can_be_set_until_one_is_given(office: RunningOffice) -> None:
    admin = office.unit("100000", "unit_admin")
    series = (await admin.post(SERIES, json={"prefix": "教助中心"})).json()
    path = f"{SERIES}/{series['id']}/years/2023"
    for first in (20, 11):
        assert (await admin.put(path, json={"first": first})).json()["next"] == first
    assert await issued(office) == "教助中心〔2023〕11号"
    assert code_of(await admin.put(path, json={"first": 30})) == (409, "numbers_already_issued")
    assert (await admin.put(f"{SERIES}/{series['id']}/years/2024", json={"first": 5})).status_code == 200
    listed = (await admin.get(SERIES)).json()["items"]
    assert [(one["prefix"], one["preferred"], one["year"], one["next"]) for one in listed] == [
        ("教助中心", True, 2023, 12)
    ]
    next_year = (await admin.get(SERIES, params={"year": 2024})).json()["items"]
    assert next_year[0]["next"] == 5


async def test_setting_the_first_number_races_an_issue_without_double(office: RunningOffice) -> None:
    await office.numbered("100000")
    admin = office.unit("100000")
    series = (await admin.get(SERIES)).json()["items"][0]["id"]
    drafts = [(await admin.post(N, json=a_draft())).json()["id"] for _ in range(4)]
    answers = await asyncio.gather(
        *(office.unit("100000").post(f"{N}/{one}/publish") for one in drafts),
        office.unit("100000").put(f"{SERIES}/{series}/years/2023", json={"first": 3}),
    )
    assert {answer.status_code for answer in answers[:4]} == {200}
    async with office.database.transaction() as session:
        serials = sorted((await session.scalars(select(DocumentNumber.serial))).all())
    start = 3 if answers[4].status_code == 200 else 1
    assert serials == list(range(start, start + 4))


async def test_series_are_set_up_by_approvers_and_administrators(office: RunningOffice) -> None:
    for role in ("handler", "reviewer"):
        refused = await office.unit("100000", role).post(SERIES, json={"prefix": "教助中心"})
        assert code_of(refused) == (403, "permission_required")
        assert (await office.unit("100000", role).get(SERIES)).status_code == 200
    assert (await office.unit("100000", "approver").post(SERIES, json={"prefix": "一"})).status_code == 201
    again = await office.unit("100000", "unit_admin").post(SERIES, json={"prefix": "一"})
    assert code_of(again) == (409, "number_prefix_taken")
    for prefix in ("教助〔2023〕", "abc", "", "教助 中心"):
        refused = await office.unit("100000").post(SERIES, json={"prefix": prefix})
        assert code_of(refused) == (422, "invalid_shape")


async def test_another_series_becomes_the_preferred_one(office: RunningOffice) -> None:
    admin = office.unit("100000")
    first = (await admin.post(SERIES, json={"prefix": "教助中心"})).json()
    made = await admin.post(SERIES, json={"prefix": "教助函", "letterhead": "全国学生资助管理中心"})
    second = made.json()
    assert (first["preferred"], second["preferred"]) == (True, False)
    path, change = f"{SERIES}/{second['id']}", {"letterhead": "中心文件", "preferred": True}
    assert code_of(await admin.put(path, json=change)) == (428, "precondition_required")
    changed = await admin.put(path, json=change, headers={"If-Match": made.headers["etag"]})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await admin.put(path, json=change, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "version_changed")
    assert await issued(office) == "教助函〔2023〕1号"
    foreign = await office.unit("370000").put(path, json=change, headers={"If-Match": "*"})
    assert code_of(foreign) == (404, "not_found")
    retired = {"preferred": False, "active": False}
    await admin.put(path, json=retired, headers={"If-Match": "*"})
    refused = await admin.post(N, json=a_draft(number_prefix="教助函"))
    assert code_of(refused) == (400, "number_prefix_unknown")
    assert await issued(office) == "教助中心〔2023〕1号"


async def test_the_register_lists_searches_and_exports_every_number(office: RunningOffice) -> None:
    approver = uuid.uuid4()
    await office.insert_people([("100000", approver)])
    await office.numbered("100000")
    client = office.unit("100000", sub=str(approver))
    for title in ("关于举办业务培训的通知", "关于报送决算的通知", "关于表彰先进的通报"):
        notice = (await client.post(N, json=a_draft(title=title))).json()["id"]
        assert (await client.post(f"{N}/{notice}/publish")).status_code == 200
    await office.withdrawn(notice)
    await office.published("370000")

    found = (await client.get(REGISTER)).json()
    assert (found["total"], found["next"]) == ({"count": 3, "exact": True}, None)
    assert [line["serial"] for line in found["items"]] == [3, 2, 1]
    last = found["items"][0]
    assert (last["document_number"], last["void_reason"]) == ("教助中心〔2023〕3号", "内容有误")
    assert {line["issuer_name"] for line in found["items"]} == {"张三"}
    for query, serials in (
        ({"q": "决算"}, [2]),
        ({"q": "〔2023〕2号"}, [2]),
        ({"q": "算"}, [2]),
        ({"q": "通知 培训"}, [1]),
        ({"q": "不存在"}, []),
        ({"voided": "true"}, [3]),
        ({"year": "2024"}, []),
        ({"prefix": "教助中心", "year": "2023", "voided": "false"}, [2, 1]),
    ):
        answer = (await client.get(REGISTER, params=query)).json()
        assert [line["serial"] for line in answer["items"]] == serials, query
        assert answer["total"]["count"] == len(serials)
    page = (await client.get(REGISTER, params={"limit": 2})).json()
    rest = (await client.get(REGISTER, params={"limit": 2, "cursor": page["next"]})).json()
    assert [line["serial"] for line in page["items"] + rest["items"]] == [3, 2, 1]

    exported = await client.get(f"{REGISTER}/export", params={"year": 2023})
    assert exported.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E5%8F%91")
    sheet = zipfile.ZipFile(io.BytesIO(exported.content)).read("xl/worksheets/sheet1.xml").decode()
    for text in ("发文字号", "教助中心〔2023〕2号", "关于报送决算的通知", "张三", "内容有误"):
        assert text in sheet
    assert code_of(await office.unit("370000", "cockpit").get(REGISTER)) == (403, "permission_required")
