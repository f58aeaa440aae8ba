"""Answering by a form (答复), and the collected answers."""

import asyncio
import io
import uuid
import zipfile
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import fromstring

import httpx
import pytest
from pydantic import JsonValue

from contracts.office import AnswerSubmittedV1
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.test_notices import code_of
from testkit.waiting import moments

N = "/api/v1/notices"

FIELDS: list[JsonValue] = [
    {"key": "people", "label": "参训人数", "type": "number", "required": True, "unit": "人"},
    {"key": "way", "label": "方式", "type": "choice", "options": ["线上", "现场"]},
    {"key": "topics", "label": "专题", "type": "multi_choice", "options": ["政策", "系统"]},
    {"key": "remark", "label": "备注", "type": "text"},
    {
        "key": "staff",
        "label": "名单",
        "type": "table",
        "columns": [
            {"key": "name", "label": "姓名", "type": "text", "required": True},
            {"key": "hours", "label": "学时", "type": "number", "decimals": 1},
        ],
    },
]


async def asked(office: RunningOffice, code: str = "100000", **changes: JsonValue) -> str:
    """A published notice with a form, which every unit below has."""
    client = office.unit(code)
    await office.numbered(code)
    everybody: dict[str, JsonValue] = {"recipients": {"reach": "subtree"}}
    draft = a_draft(**(everybody | changes))
    notice = (await client.post(N, json=draft)).json()["id"]
    form = await client.put(f"{N}/{notice}/form", json={"fields": FIELDS})
    assert form.status_code == 200, form.text
    published = await client.post(f"{N}/{notice}/publish")
    assert published.status_code == 200, published.text
    return str(notice)


async def save(
    office: RunningOffice, code: str, notice: str, version: int, **values: JsonValue
) -> httpx.Response:
    return await office.unit(code).put(
        f"{N}/{notice}/answer", json={"values": values}, headers={"If-Match": f'"{version}"'}
    )


async def submit(office: RunningOffice, code: str, notice: str, **values: JsonValue) -> httpx.Response:
    return await office.unit(code).post(
        f"{N}/{notice}/answer/submit", json={"values": values or None}, headers={"If-Match": "*"}
    )


async def answered(office: RunningOffice, code: str, notice: str, **values: JsonValue) -> None:
    response = await submit(office, code, notice, **values)
    assert response.status_code == 200, response.text


