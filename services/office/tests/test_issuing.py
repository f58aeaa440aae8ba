"""From draft to archive: review, issue, timed publication, replacement, withdrawal."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy import insert

from contracts.identity import PersonChangedV1, RoleChangedV1
from contracts.office import NoticeArchivedV1, NoticeSupersededV1, NoticeWithdrawnV1
from office.directory.models import Person
from office.issuing.jobs import Calendar
from services.office.tests.support.running_office import RunningOffice, a_draft
from testkit.clock import FrozenClock
from testkit.waiting import moments

N = "/api/v1/notices"
WRITER, OTHER, REVIEWER, APPROVER = (str(uuid.uuid4()) for _ in range(4))


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


async def staffed(office: RunningOffice) -> None:
    """The centre has a reviewer, and writers and approvers with names."""
    people = ((WRITER, "王芳", "handler"), (REVIEWER, "赵强", "reviewer"), (APPROVER, "李明", "approver"))
    unit = office.world.units["100000"]
    common = {"phone_masked": "138****0000", "status": "active", "version": 1}
    async with office.database.transaction() as session:
        await session.execute(
            insert(Person),
            [
                {
                    **common,
                    "sub": uuid.UUID(sub),
                    "name": name,
                    "roles": [role],
                    "unit_id": unit["id"],
                    "unit_path": unit["path"],
                }
                for sub, name, role in people
            ],
        )
    await office.numbered("100000")


def acting(office: RunningOffice) -> dict[str, httpx.AsyncClient]:
    return {
        "handler": office.unit("100000", "handler", sub=WRITER),
        "reviewer": office.unit("100000", "reviewer", sub=REVIEWER),
        "approver": office.unit("100000", "approver", sub=APPROVER),
    }


async def drafted(client: httpx.AsyncClient, **changes: JsonValue) -> str:
    response = await client.post(N, json=a_draft(**changes))
    assert response.status_code == 201, response.text
    return f"{N}/{response.json()['id']}"


async def history(client: httpx.AsyncClient, path: str) -> list[tuple[str, str | None, str | None]]:
    items = (await client.get(f"{path}/history")).json()["items"]
    return [(step["step"], step["name"], step["note"]) for step in items]


def own(path: str) -> str:
    return path.replace(N, f"{N}/outbox")


async def test_a_notice_is_reviewed_and_then_issued(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(who["handler"])
    assert code_of(await who["approver"].post(f"{path}/publish")) == (409, "review_required")
    assert code_of(await who["reviewer"].get(own(path))) == (404, "not_found")
    submitted = await who["handler"].post(f"{path}/submit", headers={"If-Match": '"1"'})
    assert (submitted.status_code, submitted.json()["status"]) == (200, "reviewing")
    assert (await who["reviewer"].get(own(path))).status_code == 200
    late = await who["handler"].put(path, json=a_draft(), headers={"If-Match": "*"})
    assert code_of(late) == (409, "notice_not_draft")
    assert code_of(await who["approver"].post(f"{path}/publish")) == (409, "review_required")
    approved = await who["reviewer"].post(f"{path}/approve", json={"opinion": "同意"})
    assert approved.json()["status"] == "reviewed"
    issued = await who["approver"].post(f"{path}/publish")
    assert (issued.json()["status"], issued.json()["issuer_name"]) == ("published", "李明")
    assert await history(who["handler"], path) == [
        ("drafted", "王芳", None),
        ("submitted", "王芳", None),
        ("approved", "赵强", "同意"),
        ("issued", "李明", None),
        ("published", "李明", None),
    ]
    assert code_of(await office.unit("370000").get(f"{path}/history")) == (404, "not_found")


async def test_nobody_reviews_what_they_have_written(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    both = office.unit("100000", "handler", "reviewer", sub=OTHER)
    path = await drafted(who["handler"])
    await both.put(path, json=a_draft(title="改过的标题"), headers={"If-Match": "*"})
    await who["handler"].post(f"{path}/submit")
    assert code_of(await both.post(f"{path}/approve")) == (403, "own_draft")
    assert code_of(await who["handler"].post(f"{path}/approve")) == (403, "permission_required")
    assert (await who["reviewer"].post(f"{path}/approve")).status_code == 200


async def test_a_unit_without_another_reviewer_issues_directly(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    only = office.unit("100000", "handler", "reviewer", "approver", sub=REVIEWER)
    path = await drafted(only)
    # The issuer could review it, but is not asked to say the same twice.
    assert (await who["approver"].post(f"{path}/publish")).status_code == 200
    assert (await history(only, path))[1] == (
        "issued",
        "李明",
        "本单位没有其他审核人，未经审核直接签发。",
    )


async def test_who_may_review_is_a_question_about_the_permission(office: RunningOffice) -> None:
    """The only reviewer has a role of the platform's own, in a unit that is not their primary one."""
    await office.numbered("100000")
    centre, elsewhere = office.world.units["100000"], office.world.units["370000"]
    handler, approver = office.unit("100000", "handler"), office.unit("100000", "approver")
    path = await drafted(handler)
    person = PersonChangedV1.model_validate(
        {
            "sub": REVIEWER,
            "name": "赵强",
            "phone_masked": "138****0000",
            "status": "active",
            "unit_id": elsewhere["id"],
            "unit_path": elsewhere["path"],
            "roles": ["handler"],
            "version": 1,
            "memberships": [
                {"unit_id": elsewhere["id"], "unit_path": elsewhere["path"], "roles": ["handler"]},
                {"unit_id": centre["id"], "unit_path": centre["path"], "roles": ["checker"]},
            ],
        }
    )
    checker = {"code": "checker", "name": "核稿人", "permissions": ["notices.review"], "version": 1}
    await office.deliver(person)
    assert code_of(await handler.post(f"{path}/submit")) == (409, "no_reviewer")
    await office.deliver(RoleChangedV1.model_validate(checker))
    assert (await handler.post(f"{path}/submit")).status_code == 200
    # The person acts for the other unit now, and sees the task of this one.
    there = office.unit("370000", "handler", sub=REVIEWER)
    assert [kind for kind, _ in await tasks_of(there)] == ["review"]
    assert (await handler.post(f"{path}/recall")).status_code == 200
    retired = {**checker, "permissions": [], "retired": True, "version": 2}
    await office.deliver(RoleChangedV1.model_validate(retired))
    assert code_of(await handler.post(f"{path}/submit")) == (409, "no_reviewer")
    assert (await approver.post(f"{path}/publish")).status_code == 200


