"""What a unit does with a notice that it has: inbox, 签收, 代签, 退回, 承办."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy import select, update

from contracts.documents import ReturnStatus
from contracts.identity import HandOverRequestedV1
from contracts.office import NoticeReturnDecidedV1, NoticeReturnedV1, NoticeSignedV1
from office.directory.models import Person
from office.tasks.models import Task, TaskShare
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.test_notices import code_of, walk

N = "/api/v1/notices"


async def inbox(office: RunningOffice, code: str = "370000", **params: str) -> list[str]:
    response = await office.unit(code).get(f"{N}/inbox", params=params)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["total"] == {"count": len(body["items"]), "exact": True}
    return [line["id"] for line in body["items"]]


async def post(office: RunningOffice, code: str, path: str, **body: JsonValue) -> httpx.Response:
    return await office.unit(code).post(f"{N}/{path}", json=body)


async def tasks(office: RunningOffice, kind: str) -> list[tuple[str, uuid.UUID, str]]:
    """Title, addressee and state of the tasks of a kind, oldest first."""
    async with office.database.transaction() as session:
        rows = await session.execute(
            select(Task.title, TaskShare.addressee, TaskShare.state)
            .join(TaskShare, TaskShare.task_id == Task.id)
            .where(Task.kind == kind)
            .order_by(Task.id)
        )
        return [(title, addressee, state.value) for title, addressee, state in rows]


async def test_the_inbox_is_filtered_by_what_is_still_to_do(office: RunningOffice) -> None:
    late = await office.published(urgency="extra_urgent", deadline_workdays=None)
    office.clock.advance(timedelta(hours=5))
    signed, returned, new = [await office.published() for _ in range(3)]
    await office.signed(signed, "370000")
    assert (await post(office, "370000", f"{returned}/returns", reason="不属于本省")).status_code == 201
    assert await inbox(office) == [new, returned, signed, late]
    assert await inbox(office, signed="true") == [signed]
    assert await inbox(office, signed="false") == [new, late]
    assert await inbox(office, overdue="true") == [late]
    assert await inbox(office, overdue="false") == [new, returned, signed]
    assert await inbox(office, urgency="extra_urgent") == [late]
    lines = (await office.unit("370000").get(f"{N}/inbox")).json()["items"]
    assert [(line["overdue"], line["returned"]) for line in lines] == [
        (False, None),
        (False, "open"),
        (False, None),
        (True, None),
    ]


async def test_the_inbox_counts_what_waits_for_the_person_and_the_unit(office: RunningOffice) -> None:
    notices = [await office.published() for _ in range(3)]
    withdrawn = await office.published()
    await office.withdrawn(withdrawn)
    await office.signed(notices[0], "370000")
    reader = office.unit("370000", "reviewer", sub=str(uuid.uuid4()))
    for notice in notices[:2]:
        assert (await reader.post(f"{N}/{notice}/read")).status_code == 200

    async def counts(client: httpx.AsyncClient) -> dict[str, int]:
        answer = (await client.get(f"{N}/inbox/counts")).json()
        return {name: total["count"] for name, total in answer.items()}

    assert await counts(reader) == {"unread": 1, "unsigned": 2, "overdue": 0, "unanswered": 0}
    assert (await counts(office.unit("370000")))["unread"] == 3
    office.clock.advance(timedelta(days=30))
    assert await counts(reader) == {"unread": 1, "unsigned": 2, "overdue": 2, "unanswered": 0}
    unread = await reader.get(f"{N}/inbox", params={"read": "false", "status": "published"})
    assert [line["id"] for line in unread.json()["items"]] == [notices[2]]


async def test_two_characters_find_a_notice(office: RunningOffice) -> None:
    training = await office.published()
    survey = await office.published(title="关于开展问卷调查的通知（100%填报）")
    assert await inbox(office, q="培训") == [training]
    assert await inbox(office, q="问卷") == [survey]
    assert await inbox(office, q="〕2号") == [survey]
    assert await inbox(office, q="0%") == [survey]
    assert await inbox(office, q="100000") == [survey, training]
    assert await inbox(office, q="%%") == []
    assert (await office.unit("370000").get(f"{N}/inbox", params={"q": "培"})).status_code == 422


async def test_the_inbox_is_sorted_by_deadline_and_a_cursor_keeps_its_order(office: RunningOffice) -> None:
    order = [await office.published(deadline_workdays=number) for number in (3, 1, 2)]
    unit = office.unit("370000")
    by_deadline = [order[1], order[2], order[0]]
    assert await walk(unit, f"{N}/inbox", limit=1, sort="deadline") == by_deadline
    first = (await unit.get(f"{N}/inbox", params={"limit": 1, "sort": "deadline"})).json()["next"]
    other = await unit.get(f"{N}/inbox", params={"cursor": first})
    assert code_of(other) == (400, "bad_cursor")


@pytest.mark.parametrize(("after", "late"), [(0.0, False), (0.999, False), (1.0, True)])
async def test_a_signature_in_the_second_of_the_deadline_is_in_time(
    office: RunningOffice, after: float, late: bool
) -> None:
    notice = await office.published(deadline="2023-05-08T17:30:00+08:00", deadline_workdays=None)
    office.clock.advance(timedelta(days=11, hours=8, minutes=30, seconds=after))
    assert await inbox(office, overdue="true") == ([notice] if late else [])
    signed = await office.unit("370000").post(f"{N}/{notice}/sign")
    assert (signed.status_code, signed.json()["late"]) == (201, late)


async def test_a_unit_above_signs_for_one_that_cannot(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    path = f"{notice}/units/{office.world.id('370100')}/sign"
    signed = await post(office, "370000", path, reason="网络故障，已电话确认")
    body = signed.json()
    assert (signed.status_code, body["on_behalf"]) == (201, True)
    assert (body["signing_unit"], body["reason"]) == (office.world.ref("370000"), "网络故障，已电话确认")
    # For the unit itself it is signed, and it sees by whom.
    again = await office.unit("370100").post(f"{N}/{notice}/sign")
    assert (again.status_code, again.json()) == (200, body)
    assert (await office.unit("370100").get(f"{N}/{notice}")).json()["signature"] == body
    line = (await office.unit("370100").get(f"{N}/inbox")).json()["items"][0]
    assert (line["signed"], line["on_behalf"]) == (True, True)
    assert (await office.coverage(notice)).signed == 1
    events = await office.sent(NoticeSignedV1)
    assert [str(event.signing_unit_id) for event in events] == [office.world.id("370000")]


async def test_nobody_signs_for_a_unit_that_is_not_below_or_does_not_have_the_notice(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")

    async def sign_for(code: str, other: str, **body: JsonValue) -> tuple[int, str]:
        path = f"{notice}/units/{office.world.id(other)}/sign"
        return code_of(await post(office, code, path, **({"reason": "电话确认"} | body)))

    assert await sign_for("370000", "370102") == (409, "not_delivered")
    for other in ("370000", "320000", "100000"):
        assert await sign_for("370000", other) == (403, "out_of_reach")
    assert await sign_for("370100", "370102") == (409, "not_delivered")
    assert await sign_for("370102", "S3701020001") == (404, "not_found")
    assert await sign_for("370000", "370100", reason="") == (422, "invalid_shape")
    refused = await office.unit("370000", "reviewer").post(
        f"{N}/{notice}/units/{office.world.id('370100')}/sign", json={"reason": "电话确认"}
    )
    assert code_of(refused) == (403, "permission_required")


async def test_a_unit_returns_a_notice_and_its_sender_confirms(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    returned = await post(office, "370100", f"{notice}/returns", reason="本市没有该类学校")
    assert (returned.status_code, returned.json()["status"]) == (201, "open")
    again = await post(office, "370100", f"{notice}/returns", reason="再退一次")
    assert (again.status_code, again.json()) == (200, returned.json())
    for act in ("sign", "forward"):
        assert code_of(await post(office, "370100", f"{notice}/{act}")) == (409, "notice_returned")
    listed = (await office.unit("370000").get(f"{N}/returns", params={"status": "open"})).json()
    assert listed["total"] == {"count": 1, "exact": True}
    assert (listed["items"][0]["unit"], listed["items"][0]["reason"]) == (
        office.world.ref("370100"),
        "本市没有该类学校",
    )
    assert (await office.unit("100000").get(f"{N}/returns")).json()["items"] == []
    province = uuid.UUID(office.world.id("370000"))
    assert [(who, state) for _, who, state in await tasks(office, "return")] == [(province, "open")]

    decide = f"{notice}/returns/{office.world.id('370100')}"
    assert code_of(await post(office, "100000", f"{decide}/confirm")) == (404, "not_found")
    confirmed = await post(office, "370000", f"{decide}/confirm", note="同意")
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    assert [state for *_, state in await tasks(office, "return")] == ["done"]
    assert code_of(await post(office, "370000", f"{decide}/confirm")) == (409, "return_decided")
    assert code_of(await post(office, "370100", f"{notice}/returns/cancel")) == (409, "return_decided")
    assert code_of(await post(office, "370100", f"{notice}/sign")) == (409, "notice_returned")
    # The sender may change its mind.
    assert (await post(office, "370000", f"{decide}/resend", note="请参加")).status_code == 200
    seen = (await office.unit("370100").get(f"{N}/{notice}")).json()["given_back"]
    assert (seen["status"], seen["note"]) == ("resent", "请参加")
    await office.signed(notice, "370100")
    kinds = await office.sent(NoticeReturnedV1, NoticeReturnDecidedV1)
    assert [getattr(event, "status", None) for event in kinds] == [
        None,
        ReturnStatus.CONFIRMED,
        ReturnStatus.RESENT,
    ]


async def test_a_unit_takes_its_return_back_and_may_return_again(office: RunningOffice) -> None:
    notice = await office.published()
    assert code_of(await post(office, "370000", f"{notice}/returns/cancel")) == (404, "not_found")
    await post(office, "370000", f"{notice}/returns", reason="不属于本省")
    assert (await post(office, "370000", f"{notice}/returns/cancel")).json()["status"] == "cancelled"
    assert [state for *_, state in await tasks(office, "return")] == ["done"]
    again = await post(office, "370000", f"{notice}/returns", reason="仍不属于本省")
    assert (again.status_code, again.json()["number"]) == (201, 2)


async def test_what_was_passed_on_or_published_is_not_returned(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    assert code_of(await post(office, "370000", f"{notice}/returns", reason="退回")) == (
        409,
        "notice_passed_on",
    )
    assert code_of(await post(office, "100000", f"{notice}/returns", reason="退回")) == (409, "own_notice")
    assert code_of(await post(office, "370102", f"{notice}/returns", reason="退回")) == (404, "not_found")


async def colleague(office: RunningOffice, code: str = "370000") -> str:
    sub = uuid.uuid4()
    await office.insert_people([(code, sub)])
    return str(sub)


async def test_a_notice_is_handled_by_a_colleague_until_done(office: RunningOffice) -> None:
    notice, owner, other = await office.published(), await colleague(office), await colleague(office)
    path = f"{notice}/assignments"
    assigned = await post(office, "370000", path, owner=owner, note="请汇总名单")
    assert assigned.status_code == 201
    assert (assigned.json()["owner_name"], assigned.json()["due_at"]) == ("张三", "2023-05-08T15:59:59Z")
    again = await post(
        office, "370000", path, owner=other, due_at="2023-05-06T17:30:00+08:00", note="改由你办"
    )
    assert (again.status_code, again.json()["owner"]) == (201, other)
    title = "关于举办全国学生资助业务培训的通知"
    assert await tasks(office, "handle") == [
        (title, uuid.UUID(owner), "withdrawn"),
        (title, uuid.UUID(other), "open"),
    ]
    assert (await office.unit("370000").get(f"{N}/{notice}")).json()["assignment"]["owner"] == other
    refused = await office.unit("370000", "reviewer").post(f"{N}/{path}/finish", json={})
    assert code_of(refused) == (403, "permission_required")
    done = await office.unit("370000", "reviewer", sub=other).post(
        f"{N}/{path}/finish", json={"result": "已报送"}
    )
    assert (done.status_code, done.json()["status"], done.json()["result"]) == (200, "done", "已报送")
    assert [state for *_, state in await tasks(office, "handle")] == ["withdrawn", "done"]
    assert code_of(await post(office, "370000", f"{path}/finish")) == (409, "not_assigned")
    history = (await office.unit("370000").get(f"{N}/{path}")).json()["items"]
    assert [one["status"] for one in history] == ["done", "reassigned"]
    # Inside a unit only.
    assert (await office.unit("100000").get(f"{N}/{path}")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"due_at": "2023-05-09T00:00:00+08:00"}, (409, "due_after_deadline")),
        ({"due_at": "2023-04-26T00:00:00+08:00"}, (400, "deadline_out_of_range")),
        ({"owner": str(uuid.uuid4())}, (400, "owner_not_in_unit")),
    ],
)
async def test_an_assignment_stays_in_the_unit_and_in_time(
    office: RunningOffice, body: dict[str, JsonValue], refusal: tuple[int, str]
) -> None:
    notice, owner = await office.published(), await colleague(office)
    response = await post(office, "370000", f"{notice}/assignments", **({"owner": owner} | body))
    assert code_of(response) == refusal


async def test_only_active_colleagues_handle_a_notice(office: RunningOffice) -> None:
    notice, elsewhere, suspended = (
        await office.published(),
        await colleague(office, "370100"),
        await colleague(office),
    )
    async with office.database.transaction() as session:
        await session.execute(
            update(Person).where(Person.sub == uuid.UUID(suspended)).values(status="suspended")
        )
    for owner in (elsewhere, suspended):
        refused = await post(office, "370000", f"{notice}/assignments", owner=owner)
        assert code_of(refused) == (400, "owner_not_in_unit")


@pytest.mark.parametrize("followed", [True, False])
async def test_what_somebody_handles_is_handed_over(office: RunningOffice, followed: bool) -> None:
    notice, owner, successor = await office.published(), await colleague(office), await colleague(office)
    path = f"{notice}/assignments"
    await post(office, "370000", path, owner=owner)
    await office.deliver(
        HandOverRequestedV1(
            hand_over_id=uuid.uuid4(),
            sub=uuid.UUID(owner),
            unit_id=uuid.UUID(office.world.id("370000")),
            successor=uuid.UUID(successor) if followed else None,
            unit_path="100000.370000",
            requested_at=office.clock.now(),
        )
    )
    seen: Any = (await office.unit("370000").get(f"{N}/{notice}")).json()["assignment"]
    assert seen["owner"] == (successor if followed else None)
    # Whoever finishes it ends the task, too.
    done = await post(office, "370000", f"{path}/finish")
    assert done.status_code == 200
    assert "open" not in [state for *_, state in await tasks(office, "handle")]


async def test_an_announcement_asks_for_no_receipt(office: RunningOffice) -> None:
    notice = await office.published(kind="announcement", recipients={"reach": "subtree"})
    assert await inbox(office, kind="announcement") == [notice]
    assert await inbox(office, signed="false") == await inbox(office, kind="circular") == []
    counts = (await office.unit("370000").get(f"{N}/inbox/counts")).json()
    assert (counts["unread"]["count"], counts["unsigned"]["count"]) == (1, 0)
    office.clock.advance(timedelta(days=30))
    assert await inbox(office, overdue="true") == []
    for act in ("sign", "returns"):
        refused = await post(office, "370000", f"{notice}/{act}", reason="不属于本省")
        assert code_of(refused) == (409, "no_receipt_needed")
    assert (await office.unit("370000").post(f"{N}/{notice}/read")).status_code == 200


async def test_a_return_ends_the_task_to_sign_until_the_notice_is_sent_again(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")

    async def asked(code: str) -> list[str]:
        found = await office.unit(code).get("/api/v1/tasks", params={"kind": "sign"})
        assert found.status_code == 200, found.text
        return [line["deadline"] for line in found.json()["items"]]

    assert await asked("370100") == ["2023-05-08T15:59:59Z"]
    await post(office, "370100", f"{notice}/returns", reason="不属于本市")
    assert await asked("370100") == []
    await post(office, "370000", f"{notice}/returns/{office.world.id('370100')}/resend")
    assert await asked("370100") == ["2023-05-08T15:59:59Z"]
    await office.signed(notice, "370100")
    assert await asked("370100") == []
