"""What happens to a notice, over HTTP."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy import func, select

from contracts import EventModel
from contracts.office import NoticeForwardedV1, NoticePublishedV1, NoticeSignedV1, NoticeWithdrawnV1
from office.dispatches.models import Forwarding
from office.receipts.models import Signature
from services.office.tests.support.running_office import RunningOffice, a_draft
from testkit.clock import FrozenClock

N = "/api/v1/notices"


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["code"]


async def drafted(office: RunningOffice, code: str = "100000", **changes: JsonValue) -> str:
    await office.numbered(code)
    response = await office.unit(code, "handler").post(N, json=a_draft(**changes))
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def test_a_handler_drafts_and_an_approver_publishes(office: RunningOffice) -> None:
    notice = await drafted(office)
    published = await office.unit("100000", "approver").post(f"{N}/{notice}/publish")
    assert published.status_code == 200
    body = published.json()
    assert (body["status"], body["delivered_to"]) == ("published", 2)
    assert body["deadline"] == "2023-05-08T15:59:59Z"


async def test_publishing_writes_one_forwarding_and_one_event_whatever_the_size(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    async with office.database.transaction() as session:
        rows = (await session.scalars(select(Forwarding))).all()
    assert [str(row.notice_id) for row in rows] == [notice]


async def test_a_draft_is_seen_by_its_own_unit_only(office: RunningOffice) -> None:
    notice = await drafted(office)
    assert (await office.unit("100000", "handler").get(f"{N}/{notice}")).status_code == 200
    assert code_of(await office.unit("100000", "reviewer").get(f"{N}/{notice}")) == (404, "not_found")
    for below in ("370000", "370100"):
        assert code_of(await office.unit(below).get(f"{N}/{notice}")) == (404, "not_found")
        assert code_of(await office.unit(below).post(f"{N}/{notice}/sign")) == (404, "not_found")


async def test_a_notice_reaches_a_unit_only_when_its_parent_has_forwarded_it(office: RunningOffice) -> None:
    notice = await office.published()
    assert (await office.unit("370000").get(f"{N}/{notice}")).status_code == 200
    for path in ("", "/coverage"):
        assert code_of(await office.unit("370100").get(f"{N}/{notice}{path}")) == (404, "not_found")
    for act in ("sign", "read"):
        assert code_of(await office.unit("370100").post(f"{N}/{notice}/{act}")) == (404, "not_found")
    assert code_of(await office.unit("370100").post(f"{N}/{notice}/forward", json={})) == (
        404,
        "not_found",
    )
    assert (await office.unit("370100").get(f"{N}/inbox")).json()["items"] == []

    await office.forwarded(notice, "370000")
    assert (await office.unit("370100").get(f"{N}/{notice}")).status_code == 200
    assert code_of(await office.unit("320100").get(f"{N}/{notice}")) == (404, "not_found")
    assert code_of(await office.unit("370102").get(f"{N}/{notice}")) == (404, "not_found")


async def test_forwarding_says_how_many_units_it_reached_and_happens_once(office: RunningOffice) -> None:
    notice = await office.published()
    first = await office.unit("370000").post(f"{N}/{notice}/forward", json={"cover_text": "请遵照执行。"})
    assert (first.status_code, first.json()["delivered_to"]) == (201, 2)
    assert code_of(await office.unit("370000").post(f"{N}/{notice}/forward", json={})) == (
        409,
        "already_forwarded",
    )
    assert code_of(await office.unit("100000").post(f"{N}/{notice}/forward", json={})) == (
        409,
        "already_forwarded",
    )


async def test_a_receiver_sees_the_words_of_every_level_above(office: RunningOffice) -> None:
    notice = await office.published()
    for code, words in (("370000", "省里的话"), ("370100", "市里的话\n两行")):
        await office.unit(code).post(f"{N}/{notice}/forward", json={"cover_text": words})
    delivery = (await office.unit("370102").get(f"{N}/{notice}")).json()["delivery"]
    assert delivery["sender"] == office.world.ref("370100")
    assert [(cover["unit"]["code"], cover["cover_text"]) for cover in delivery["covers"]] == [
        ("370000", "省里的话"),
        ("370100", "市里的话\n两行"),
    ]


async def test_a_forwarding_may_shorten_the_deadline_but_not_lengthen_it(office: RunningOffice) -> None:
    notice = await office.published()
    province = office.unit("370000")
    late = await province.post(f"{N}/{notice}/forward", json={"deadline": "2023-05-09T00:00:00+08:00"})
    assert code_of(late) == (409, "deadline_after_parents")
    past = await province.post(f"{N}/{notice}/forward", json={"deadline": "2023-04-26T00:00:00+08:00"})
    assert code_of(past) == (400, "deadline_out_of_range")
    shorter = await province.post(f"{N}/{notice}/forward", json={"deadline": "2023-05-06T17:30:00+08:00"})
    assert shorter.status_code == 201
    city = await office.unit("370100").post(f"{N}/{notice}/forward", json={})
    assert city.json()["deadline"] == "2023-05-06T09:30:00Z"


async def test_a_late_forwarding_keeps_the_deadline_that_has_passed(
    office: RunningOffice, clock: FrozenClock
) -> None:
    notice = await office.published()
    clock.advance(timedelta(days=30))
    late = await office.unit("370000").post(f"{N}/{notice}/forward", json={})
    assert (late.status_code, late.json()["deadline"]) == (201, "2023-05-08T15:59:59Z")


async def test_a_unit_with_nothing_below_neither_drafts_nor_forwards(office: RunningOffice) -> None:
    assert code_of(await office.unit("S3701020002").post(N, json=a_draft())) == (409, "nothing_below")
    notice = await office.published("370102")
    refused = await office.unit("S3701020002").post(f"{N}/{notice}/forward", json={})
    assert code_of(refused) == (409, "nothing_below")


async def test_a_county_may_publish_to_its_schools(office: RunningOffice) -> None:
    notice = await office.published("370102")
    assert (await office.unit("S3701020001").get(f"{N}/{notice}")).status_code == 200
    for other in ("S3701030001", "370100", "100000"):
        assert code_of(await office.unit(other).get(f"{N}/{notice}")) == (404, "not_found")


async def test_signing_twice_answers_the_first_fact(office: RunningOffice, clock: FrozenClock) -> None:
    notice = await office.published()
    first = await office.unit("370000", "handler").post(f"{N}/{notice}/sign")
    clock.advance(timedelta(hours=1))
    second = await office.unit("370000", "unit_admin").post(f"{N}/{notice}/sign")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


async def test_two_people_signing_at_once_make_one_signature_and_one_event(office: RunningOffice) -> None:
    notice = await office.published()
    answers = await asyncio.gather(*(office.unit("370000").post(f"{N}/{notice}/sign") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    async with office.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Signature)) == 1
    assert len(await office.sent(NoticeSignedV1)) == 1


async def test_two_forwardings_at_once_make_one(office: RunningOffice) -> None:
    notice = await office.published()
    answers = await asyncio.gather(
        *(office.unit("370000").post(f"{N}/{notice}/forward", json={}) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_the_publisher_does_not_sign_its_own_notice(office: RunningOffice) -> None:
    notice = await office.published()
    assert code_of(await office.unit("100000").post(f"{N}/{notice}/sign")) == (409, "own_notice")


async def test_reading_is_a_persons_and_signing_a_units(office: RunningOffice, clock: FrozenClock) -> None:
    notice = await office.published()
    reader, other = str(uuid.uuid4()), str(uuid.uuid4())
    # Fetching is not reading: browsers and front ends fetch ahead.
    seen = (await office.unit("370000", "reviewer", sub=reader).get(f"{N}/{notice}")).json()
    assert (seen["read_at"], seen["signature"]) == (None, None)
    first = await office.unit("370000", "reviewer", sub=reader).post(f"{N}/{notice}/read")
    assert first.json()["read_at"] == "2023-04-27T01:00:00Z"
    clock.advance(timedelta(hours=2))
    again = await office.unit("370000", sub=reader).post(f"{N}/{notice}/read")
    assert again.json()["read_at"] == "2023-04-27T01:00:00Z"
    line = (await office.unit("370000", sub=other).get(f"{N}/inbox")).json()["items"][0]
    assert (line["read_at"], line["signed"]) == (None, False)
    await office.unit("370000", sub=other).post(f"{N}/{notice}/sign")
    line = (await office.unit("370000", sub=other).get(f"{N}/inbox")).json()["items"][0]
    assert (line["read_at"], line["signed"], line["forwarded"]) == (None, True, False)


async def test_a_withdrawn_notice_leaves_a_tombstone(office: RunningOffice) -> None:
    notice = await office.published()
    reason = {"reason": "时间调整"}
    refused = await office.unit("370000").post(f"{N}/{notice}/withdraw", json=reason)
    assert code_of(refused) == (403, "permission_required")
    handler = office.unit("100000", "handler")
    assert code_of(await handler.post(f"{N}/{notice}/withdraw", json=reason)) == (403, "permission_required")
    assert (await office.unit("100000").post(f"{N}/{notice}/withdraw", json={})).status_code == 422
    withdrawn = await office.unit("100000", "approver").post(f"{N}/{notice}/withdraw", json=reason)
    assert withdrawn.json()["status"] == "withdrawn"
    assert (await office.unit("370000").get(f"{N}/{notice}")).json() == {
        "id": notice,
        "status": "withdrawn",
        "title": a_draft()["title"],
        "withdrawn_at": "2023-04-27T01:00:00Z",
        "reason": "时间调整",
    }
    lines = (await office.unit("370000").get(f"{N}/inbox")).json()["items"]
    assert [(line["status"], line["cover_text"]) for line in lines] == [("withdrawn", None)]
    assert code_of(await office.unit("370000").get(f"{N}/{notice}/coverage")) == (404, "not_found")
    for act in ("sign", "read"):
        assert code_of(await office.unit("370000").post(f"{N}/{notice}/{act}")) == (
            409,
            "notice_withdrawn",
        )
    refused = await office.unit("370000").post(f"{N}/{notice}/forward", json={})
    assert code_of(refused) == (409, "notice_withdrawn")
    assert code_of(await office.unit("370100").get(f"{N}/{notice}")) == (404, "not_found")
    mine = (await office.unit("100000").get(f"{N}/{notice}")).json()
    assert (mine["title"], mine["status"]) == (a_draft()["title"], "withdrawn")


async def test_a_draft_is_edited_by_who_has_seen_its_version(office: RunningOffice) -> None:
    await office.numbered("100000")
    created = await office.unit("100000", "handler").post(N, json=a_draft())
    path, editor = f"{N}/{created.json()['id']}", office.unit("100000", "handler")
    assert created.headers["etag"] == '"1"'
    assert code_of(await editor.put(path, json=a_draft())) == (428, "precondition_required")
    first = await editor.put(path, json=a_draft(title="新标题"), headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    second = await editor.put(path, json=a_draft(title="别人的标题"), headers={"If-Match": '"1"'})
    assert code_of(second) == (412, "version_changed")
    stale = await office.unit("100000").post(f"{path}/publish", headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "version_changed")
    assert (await editor.get(path)).json()["title"] == "新标题"
    assert (await office.unit("100000").post(f"{path}/publish")).status_code == 200
    late = await editor.put(path, json=a_draft(), headers={"If-Match": "*"})
    assert code_of(late) == (409, "notice_not_draft")


async def test_a_receiver_cannot_edit_or_publish_what_it_received(office: RunningOffice) -> None:
    notice = await office.published()
    refused = await office.unit("370000").put(f"{N}/{notice}", json=a_draft(), headers={"If-Match": '"2"'})
    assert code_of(refused) == (403, "permission_required")
    assert code_of(await office.unit("370000").post(f"{N}/{notice}/publish")) == (403, "permission_required")
    assert code_of(await office.unit("320100").post(f"{N}/{notice}/publish")) == (404, "not_found")


async def test_an_explicit_deadline_must_still_lie_ahead_when_published(
    office: RunningOffice, clock: FrozenClock
) -> None:
    notice = await drafted(office, deadline="2023-04-28T09:00:00+08:00", deadline_workdays=None)
    clock.advance(timedelta(days=2))
    assert code_of(await office.unit("100000").post(f"{N}/{notice}/publish")) == (
        400,
        "deadline_out_of_range",
    )


async def test_a_deadline_in_a_year_without_calendar_asks_for_an_explicit_one(
    office: RunningOffice, clock: FrozenClock
) -> None:
    clock.advance(datetime(2030, 6, 3, 1, tzinfo=UTC) - clock.now())
    notice = await drafted(office)
    refused = await office.unit("100000").post(f"{N}/{notice}/publish")
    assert code_of(refused) == (409, "workdays_not_published")
    assert "2030" in refused.json()["detail"]
    explicit = a_draft(deadline="2030-06-10T18:00:00+08:00", deadline_workdays=None)
    await office.unit("100000").put(f"{N}/{notice}", json=explicit, headers={"If-Match": '"1"'})
    published = await office.unit("100000").post(f"{N}/{notice}/publish")
    assert published.json()["deadline"] == "2030-06-10T10:00:00Z"


async def test_the_inbox_is_paged_latest_delivery_first(office: RunningOffice, clock: FrozenClock) -> None:
    notices = []
    for number in range(1, 6):
        notices.append(await office.published())
        clock.advance(timedelta(minutes=number % 2))
    unit = office.unit("370000")
    await unit.post(f"{N}/{notices[0]}/sign")
    assert await walk(unit, f"{N}/inbox", limit=2) == notices[::-1]
    assert await walk(unit, f"{N}/inbox", signed="false") == notices[:0:-1]
    assert await walk(unit, f"{N}/inbox", signed="true") == notices[:1]


async def test_the_outbox_lists_the_units_own_notices(office: RunningOffice) -> None:
    published = await office.published()
    draft = await drafted(office)
    await office.published("370000")
    unit = office.unit("100000")
    assert await walk(unit, f"{N}/outbox", limit=1) == [draft, published]
    assert await walk(unit, f"{N}/outbox", status="draft") == [draft]


async def test_the_same_key_writes_once(office: RunningOffice) -> None:
    person = str(uuid.uuid4())
    key = {"Idempotency-Key": "key-of-a-retry"}

    async def twice(code: str, path: str, json: JsonValue = None) -> dict[str, JsonValue]:
        first, second = [
            await office.unit(code, sub=person).post(path, json=json, headers=key) for _ in range(2)
        ]
        assert first.json() == second.json()
        assert first.status_code == second.status_code
        assert second.headers["idempotency-replayed"] == "true"
        answer: dict[str, JsonValue] = first.json()
        return answer

    await office.numbered("100000")
    notice = (await twice("100000", N, a_draft()))["id"]
    await twice("100000", f"{N}/{notice}/publish")
    await twice("370000", f"{N}/{notice}/forward", {"cover_text": "一"})
    await twice("370000", f"{N}/{notice}/sign")
    other = await office.unit("100000", sub=person).post(N, json=a_draft(title="别的"), headers=key)
    assert code_of(other) == (409, "idempotency_key_reused")


async def test_a_refused_request_leaves_its_key_free(office: RunningOffice) -> None:
    author = office.unit("100000", sub=str(uuid.uuid4()))
    key = {"Idempotency-Key": "key-of-a-retry"}
    assert (await author.post(N, json=a_draft(unknown=1), headers=key)).status_code == 422
    refused = await author.post(N, json=a_draft(secrecy="机密"), headers=key)
    assert code_of(refused) == (400, "classified_document_refused")
    assert (await author.post(N, json=a_draft(), headers=key)).status_code == 201


async def test_every_step_leaves_an_event_in_the_same_transaction(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    await office.unit("370000").post(f"{N}/{notice}/sign")
    unit = uuid.UUID(office.world.id("370000"))
    events = await office.sent(EventModel)
    kinds = [type(event) for event in events]
    assert kinds == [NoticePublishedV1, NoticeForwardedV1, NoticeSignedV1]
    published, forwarded, signed = events
    assert isinstance(published, NoticePublishedV1)
    assert isinstance(forwarded, NoticeForwardedV1)
    assert isinstance(signed, NoticeSignedV1)
    assert published.document_number == "教助中心〔2023〕1号"
    assert published.deadline == datetime(2023, 5, 8, 15, 59, 59, tzinfo=UTC)
    assert (forwarded.unit_id, forwarded.unit_path) == (unit, "100000.370000")
    assert (signed.unit_id, str(signed.notice_id)) == (unit, notice)


async def test_withdrawing_leaves_an_event_in_the_same_transaction(
    office: RunningOffice, clock: FrozenClock
) -> None:
    notice = await office.published()
    clock.advance(timedelta(hours=1))
    await office.withdrawn(notice)
    again = await office.unit("100000").post(f"{N}/{notice}/withdraw", json={"reason": "再次"})
    assert code_of(again) == (409, "notice_withdrawn")
    withdrawn = await office.sent(NoticeWithdrawnV1)
    assert [(str(event.notice_id), event.withdrawn_at) for event in withdrawn] == [(notice, clock.now())]
    assert withdrawn[0].publisher_unit_id == office.world.units["100000"]["id"]


@pytest.mark.parametrize("field", ["body", "title", "attachments"])
async def test_a_classified_document_is_refused_wherever_it_is_marked(
    office: RunningOffice, field: str
) -> None:
    marked: dict[str, dict[str, JsonValue]] = {
        "body": {"body": "<p>正文</p><p>机<b>密</b>☆1年</p>"},
        "title": {"title": "绝密★关于培训的通知"},
        "attachments": {"attachments": [{"name": "名单（秘密★3年）"}]},
    }
    refused = await office.unit("100000").post(N, json=a_draft(**marked[field]))
    assert code_of(refused) == (400, "classified_document_refused")


@pytest.mark.parametrize("secrecy", ["秘密", "机密", "绝密", "机密★1年"])
async def test_a_classified_document_is_refused_by_its_field(office: RunningOffice, secrecy: str) -> None:
    refused = await office.unit("100000").post(N, json=a_draft(secrecy=secrecy))
    assert code_of(refused) == (400, "classified_document_refused")


async def test_a_classified_cover_text_is_refused(office: RunningOffice) -> None:
    notice = await office.published()
    refused = await office.unit("370000").post(f"{N}/{notice}/forward", json={"cover_text": "秘密★1年"})
    assert code_of(refused) == (400, "classified_document_refused")


async def walk(client: httpx.AsyncClient, path: str, **params: str | int) -> list[str]:
    """The ids of every page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = params | ({} if cursor is None else {"cursor": cursor})
        response = await client.get(path, params=query)
        assert response.status_code == 200, response.text
        found += [item["id"] for item in response.json()["items"]]
        cursor = response.json()["next"]
        if cursor is None:
            return found