async def test_a_notice_that_everybody_has_written_has_no_reviewer(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(office.unit("100000", "handler", "reviewer", sub=REVIEWER))
    written = await who["approver"].put(path, json=a_draft(), headers={"If-Match": "*"})
    assert written.status_code == 200, written.text
    assert code_of(await who["approver"].post(f"{path}/submit")) == (409, "no_reviewer")


async def test_an_issuer_reviews_too(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(who["handler"])
    await who["handler"].post(f"{path}/submit")
    approved = await who["approver"].post(f"{path}/approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "reviewed")
    assert (await who["approver"].post(f"{path}/publish")).status_code == 200


async def test_a_role_of_the_platform_s_own_reviews_and_does_not_issue(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    checker = office.unit("100000", "checker", permissions=["notices.review"])
    path = await drafted(who["handler"])
    await who["handler"].post(f"{path}/submit")
    assert [kind for kind, _ in await tasks_of(checker)] == ["review"]
    assert (await checker.get(own(path))).status_code == 200
    assert (await checker.post(f"{path}/approve")).status_code == 200
    assert code_of(await checker.post(f"{path}/publish")) == (403, "permission_required")
    assert code_of(await checker.post(N, json=a_draft())) == (403, "permission_required")
    assert await tasks_of(checker) == []
    # The role's name alone allows nothing.
    retired = office.unit("100000", "checker")
    assert code_of(await retired.get(own(path))) == (403, "permission_required")
    assert code_of(await retired.post(f"{path}/return", json={"reason": "请修改"})) == (
        403,
        "permission_required",
    )


async def test_a_refused_notice_goes_back_to_its_drafter_with_the_reason(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(who["handler"])
    reason = {"reason": "请补充参训范围。"}
    assert code_of(await who["reviewer"].post(f"{path}/return", json=reason)) == (404, "not_found")
    await who["handler"].post(f"{path}/submit")
    assert (await who["reviewer"].post(f"{path}/return", json={})).status_code == 422
    marked = await who["reviewer"].post(f"{path}/return", json={"reason": "机密★1年"})
    assert code_of(marked) == (400, "classified_document_refused")
    returned = await who["reviewer"].post(f"{path}/return", json=reason)
    assert (returned.json()["status"], returned.json()["returned_reason"]) == ("draft", reason["reason"])
    await who["handler"].post(f"{path}/submit")
    await who["reviewer"].post(f"{path}/approve")
    assert code_of(await who["reviewer"].post(f"{path}/return", json=reason)) == (403, "permission_required")
    assert (await who["approver"].post(f"{path}/return", json=reason)).status_code == 200
    steps = [step for step, _, _ in await history(who["handler"], path)]
    assert steps == ["drafted", "submitted", "returned", "submitted", "approved", "returned"]


async def test_a_submitted_notice_can_be_recalled_until_it_is_reviewed(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(who["handler"])
    assert code_of(await who["handler"].post(f"{path}/recall")) == (409, "notice_not_in_review")
    await who["handler"].post(f"{path}/submit")
    assert (await who["handler"].post(f"{path}/recall")).json()["status"] == "draft"
    await who["handler"].post(f"{path}/submit")
    await who["reviewer"].post(f"{path}/approve")
    assert code_of(await who["handler"].post(f"{path}/recall")) == (409, "notice_not_in_review")


async def test_a_notice_is_published_when_its_time_has_come(
    office: RunningOffice, clock: FrozenClock
) -> None:
    await office.numbered("100000")
    client, calendar = office.unit("100000"), the_calendar(office)
    path = await drafted(client)
    for wrong in ("2023-04-27T08:00:00+08:00", "2023-08-01T09:00:00+08:00"):
        refused = await client.post(f"{path}/publish", json={"publish_at": wrong})
        assert code_of(refused) == (400, "publishing_time_out_of_range")
    issued = await client.post(f"{path}/publish", json={"publish_at": "2023-04-28T09:00:00+08:00"})
    assert (issued.json()["status"], issued.json()["delivered_to"]) == ("issued", None)
    assert issued.json()["document_number"] == "教助中心〔2023〕1号"
    await calendar.publish()
    assert code_of(await office.unit("370000").get(path)) == (404, "not_found")
    clock.advance(timedelta(days=1))
    await calendar.publish()
    received = (await office.unit("370000").get(path)).json()
    assert (received["published_at"], received["deadline"]) == (
        "2023-04-28T01:00:00Z",
        "2023-05-09T15:59:59Z",
    )
    await calendar.publish()
    assert [step for step, _, _ in await history(client, path)] == ["drafted", "issued", "published"]


async def test_a_due_notice_is_published_once_by_many_workers(
    office: RunningOffice, clock: FrozenClock
) -> None:
    await office.numbered("100000")
    client = office.unit("100000")
    paths = [await drafted(client) for _ in range(6)]
    for path in paths:
        await client.post(f"{path}/publish", json={"publish_at": "2023-04-28T09:00:00+08:00"})
    clock.advance(timedelta(days=1))
    await asyncio.gather(*(the_calendar(office).publish() for _ in range(4)))
    for path in paths:
        steps = [step for step, _, _ in await history(client, path)]
        assert steps == ["drafted", "issued", "published"]


async def test_a_deadline_is_seen_before_it_is_given(office: RunningOffice, clock: FrozenClock) -> None:
    client = office.unit("100000")

    async def due(**given: str) -> object:
        answer = await client.get(f"{N}/deadline-preview", params=given)
        return answer.json()["deadline"] if answer.is_success else code_of(answer)

    # Saturday 6 May 2023 is a workday in place of one of the holidays.
    assert await due(workdays="5") == "2023-05-08T15:59:59Z"
    assert await due(urgency="urgent") == "2023-04-28T15:59:59Z"
    assert await due(urgency="extra_urgent") == "2023-04-27T05:00:00Z"
    assert await due(publish_at="2023-05-04T09:00:00+08:00") == "2023-05-06T15:59:59Z"
    assert await due(publish_at="2023-04-26T09:00:00+08:00") == (400, "publishing_time_out_of_range")
    clock.advance(datetime(2030, 6, 3, 1, tzinfo=UTC) - clock.now())
    assert await due() == (409, "workdays_not_published")


async def test_an_announcement_needs_no_published_workdays(office: RunningOffice, clock: FrozenClock) -> None:
    clock.advance(datetime(2030, 6, 3, 1, tzinfo=UTC) - clock.now())
    await office.numbered("100000")
    client = office.unit("100000")
    path = await drafted(client, kind="announcement", deadline_workdays=None)
    assert (await client.post(f"{path}/publish")).status_code == 200
    other = await drafted(client, deadline_workdays=None)
    assert code_of(await client.post(f"{other}/publish")) == (409, "workdays_not_published")


async def test_a_waiting_notice_can_be_published_at_once_or_withdrawn(office: RunningOffice) -> None:
    await office.numbered("100000")
    client = office.unit("100000")
    later = {"publish_at": "2023-04-28T09:00:00+08:00"}
    first, second = await drafted(client), await drafted(client)
    for path in (first, second):
        assert (await client.post(f"{path}/publish", json=later)).json()["status"] == "issued"
    assert (await client.post(f"{first}/publish")).json()["delivered_to"] == 2
    gone = await client.post(f"{second}/withdraw", json={"reason": "不再需要"})
    assert (gone.json()["status"], gone.json()["document_number"]) == ("withdrawn", "教助中心〔2023〕2号")
    office.clock.advance(timedelta(days=2))
    await the_calendar(office).publish()
    assert code_of(await office.unit("370000").get(second)) == (404, "not_found")
    assert code_of(await client.post(f"{second}/publish")) == (409, "notice_already_issued")


async def test_a_notice_that_cannot_be_published_in_time_waits_for_its_issuer(
    office: RunningOffice, clock: FrozenClock
) -> None:
    await office.numbered("370102")
    client = office.unit("370102")
    path = await drafted(client)
    later = {"publish_at": "2023-04-28T09:00:00+08:00"}
    assert (await client.post(f"{path}/publish", json=later)).status_code == 200
    for school in ("S3701020001", "S3701020002"):
        await office.close(school)
    clock.advance(timedelta(days=1))
    await the_calendar(office).publish()
    waiting = (await client.get(own(path))).json()
    assert (waiting["status"], waiting["publish_at"]) == ("issued", None)
    step, name, note = (await history(client, path))[-1]
    assert (step, name) == ("postponed", None)
    assert note is not None
    await office.open("S3701020009", "370102")
    assert (await client.post(f"{path}/publish")).json()["delivered_to"] == 1


async def test_a_newer_notice_replaces_an_older_one(office: RunningOffice) -> None:
    older = await office.published()
    client = office.unit("100000")
    assert (await office.unit("370000").post(f"{N}/{older}/sign")).status_code == 201
    newer = await drafted(client, supersedes_id=older)
    assert (await client.get(f"{N}/outbox/{older}")).json()["status"] == "published"
    assert (await client.post(f"{newer}/publish")).status_code == 200
    replaced = (await office.unit("370000").get(f"{N}/{older}")).json()
    assert (replaced["status"], replaced["superseded_by_id"]) == ("superseded", newer.rpartition("/")[2])
    for act, body in (("sign", None), ("forward", {})):
        refused = await office.unit("320000").post(f"{N}/{older}/{act}", json=body)
        assert code_of(refused) == (409, "notice_superseded")
    again = await client.post(N, json=a_draft(supersedes_id=older))
    assert code_of(again) == (409, "notice_not_replaceable")
    foreign = await office.unit("370000").post(N, json=a_draft(supersedes_id=newer.rpartition("/")[2]))
    assert code_of(foreign) == (409, "notice_not_replaceable")
    replaced_events = await office.sent(NoticeSupersededV1)
    assert [str(event.notice_id) for event in replaced_events] == [older]


async def test_a_notice_cannot_replace_one_that_was_withdrawn_meanwhile(office: RunningOffice) -> None:
    older = await office.published()
    newer = await drafted(office.unit("100000"), supersedes_id=older)
    await office.withdrawn(older)
    assert code_of(await office.unit("100000").post(f"{newer}/publish")) == (409, "notice_not_replaceable")
    assert (await office.unit("100000").get(own(newer))).json()["document_number"] is None


async def test_an_archived_notice_is_read_only(office: RunningOffice) -> None:
    notice = await office.published()
    handler = await office.unit("100000", "handler").post(f"{N}/{notice}/archive")
    assert code_of(handler) == (403, "permission_required")
    archived = await office.unit("100000").post(f"{N}/{notice}/archive")
    assert (archived.json()["status"], archived.json()["archived_at"]) == ("archived", "2023-04-27T01:00:00Z")
    assert (await office.unit("370000").get(f"{N}/{notice}")).json()["status"] == "archived"
    for act, body in (("sign", None), ("forward", {})):
        refused = await office.unit("370000").post(f"{N}/{notice}/{act}", json=body)
        assert code_of(refused) == (409, "notice_archived")
    for act in ("archive", "withdraw"):
        refused = await office.unit("100000").post(f"{N}/{notice}/{act}", json={"reason": "误发"})
        assert code_of(refused) == (409, "notice_archived")


async def test_notices_are_archived_after_their_term(office: RunningOffice, clock: FrozenClock) -> None:
    old, withdrawn = await office.published(), await office.published()
    await office.withdrawn(withdrawn)
    clock.advance(timedelta(days=366))
    recent = await office.published()
    await the_calendar(office).archive()
    await the_calendar(office).archive()
    client = office.unit("100000")
    statuses = [(await client.get(f"{N}/outbox/{one}")).json()["status"] for one in (old, withdrawn, recent)]
    assert statuses == ["archived", "withdrawn", "published"]
    events = await office.sent(NoticeArchivedV1)
    assert [(str(event.notice_id), event.archived_by) for event in events] == [(old, None)]


@pytest.mark.parametrize("reason", ["机密★1年", "秘密"])
async def test_a_reason_bears_no_mark(office: RunningOffice, reason: str) -> None:
    notice = await office.published()
    refused = await office.unit("100000").post(f"{N}/{notice}/withdraw", json={"reason": reason})
    assert code_of(refused) == (400, "classified_document_refused")


async def test_recipients_see_why_a_notice_was_withdrawn(office: RunningOffice) -> None:
    notice = await office.published()
    await office.withdrawn(notice)
    events = await office.sent(NoticeWithdrawnV1)
    assert [event.reason for event in events] == ["内容有误"]
    seen = (await office.unit("370000").get(f"{N}/{notice}")).json()
    assert (seen["status"], seen["reason"]) == ("withdrawn", "内容有误")


async def tasks_of(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    items = (await client.get("/api/v1/tasks")).json()["items"]
    return [(task["kind"], task["title"]) for task in items]


async def test_each_step_asks_who_comes_next(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(who["handler"], title="甲", urgency="urgent")
    await who["handler"].post(f"{path}/submit")
    assert await tasks_of(who["reviewer"]) == [("review", "审核《甲》")]
    assert await tasks_of(who["approver"]) == [("review", "审核《甲》")]
    await who["handler"].post(f"{path}/recall")
    assert await tasks_of(who["reviewer"]) == await tasks_of(who["approver"]) == []
    await who["handler"].post(f"{path}/submit")
    await who["reviewer"].post(f"{path}/return", json={"reason": "请修改"})
    assert await tasks_of(who["reviewer"]) == []
    assert await tasks_of(who["handler"]) == [("return", "修改被退回的《甲》")]
    await who["handler"].post(f"{path}/submit")
    assert await tasks_of(who["handler"]) == []
    await who["reviewer"].post(f"{path}/approve")
    assert await tasks_of(who["approver"]) == [("issue", "签发《甲》")]
    await who["approver"].post(f"{path}/publish")
    for client in who.values():
        assert await tasks_of(client) == []


async def test_a_deleted_draft_leaves_no_task(office: RunningOffice) -> None:
    await staffed(office)
    who = acting(office)
    path = await drafted(who["handler"])
    await who["handler"].post(f"{path}/submit")
    await who["reviewer"].post(f"{path}/return", json={"reason": "请修改"})
    assert (await who["handler"].delete(path)).status_code == 204
    assert await tasks_of(who["handler"]) == []


async def test_tasks_of_recipients_end_with_the_notice(office: RunningOffice) -> None:
    notice = await office.published()
    owner = str(uuid.uuid4())
    await office.insert_people([("370000", uuid.UUID(owner))])
    assigned = await office.unit("370000").post(f"{N}/{notice}/assignments", json={"owner": owner})
    assert assigned.status_code in {200, 201}, assigned.text
    client = office.unit("370000", "handler", sub=owner)
    assert sorted(kind for kind, _ in await tasks_of(client)) == ["handle", "sign"]
    await office.withdrawn(notice)
    async for _ in moments():
        if not await tasks_of(client):
            break
    else:
        raise AssertionError("the task is still open")


def the_calendar(office: RunningOffice) -> Calendar:
    return Calendar(office.database, office.clock, timedelta(days=365))
