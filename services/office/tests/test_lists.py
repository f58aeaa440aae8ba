"""Every list of Office is read page by page without loss, in its orders, filtered and counted, and refuses
what it does not know.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import httpx
from pydantic import JsonValue
from sqlalchemy import select

from contracts.documents import ExportAction, NoticeKind, ReturnStatus
from contracts.vocabulary import ExportStatus, ReminderReason
from office.answers.models import Answer
from office.dispatches.models import Forwarding
from office.exports.models import Export, ExportEvent
from office.files.models import Download
from office.help.models import Article
from office.reminders.models import Reminder, ReminderRun
from office.returns.models import Return
from office.templates.models import NoticeTemplate
from onebox.lists import lists
from servicekit.ids import id_at
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.support.tasks import a_person, acting
from testkit.lists import check_filters, check_list, check_order, made

CITY, COUNTY, SISTER = "370100", "370102", "370103"
ROLES = ("handler", "unit_admin", "approver")

ORDERS = {
    ("listInbox", "delivered"): ("delivered_at", True),
    ("listInbox", "deadline"): ("deadline", False),
    ("listOutbox", "created"): ("created_at", True),
    ("listOutbox", "updated"): ("updated_at", True),
    ("listTasks", "newest"): ("opened_at", True),
    ("listReceivedReminders", "newest"): ("at", True),
    ("listReceivedReminders", "oldest"): ("at", False),
    ("listTasks", "deadline"): ("deadline", False),
}
"""The field of an order, and whether the latest is first."""

FIELDS = {
    "listOutbox": {"drafted_by": "created_by"},
    "searchContacts": {"unit_id": "at or below"},
}
"""The fields of filters with another name; what is none of them is not compared."""

FILTERED = {
    "listArticles": {"category"},
    "listDocumentNumbers": {"voided"},
    "listExportLog": {"action", "by"},
    "listExports": {"status"},
    "listFileDownloads": {"file_id", "by"},
    "listInbox": {"status", "kind", "urgency", "signed", "read", "overdue"},
    "listOutbox": {"status", "kind", "urgency", "drafted_by"},
    "listReceivedReminders": {"reason"},
    "listReturns": {"status", "notice_id"},
    "listTasks": {"urgency"},
    "listTemplates": {"kind", "own"},
}
"""Filters of which the list has at least two values."""


async def fill(office: RunningOffice, sub: UUID, other: UUID) -> str:
    """Put rows into every list of the city and the county; return a notice to which units have answered."""
    city, county, sister = (office.world.units[code]["id"] for code in (CITY, COUNTY, SISTER))
    await office.numbered(CITY)
    notices = []
    drafts: list[dict[str, JsonValue]] = [
        {},
        {"urgency": "urgent", "deadline_workdays": 2},
        {"kind": "circular", "deadline_workdays": 9},
        {"deadline_workdays": 3},
    ]
    for number, changes in enumerate(drafts):
        client = acting(office, other if number else sub, CITY, *ROLES)
        drafted = await client.post("/api/v1/notices", json=a_draft(title=f"第{number}份通知", **changes))
        assert drafted.status_code == 201, drafted.text
        notices.append(str(drafted.json()["id"]))
        office.clock.advance(timedelta(minutes=1))
        published = await client.post(f"/api/v1/notices/{notices[-1]}/publish")
        assert published.status_code == 200, published.text
    draft = await acting(office, other, CITY).post("/api/v1/notices", json=a_draft())
    assert draft.status_code == 201, draft.text
    await office.withdrawn(notices[3], CITY)
    await acting(office, sub, COUNTY, *ROLES).post(f"/api/v1/notices/{notices[0]}/sign")
    await acting(office, sub, COUNTY, *ROLES).post(f"/api/v1/notices/{notices[0]}/read")
    await office.ask(notices[1])
    ids, now = [UUID(one) for one in notices], office.clock.now()
    usual: dict[str, object] = {
        "by": sub,
        "created_by": sub,
        "unit_id": city,
        "updated_at": now,
        "submitted_at": now,
        "submitted_by": sub,
        "returned_by": other,
        "owner_id": city,
    }
    async with office.database.transaction() as session:
        forwarding = (await session.scalars(select(Forwarding).where(Forwarding.notice_id == ids[1]))).first()
        assert forwarding is not None
        for number in range(3):
            at = now + timedelta(minutes=number)
            late = number == 2
            ended = ReturnStatus.CANCELLED if late else ReturnStatus.OPEN
            session.add_all(
                [
                    made(Article, now, usual, category=("通知", "待办", "待办")[number], words=[]),
                    made(
                        NoticeTemplate,
                        now,
                        usual,
                        unit_id=office.world.units["100000"]["id"] if late else city,
                        kind=NoticeKind.CIRCULAR if late else NoticeKind.NOTICE,
                        offered=late,
                        words=[],
                    ),
                    made(
                        Return,
                        now,
                        usual,
                        notice_id=ids[number],
                        unit_id=sister,
                        to_unit_id=city,
                        status=ended,
                        decided_by=sub if late else None,
                        decided_at=now if late else None,
                    ),
                    made(
                        Export,
                        now,
                        usual,
                        status=ExportStatus.DONE if late else ExportStatus.FAILED,
                        finished_at=now,
                    ),
                    made(
                        ExportEvent,
                        now,
                        usual,
                        action=ExportAction.FETCHED if late else ExportAction.ASKED,
                        by=other if number == 1 else sub,
                    ),
                    made(
                        Download,
                        now,
                        usual,
                        id=id_at(at),
                        file_id=ids[min(number, 1)],
                        by=other if late else sub,
                    ),
                    made(
                        ReminderRun,
                        now,
                        usual,
                        notice_id=ids[1],
                        requested_by=sub,
                        requested_unit_id=city,
                        finished_at=now,
                    ),
                    made(
                        Reminder,
                        now,
                        usual,
                        notice_id=ids[max(number, 1)],
                        unit_id=county,
                        at=at,
                        reason=ReminderReason.BLOCKING if late else ReminderReason.UNSIGNED,
                    ),
                ]
            )
        for code in (COUNTY, SISTER):
            unit = office.world.units[code]
            session.add(
                made(
                    Answer,
                    now,
                    usual,
                    notice_id=ids[1],
                    unit_id=unit["id"],
                    path=unit["path"],
                    status="submitted",
                    values={"n": "1"},
                )
            )
    return notices[1]


async def test_every_list_pages_sorts_filters_counts_names_and_refuses(office: RunningOffice) -> None:
    sub = await a_person(office, CITY, COUNTY, name="张小明")
    other = await a_person(office, CITY, COUNTY, name="张小红")
    await office.index()
    notice = await fill(office, sub, other)
    city, county = (acting(office, sub, code, *ROLES) for code in (CITY, COUNTY))
    clients = dict.fromkeys(("listInbox", "listReceivedReminders", "listTasks"), county)
    # After the deadline of one of the notices.
    office.clock.advance(timedelta(days=9))
    for code in ("370104", "370105"):
        await office.open(code, CITY)
    asked = {"searchContacts": {"q": "张小"}}
    checked = [one for one in lists({"office": office.app.openapi()}) if one.paged]
    assert len(checked) >= 18
    filtered: dict[str, set[str]] = {}
    for one in checked:
        client, words = clients.get(one.id, city), asked.get(one.id, {})
        path = one.path.format(unit_id=office.world.id(CITY), notice_id=notice)

        async def call(
            parameters: Mapping[str, str],
            client: httpx.AsyncClient = client,
            path: str = path,
            words: Mapping[str, str] = words,
        ) -> httpx.Response:
            return await client.get(path, params={**words, **parameters})

        await check_list(one, call)
        for sort in one.sorts:
            if (one.id, sort) in ORDERS:
                field, latest_first = ORDERS[one.id, sort]
                await check_order(one, call, sort, field, latest_first=latest_first)
        found = await check_filters(one, call, FIELDS.get(one.id))
        if found:
            filtered[one.id] = found
    assert filtered == FILTERED
