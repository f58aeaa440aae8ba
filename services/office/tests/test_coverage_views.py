"""Lists of who is missing, the curve of the progress, and the workbook."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from office.coverage.jobs import Curves
from services.office.tests.support.running_office import RunningOffice
from testkit.waiting import moments

N = "/api/v1/notices"


async def units(office: RunningOffice, notice: str, **params: Any) -> dict[str, Any]:
    response = await office.unit("100000").get(f"{N}/{notice}/coverage/units", params=params)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def codes(office: RunningOffice, notice: str, lack: str) -> set[str]:
    found = await units(office, notice, lack=lack)
    assert found["total"] == {"count": len(found["items"]), "exact": True}
    return {item["unit"]["code"] for item in found["items"]}


async def test_a_list_has_the_units_that_lack_something(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    await office.signed(notice, "370100")
    response = await office.unit("370200").post(f"{N}/{notice}/read")
    assert response.status_code == 200
    assert await codes(office, notice, "not_read") == {"320000", "370000", "370100"}
    assert await codes(office, notice, "overdue") == set()
    delivered = {"320000", "370000", "370100", "370200"}
    waiting = await codes(office, notice, "not_delivered")
    assert await codes(office, notice, "not_signed") == waiting | delivered - {"370100"}
    assert len(waiting) == 7
    office.clock.advance(timedelta(days=60))
    assert await codes(office, notice, "overdue") == waiting | delivered - {"370100"}


async def test_a_publication_to_the_whole_subtree_is_delivered_to_everybody(office: RunningOffice) -> None:
    recipients: dict[str, JsonValue] = {"reach": "subtree", "onward": False}
    notice = await office.published(recipients=recipients)
    await office.signed(notice, "370102", "S3701020001")
    answer = await office.coverage(notice)
    assert (answer.total, answer.delivered, answer.signed, answer.blocking.count) == (11, 11, 2, 0)
    assert await codes(office, notice, "not_delivered") == set()
    assert len(await codes(office, notice, "not_read")) == 11
    assert await codes(office, notice, "overdue") == set()
    office.clock.advance(timedelta(days=60))
    assert len(await codes(office, notice, "overdue")) == 9
    assert (await office.coverage(notice)).overdue == 9


async def test_a_list_is_read_in_pages(office: RunningOffice) -> None:
    notice = await office.published()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await units(office, notice, limit=2, **cursor)
        seen += [item["unit"]["code"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == len(set(seen)) == 11


@pytest.mark.parametrize("step", ["hour", "day"])
async def test_the_curve_adds_up_to_now(office: RunningOffice, step: str) -> None:
    notice = await office.published()
    curves = Curves(office.database, office.clock)
    await office.signed(notice, "320000")
    office.clock.advance(timedelta(hours=1))
    await office.forwarded(notice, "370000")
    await office.signed(notice, "370000", "370100")
    office.clock.advance(timedelta(days=1))
    await curves.run()
    await office.signed(notice, "370200")
    await curves.run()

    async def points(**params: str) -> list[int]:
        response = await office.unit("100000").get(
            f"{N}/{notice}/coverage/history", params={"by": step, **params}
        )
        assert response.status_code == 200, response.text
        return [point["signed"] for point in response.json()["points"]]

    assert await points() == ([1, 3, 4] if step == "hour" else [3, 4])
    assert await points(under=office.world.id("370000")) == [2, 3]
    assert await points(under=office.world.id("320000")) == [1, 1]


async def test_the_workbook_has_branches_blockers_who_is_missing_and_what_changed(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.signed(notice, "320000")
    office.clock.advance(timedelta(hours=1))
    await office.move("370102", "370200")
    centre = office.client(office.token("100000", "handler"))
    started = await centre.post(f"{N}/{notice}/coverage/exports")
    assert started.status_code == 202, started.text
    path = started.headers["Location"]
    async for _ in moments():
        export = (await centre.get(path)).json()
        if export["status"] != "running":
            break
    assert (export["status"], export["rows"]) == ("done", 10)
    file = await centre.get(f"{path}/file")
    with zipfile.ZipFile(io.BytesIO(file.content)) as book:
        names = book.read("xl/workbook.xml").decode()
        sheets = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2, 3, 4)]
    assert re.findall(r'<sheet name="([^"]+)"', names) == [
        *("覆盖情况", "未转发的单位", "未签收的单位", "单位变化")
    ]
    # Two provinces and the sums, two blockers, ten units, a county that has moved with its three units; each
    # sheet has a heading.
    assert [sheet.count("<row ") for sheet in sheets] == [4, 3, 11, 5]
    assert "隶属变更" in sheets[3]
    assert "尚未送达，按现在所在的上级单位计入" in sheets[3]
    assert re.findall(r"<v>(\d+)</v>", sheets[0])[-9:-5] == ["11", "2", "1", "0"]


async def test_answers_are_counted_in_each_branch_and_listed_where_they_lack(office: RunningOffice) -> None:
    notice = await office.published(recipients={"reach": "subtree", "onward": False})
    await office.ask(notice)
    for code in ("370102", "320000"):
        response = await office.unit(code).post(
            f"{N}/{notice}/answer/submit", json={"values": {"n": 3}}, headers={"If-Match": "*"}
        )
        assert response.status_code == 200, response.text
    answer = await office.coverage(notice)
    assert (answer.answered, answer.total) == (2, 11)
    assert {child.unit.code: child.answered for child in answer.children} == {"320000": 1, "370000": 1}
    missing = await codes(office, notice, "not_answered")
    assert len(missing) == 9
    assert not missing & {"370102", "320000"}
    await office.recount(notice)
    assert (await office.coverage(notice)).answered == 2


async def test_a_confirmed_return_is_counted_apart_and_owes_nothing(office: RunningOffice) -> None:
    notice = await office.published(recipients={"reach": "subtree", "onward": False})
    returned = await office.unit("370102").post(f"{N}/{notice}/returns", json={"reason": "不属于参训范围"})
    assert returned.status_code == 201, returned.text
    assert (await office.coverage(notice)).total == 11
    decide = f"{N}/{notice}/returns/{office.world.id('370102')}"
    confirmed = await office.unit("100000").post(f"{decide}/confirm", json={})
    assert confirmed.status_code == 200, confirmed.text
    for code, under in (("100000", None), ("370100", "370100"), ("370102", "370102")):
        answer = await office.coverage(notice, code, under=under)
        assert answer.returned == 1
        assert answer.total == {"100000": 10, "370100": 6, "370102": 3}[code]
    assert "370102" not in await codes(office, notice, "not_signed")
    office.clock.advance(timedelta(days=1))
    await office.move("370102", "370200")
    changes = await office.unit("100000").get(f"{N}/{notice}/coverage/changes")
    counting = {item["unit"]["code"]: item["counting"] for item in changes.json()["items"]}
    assert (counting["370102"], counting["S3701020001"]) == ("returned", "reached")
    resent = await office.unit("100000").post(f"{decide}/resend", json={})
    assert resent.status_code == 200, resent.text
    answer = await office.coverage(notice)
    assert (answer.total, answer.returned) == (11, 0)


async def one_unit(office: RunningOffice, notice: str, code: str, by: str = "100000") -> dict[str, Any]:
    path = f"{N}/{notice}/coverage/units/{office.world.id(code)}"
    response = await office.unit(by).get(path)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_the_units_above_see_when_and_by_whom_one_unit_did_what(office: RunningOffice) -> None:
    notice = await office.published()
    waiting = await one_unit(office, notice, "370100")
    assert (waiting["counted"], waiting["delivered_at"], waiting["blocked_by"]["code"]) == (
        True,
        None,
        "370000",
    )
    office.clock.advance(timedelta(hours=1))
    at = office.clock.now().isoformat().replace("+00:00", "Z")
    await office.forwarded(notice, "370000")
    reader = office.unit("370100")
    assert (await reader.post(f"{N}/{notice}/read")).status_code == 200
    returned = await office.unit("370200").post(f"{N}/{notice}/returns", json={"reason": "不属于参训范围"})
    assert returned.status_code == 201, returned.text
    await office.signed(notice, "370100")
    await office.forwarded(notice, "370100")
    seen = await one_unit(office, notice, "370100", by="370000")
    assert (seen["delivered_at"], seen["sender"]["code"], seen["blocked_by"]) == (at, "370000", None)
    assert (seen["readers"], [one["read_at"] for one in seen["reads"]]) == (1, [at])
    assert (seen["signature"]["signed_at"], seen["signature"]["on_behalf"]) == (at, False)
    assert [(one["number"], one["forwarded_at"]) for one in seen["forwardings"]] == [(1, at)]
    assert (seen["submissions"], seen["reminders"], seen["returns"]) == ([], [], [])
    other = await one_unit(office, notice, "370200")
    assert [(one["status"], one["returned_at"]) for one in other["returns"]] == [("open", at)]
    # A unit that moves away later still counts where the notice reached it; its new superiors see it, too.
    office.clock.advance(timedelta(days=1))
    await office.move("370102", "320100")
    assert (await one_unit(office, notice, "370102", by="370100"))["counted"]


async def test_nobody_sees_what_a_unit_of_another_branch_did(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    path = f"{N}/{notice}/coverage/units"
    for by, of, refusal in (
        ("370100", "370200", (403, "out_of_reach")),
        ("370100", "370000", (403, "out_of_reach")),
        ("370102", "370102", (404, "not_found")),
    ):
        response = await office.unit(by).get(f"{path}/{office.world.id(of)}")
        assert (response.status_code, response.json()["code"]) == refusal, (by, of)
    unknown = await office.unit("100000").get(f"{path}/{notice}")
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("recipients", "counts"),
    [
        ({"reach": "subtree", "levels": ["school"], "onward": False}, (4, 4, 0)),
        ({"reach": "children", "levels": ["school"], "onward": True}, (2, 1, 1)),
    ],
)
async def test_filtered_publications_are_counted_by_level(
    office: RunningOffice, recipients: dict[str, JsonValue], counts: tuple[int, int, int]
) -> None:
    for code in ("320000", "S3701020001", "D3701020001", "S3701030001"):
        office.world.units[code]["level"] = "school"
    await office.replace_units(office.world)
    notice = await office.published(recipients=recipients)
    answer = await office.coverage(notice)
    blocked = sum(item.cut_off for item in answer.blocking.items)
    assert (answer.total, answer.delivered, blocked) == counts