async def table(office: RunningOffice, code: str, notice: str, **params: str) -> Any:
    response = await office.unit(code).get(f"{N}/{notice}/answers", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def codes(answer: Any) -> list[str]:
    assert answer["total"] == {"count": len(answer["items"]), "exact": True}
    return [line["unit"]["code"] for line in answer["items"]]


async def test_a_unit_fills_in_saves_and_submits(office: RunningOffice) -> None:
    notice = await asked(office)
    empty = await office.unit("370000").get(f"{N}/{notice}/answer")
    assert (empty.headers["etag"], empty.json()["status"]) == ('"0"', None)
    assert len(empty.json()["form"]["fields"]) == 5
    saved = await save(office, "370000", notice, 0, way="线上")
    assert (saved.status_code, saved.headers["etag"], saved.json()["draft"]) == (200, '"1"', {"way": "线上"})
    # The sender sees that it is being filled in, and not what.
    line = (await table(office, "100000", notice, which="draft"))["items"][0]
    assert (line["status"], line["values"]) == ("draft", None)
    lacking = await submit(office, "370000", notice)
    assert code_of(lacking) == (400, "answer_invalid")
    assert [error["pointer"] for error in lacking.json()["errors"]] == ["/values/people"]
    done = await submit(office, "370000", notice, people=12, way="线上")
    assert done.status_code == 200
    assert (done.json()["status"], done.json()["values"]) == ("submitted", {"people": 12, "way": "线上"})
    assert (done.json()["draft"], done.json()["number"]) == (None, 1)
    assert code_of(await submit(office, "370000", notice)) == (409, "nothing_to_submit")
    events = await office.sent(AnswerSubmittedV1)
    assert [(str(event.notice_id), event.number, event.late) for event in events] == [(notice, 1, False)]


async def test_an_answer_changes_until_the_deadline_and_each_one_is_kept(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(office, "370000", notice, people=12)
    await save(office, "370000", notice, 1, people=13)
    # What was submitted stands while it is being changed.
    assert (await table(office, "100000", notice))["items"][0]["values"] == {"people": 12}
    await answered(office, "370000", notice, people=14)
    office.clock.advance(timedelta(days=30))
    assert code_of(await submit(office, "370000", notice, people=15)) == (409, "answer_closed")
    assert code_of(await save(office, "370000", notice, 3, people=15)) == (409, "answer_closed")
    revisions = (await office.unit("370000").get(f"{N}/{notice}/answer/revisions")).json()["items"]
    assert [one["values"]["people"] for one in revisions] == [14, 12]
    # A first answer is late, and welcome.
    late = await submit(office, "320000", notice, people=1)
    assert (late.status_code, late.json()["late"]) == (200, True)
    assert codes(await table(office, "100000", notice, which="late")) == ["320000"]


async def test_a_unit_above_has_an_answer_changed_after_the_deadline(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(office, "370100", notice, people=12)
    office.clock.advance(timedelta(days=30))
    path = f"{N}/{notice}/answers/{office.world.id('370100')}/reopen"
    reopened = await office.unit("370000").post(path, json={"note": "人数与名单不一致"})
    assert reopened.status_code == 204
    mine = (await office.unit("370100").get(f"{N}/{notice}/answer")).json()
    assert (mine["status"], mine["note"], mine["values"]) == ("reopened", "人数与名单不一致", {"people": 12})
    assert codes(await table(office, "100000", notice, which="reopened")) == ["370100"]
    changed = await submit(office, "370100", notice, people=13)
    assert (changed.json()["status"], changed.json()["late"]) == ("submitted", False)
    for code, other, refusal in (
        ("370100", "370000", (403, "out_of_reach")),
        ("370000", "370000", (403, "out_of_reach")),
        ("370000", "370200", (409, "not_answered")),
    ):
        path = f"{N}/{notice}/answers/{office.world.id(other)}/reopen"
        assert code_of(await office.unit(code).post(path, json={"note": "请修改"})) == refusal


async def test_two_people_who_fill_in_at_once_do_not_overwrite_each_other(office: RunningOffice) -> None:
    notice = await asked(office)
    answers = await asyncio.gather(*(save(office, "370000", notice, 0, people=n) for n in range(1, 4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    without = await office.unit("370000").put(f"{N}/{notice}/answer", json={"values": {}})
    assert code_of(without) == (428, "precondition_required")


async def test_the_publisher_ends_the_collection(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(office, "370000", notice, people=12)
    lock = await office.unit("100000").post(f"{N}/{notice}/form/lock")
    assert (lock.status_code, lock.json()["locked"]) == (200, True)
    assert code_of(await office.unit("370000").post(f"{N}/{notice}/form/lock")) == (
        403,
        "permission_required",
    )
    for code in ("370000", "320000"):
        assert code_of(await submit(office, code, notice, people=1)) == (409, "collection_ended")
    path = f"{N}/{notice}/answers/{office.world.id('370000')}/reopen"
    refused = await office.unit("100000").post(path, json={"note": "请修改"})
    assert code_of(refused) == (409, "collection_ended")
    await office.unit("100000").post(f"{N}/{notice}/form/unlock")
    await answered(office, "320000", notice, people=1)


async def test_answers_and_the_end_of_their_collection_do_not_overlap(office: RunningOffice) -> None:
    notice = await asked(office)
    units = ("370000", "320000", "370100", "370200")
    *answers, lock = await asyncio.gather(
        *(submit(office, code, notice, people=1) for code in units),
        office.unit("100000").post(f"{N}/{notice}/form/lock"),
    )
    assert lock.status_code == 200
    counted = (await office.unit("100000").get(f"{N}/{notice}/answers/summary")).json()["answered"]
    assert counted == sum(answer.status_code == 200 for answer in answers)
    refused = [code_of(answer) for answer in answers if answer.status_code != 200]
    assert set(refused) <= {(409, "collection_ended")}


async def test_a_form_belongs_to_the_draft(office: RunningOffice) -> None:
    await office.numbered("100000")
    centre = office.unit("100000")
    notice = (await centre.post(N, json=a_draft())).json()["id"]
    assert code_of(await centre.get(f"{N}/{notice}/form")) == (404, "no_form")
    path = f"{N}/{notice}/form"
    first = await centre.put(path, json={"fields": FIELDS})
    assert first.headers["etag"] == '"1"'
    stale = await centre.put(path, json={"fields": FIELDS[:1]}, headers={"If-Match": '"7"'})
    assert code_of(stale) == (412, "version_changed")
    mark = "机密★1年"
    column: JsonValue = {"key": "b", "label": "等级", "type": "choice", "options": ["一", mark]}
    marked: list[JsonValue] = [
        {"key": "a", "label": mark, "type": "text"},
        {"key": "a", "label": "姓名", "type": "text", "help": mark},
        {"key": "a", "label": "人数", "type": "number", "unit": mark},
        {"key": "a", "label": "名单", "type": "table", "columns": [column]},
    ]
    for secret in marked:
        refused = await centre.put(path, json={"fields": [secret]})
        assert code_of(refused) == (400, "classified_document_refused"), secret
    assert code_of(await office.unit("370000").put(path, json={"fields": FIELDS})) == (404, "not_found")
    stale = await centre.delete(path, headers={"If-Match": '"7"'})
    assert code_of(stale) == (412, "version_changed")
    assert (await centre.delete(path, headers={"If-Match": '"1"'})).status_code == 204
    await centre.put(path, json={"fields": FIELDS})
    await centre.post(f"{N}/{notice}/publish")
    for response in (await centre.put(path, json={"fields": FIELDS}), await centre.delete(path)):
        assert code_of(response) == (409, "notice_not_draft")
    assert (await office.unit("370000").get(path)).json()["fields"][0]["label"] == "参训人数"
    assert code_of(await centre.get(f"{N}/{notice}/answer")) == (409, "own_notice")
    announcement = (await centre.post(N, json=a_draft(kind="announcement"))).json()["id"]
    refused = await centre.put(f"{N}/{announcement}/form", json={"fields": FIELDS})
    assert code_of(refused) == (409, "form_not_for_announcements")


async def test_nobody_answers_what_was_withdrawn_or_returned_or_has_no_form(office: RunningOffice) -> None:
    plain = await office.published()
    assert code_of(await submit(office, "370000", plain, people=1)) == (404, "no_form")
    notice = await asked(office)
    await office.unit("320000").post(f"{N}/{notice}/returns", json={"reason": "不属于本省"})
    assert code_of(await submit(office, "320000", notice, people=1)) == (409, "notice_returned")
    await answered(office, "370000", notice, people=2)
    await office.withdrawn(notice)
    assert code_of(await submit(office, "370100", notice, people=1)) == (409, "notice_withdrawn")
    assert code_of(await office.unit("370000").get(f"{N}/{notice}/answers")) == (404, "not_found")
    assert codes(await table(office, "100000", notice)) == ["370000"]


async def test_each_unit_sees_the_answers_of_its_own_subtree(office: RunningOffice) -> None:
    notice = await asked(office)
    for people, code in enumerate(("320000", "370000", "370100", "370102", "S3701020001"), 1):
        await answered(office, code, notice, people=people)
    assert codes(await table(office, "100000", notice)) == [
        "320000",
        "370000",
        "370100",
        "370102",
        "S3701020001",
    ]
    assert codes(await table(office, "370100", notice)) == ["370100", "370102", "S3701020001"]
    assert codes(await table(office, "S3701020001", notice)) == ["S3701020001"]
    inner = await table(office, "100000", notice, under=office.world.id("370102"))
    assert codes(inner) == ["370102", "S3701020001"]
    foreign = await office.unit("370100").get(
        f"{N}/{notice}/answers", params={"under": office.world.id("320000")}
    )
    assert code_of(foreign) == (403, "out_of_reach")
    assert set(codes(await table(office, "370000", notice, which="missing"))) == {
        "S3701020002",
        "370103",
        "S3701030001",
        "370200",
        "D3701020001",
    }
    assert codes(await table(office, "100000", notice, q="D370", which="missing")) == ["D3701020001"]
    first = (await office.unit("100000").get(f"{N}/{notice}/answers", params={"limit": 2})).json()
    second = await office.unit("100000").get(
        f"{N}/{notice}/answers", params={"limit": 2, "cursor": first["next"]}
    )
    assert [line["unit"]["code"] for line in second.json()["items"]] == ["370100", "370102"]


async def test_an_answer_counts_where_the_notice_reached_its_unit(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(office, "370103", notice, people=3)
    office.clock.advance(timedelta(days=1))
    await office.move("370103", "320100")
    assert codes(await table(office, "370100", notice)) == ["370103"]
    assert codes(await table(office, "320000", notice)) == []
    summary = (await office.unit("100000").get(f"{N}/{notice}/answers/summary")).json()
    assert summary["answered"] == 1


async def test_a_summary_adds_up_numbers_and_counts_options(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(office, "370000", notice, people=12, way="线上", topics=["政策", "系统"])
    await answered(
        office,
        "370100",
        notice,
        people=30,
        way="线上",
        topics=["系统"],
        staff=[{"name": "甲", "hours": 1.5}, {"name": "乙", "hours": 2}, {"name": "丙"}],
    )
    await answered(office, "320000", notice, people=5, way="现场")
    await save(office, "320100", notice, 0, people=100)
    answer = (await office.unit("100000").get(f"{N}/{notice}/answers/summary")).json()
    assert (answer["answered"], answer["draft"], answer["missing"]["count"]) == (3, 1, 8)
    totals = {(one["key"], one["column"]): one for one in answer["fields"]}
    assert totals["people", None]["number"] == {"answers": 3, "total": "47", "least": "5", "most": "30"}
    assert totals["staff", "hours"]["number"] == {"answers": 2, "total": "3.5", "least": "1.5", "most": "2"}
    assert totals["way", None]["options"] == [
        {"option": "线上", "answers": 2},
        {"option": "现场", "answers": 1},
    ]
    assert totals["topics", None]["options"] == [
        {"option": "政策", "answers": 1},
        {"option": "系统", "answers": 2},
    ]
    inner = (await office.unit("370000").get(f"{N}/{notice}/answers/summary")).json()
    assert inner["fields"][0]["number"]["total"] == "42"


def sheets(content: bytes) -> dict[str, list[list[str | float]]]:
    """The cells of a workbook by the names of its sheets; empty cells are empty texts."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [
            sheet.attrib["name"]
            for sheet in fromstring(archive.read("xl/workbook.xml")).iter(f"{space}sheet")
        ]
        found: dict[str, list[list[str | float]]] = {}
        for number, name in enumerate(names, 1):
            found[name] = []
            for row in fromstring(archive.read(f"xl/worksheets/sheet{number}.xml")).iter(f"{space}row"):
                cells: dict[int, str | float] = {}
                for cell in row.iter(f"{space}c"):
                    column = ord(cell.attrib["r"][0]) - ord("A")
                    text = "".join(cell.itertext())
                    cells[column] = text if cell.attrib.get("t") == "inlineStr" else float(text)
                found[name].append([cells.get(column, "") for column in range(max(cells, default=0) + 1)])
    return found


async def exported(client: httpx.AsyncClient, started: httpx.Response) -> str:
    """The path of an export that has ended."""
    assert started.status_code == 202, started.text
    path = str(started.headers["location"])
    async for _ in moments():
        status = (await client.get(path)).json()["status"]
        if status != "running":
            assert status == "done"
            return path
    raise AssertionError("the export does not end")


async def test_the_answers_are_exported_to_excel(office: RunningOffice) -> None:
    notice = await asked(office)
    await answered(
        office,
        "370000",
        notice,
        people=12,
        topics=["政策", "系统"],
        remark="=1+1",
        staff=[{"name": "甲", "hours": 1.5}, {"name": "乙"}],
    )
    await answered(office, "320000", notice, people=5, way="现场")
    person = str(uuid.uuid4())
    client = office.unit("100000", sub=person)
    path = await exported(client, await client.post(f"{N}/{notice}/answers/export"))
    listed = (await client.get("/api/v1/exports")).json()
    assert (listed["total"]["count"], listed["items"][0]["rows"]) == (1, 2)
    file = await client.get(f"{path}/file")
    assert file.headers["content-disposition"].startswith('attachment; filename="export.xlsx"')
    assert int(file.headers["content-length"]) == len(file.content)
    book = sheets(file.content)
    assert list(book) == ["答复汇总", "名单", "未答复单位"]
    heading, *rows = book["答复汇总"]
    assert heading[:7] == ["单位代码", "单位名称", "参训人数（人）", "方式", "专题", "备注", "名单"]
    assert [row[:7] for row in rows] == [
        ["320000", "320000学生资助管理中心", 5.0, "现场", "", "", ""],
        ["370000", "370000学生资助管理中心", 12.0, "", "政策、系统", "'=1+1", "2 行"],
        ["", "合计", 17.0],
    ]
    assert book["名单"][1:] == [
        ["370000", "370000学生资助管理中心", 1.0, "甲", 1.5],
        ["370000", "370000学生资助管理中心", 2.0, "乙"],
    ]
    assert len(book["未答复单位"]) == 1 + 9
    # For the person who asked, in the unit that asked.
    for other in (office.unit("100000"), office.unit("370000", sub=person)):
        for place in ("", "/file"):
            assert code_of(await other.get(f"{path}{place}")) == (404, "not_found")
    assert code_of(await client.post(f"{path}/cancel")) == (409, "export_ended")


@pytest.mark.parametrize("code", ["370100", "S3701020001"])
async def test_an_export_holds_the_own_subtree_only(office: RunningOffice, code: str) -> None:
    notice = await asked(office)
    for unit in ("320000", "370100", "S3701020001"):
        await answered(office, unit, notice, people=1)
    client = office.unit(code, sub=str(uuid.uuid4()))
    path = await exported(client, await client.post(f"{N}/{notice}/answers/export"))
    rows = sheets((await client.get(f"{path}/file")).content)["答复汇总"][1:-1]
    assert {row[0] for row in rows} == {"370100", "S3701020001"} - (set() if code == "370100" else {"370100"})


async def test_the_answers_of_a_group_are_listed_summed_up_and_exported(office: RunningOffice) -> None:
    notice, client = await asked(office), office.unit("100000", sub=str(uuid.uuid4()))
    for people, code in enumerate(("320000", "370100", "370102"), 1):
        await answered(
            office, code, notice, people=people, way="现场", staff=[{"name": "甲", "hours": people}]
        )
    members: list[JsonValue] = [
        {"unit_id": office.world.id(code)} for code in ("320000", "370102", "370103", "100000")
    ]
    made = await client.post("/api/v1/contact-groups", json={"name": "东部", "members": members})
    assert made.status_code == 201, made.text
    group = {"group": str(made.json()["id"])}
    path = f"{N}/{notice}/answers"
    assert codes((await client.get(path, params=group)).json()) == ["320000", "370102"]
    missing = await client.get(path, params=group | {"which": "missing"})
    assert codes(missing.json()) == ["370103"]
    below = group | {"under": office.world.id("370000")}
    assert codes((await client.get(path, params=below)).json()) == ["370102"]
    summary = (await client.get(f"{path}/summary", params=group)).json()
    assert (summary["answered"], summary["missing"]["count"]) == (2, 1)
    sums = {one["label"]: one["number"] or one["options"] for one in summary["fields"]}
    assert [float(sums[label]["total"]) for label in ("参训人数", "名单·学时")] == [4, 4]
    file = await client.get(
        f"{await exported(client, await client.post(f'{path}/export', params=group))}/file"
    )
    book = sheets(file.content)
    assert [row[0] for row in book["答复汇总"][1:]] == ["320000", "370102", ""]
    assert [row[0] for row in book["未答复单位"][1:]] == ["370103"]
    # A group of somebody else.
    for refused in (
        await office.unit("100000").get(path, params=group),
        await office.unit("100000").post(f"{path}/export", params=group),
    ):
        assert code_of(refused) == (404, "not_found")


async def test_the_inbox_says_which_notices_wait_for_an_answer(office: RunningOffice) -> None:
    plain, first, second = await office.published(), await asked(office), await asked(office)
    client = office.unit("370000")

    async def inbox(**params: str) -> list[tuple[str, bool, str | None]]:
        lines = (await client.get(f"{N}/inbox", params=params)).json()["items"]
        return [(line["id"], line["asks_answer"], line["answer"]) for line in lines]

    async def unanswered() -> int:
        return int((await client.get(f"{N}/inbox/counts")).json()["unanswered"]["count"])

    await save(office, "370000", first, 0, people=1)
    assert await inbox() == [(second, True, None), (first, True, "draft"), (plain, False, None)]
    seen = [(await client.get(f"{N}/{notice}")).json() for notice in (second, first, plain)]
    assert [(one["asks_answer"], one["answer"]) for one in seen] == [
        (True, None),
        (True, "draft"),
        (False, None),
    ]
    assert await unanswered() == 2
    await answered(office, "370000", first, people=1)
    assert await inbox(answered="true") == [(first, True, "submitted")]
    assert await inbox(answered="false") == [(second, True, None)]
    await office.unit("100000").post(f"{N}/{second}/form/lock")
    assert await unanswered() == 0
