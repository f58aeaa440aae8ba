"""Reminders: who gets them, once, by hand and by the schedule."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contracts.office import ReminderRequestedV1
from office.reminders.jobs import Reminding
from office.reminders.rules import due, due_at
from services.office.tests.support.running_office import RunningOffice
from testkit.waiting import moments
from workdays import published_calendar

N = "/api/v1/notices"
DEADLINE = datetime(2023, 5, 8, 15, 59, 59, tzinfo=UTC)


async def reminded(
    office: RunningOffice, notice: str, code: str = "100000", **body: object
) -> dict[str, int]:
    """Remind by hand and wait for the end of the run."""
    client = office.unit(code)
    response = await client.post(f"{N}/{notice}/reminders", json=body)
    assert response.status_code == 202, response.text
    return await finished(client, response.headers["Location"])


async def finished(client: httpx.AsyncClient, path: str) -> dict[str, int]:
    async for _ in moments():
        run = (await client.get(path)).json()
        if run["finished_at"] is not None:
            return {"unsigned": run["unsigned"], "blocking": run["blocking"]}
    raise AssertionError("the run does not end")


async def received(office: RunningOffice, code: str) -> list[str]:
    response = await office.unit(code).get("/api/v1/reminders")
    assert response.status_code == 200, response.text
    return [item["reason"] for item in response.json()["items"]]


async def test_units_that_have_not_signed_and_units_that_block_are_reminded_once(
    office: RunningOffice,
) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    await office.signed(notice, "320000", "370000")
    preview = await office.unit("100000").get(f"{N}/{notice}/reminders/preview")
    assert preview.json() == {"unsigned": 2, "blocking": 2}
    # 370100 has not signed either: what it blocks matters more.
    assert await reminded(office, notice, sms=True) == {"unsigned": 1, "blocking": 2}
    assert await received(office, "370100") == ["blocking"]
    assert await received(office, "320000") == ["blocking"]
    assert await received(office, "370200") == ["unsigned"]
    assert await received(office, "370000") == []
    events = await office.sent(ReminderRequestedV1)
    assert sum(len(event.unit_ids) for event in events) == 3
    assert all(event.sms for event in events)
    assert await reminded(office, notice) == {"unsigned": 0, "blocking": 0}
    office.clock.advance(timedelta(hours=4))
    await office.signed(notice, "370200")
    assert await received(office, "370200") == []
    assert await reminded(office, notice) == {"unsigned": 0, "blocking": 2}


async def test_a_run_for_a_group_reminds_its_units_and_who_blocks_them(office: RunningOffice) -> None:
    notice = await office.published()
    await office.forwarded(notice, "370000")
    centre = office.unit("100000")
    members = [{"unit_id": office.world.id(code)} for code in ("370200", "370102")]
    made = await centre.post(
        "/api/v1/contact-groups", json={"scope": "unit", "name": "试点", "members": members}
    )
    assert made.status_code == 201, made.text
    group = made.json()["id"]
    preview = await centre.get(f"{N}/{notice}/reminders/preview", params={"group": group})
    assert preview.json() == {"unsigned": 1, "blocking": 1}
    assert await reminded(office, notice, group=group) == {"unsigned": 1, "blocking": 1}
    assert await received(office, "370200") == ["unsigned"]
    assert await received(office, "370100") == ["blocking"]
    assert await received(office, "320000") == []
    [run] = (await centre.get(f"{N}/{notice}/reminders")).json()["items"]
    assert (run["group_id"], run["group_name"]) == (group, "试点")
    foreign = await office.unit("370000").post(f"{N}/{notice}/reminders", json={"group": group})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")


async def test_two_runs_at_once_remind_nobody_twice(office: RunningOffice) -> None:
    notice = await office.published()
    runs = await asyncio.gather(
        *(reminded(office, notice, under=office.world.id(code)) for code in ("320000", "370000", "100000"))
    )
    assert sum(run["unsigned"] + run["blocking"] for run in runs) == 2


async def test_a_unit_reminds_its_own_subtree_only(office: RunningOffice) -> None:
    notice = await office.published()
    refused = await office.unit("370000").post(
        f"{N}/{notice}/reminders", json={"under": office.world.id("320000")}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    assert (await office.unit("370100").post(f"{N}/{notice}/reminders", json={})).status_code == 404
    await office.withdrawn(notice)
    refused = await office.unit("100000").post(f"{N}/{notice}/reminders", json={})
    assert refused.status_code == 409


async def test_the_schedule_reminds_once_for_each_of_its_times(office: RunningOffice) -> None:
    notice = await office.published(deadline_workdays=5)
    reminding = Reminding(office.database, office.clock)
    assert await reminding.schedule() == 0
    # The deadline is Monday 2023-05-08, and Saturday 2023-05-06 is a workday.
    office.clock.advance(datetime(2023, 5, 6, 1, tzinfo=UTC) - office.clock.now())
    assert await asyncio.gather(*(reminding.schedule() for _ in range(3))) in (
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
    )
    office.clock.advance(timedelta(hours=1))
    assert await reminding.schedule() == 0
    path = f"{N}/{notice}/reminder-schedule"
    centre = office.unit("100000")
    assert (await centre.get(path)).json() == {"offsets": [-1, 0, 1, 3], "sms": False}
    assert (await centre.put(path, json={"offsets": []})).status_code == 200
    office.clock.advance(timedelta(days=2))
    assert await reminding.schedule() == 0
    assert (await office.unit("370000").put(path, json={"offsets": []})).status_code == 403


@pytest.mark.parametrize(
    ("offset", "day"),
    [(-2, "2023-05-05"), (-1, "2023-05-06"), (0, "2023-05-08"), (1, "2023-05-09"), (3, "2023-05-11")],
)
def test_the_times_of_a_schedule_are_workdays_from_the_deadline(offset: int, day: str) -> None:
    at = due_at(DEADLINE, offset, published_calendar())
    assert at.isoformat() == f"{day}T01:00:00+00:00"
    assert due(DEADLINE, [offset], at, published_calendar()) == offset
    assert due(DEADLINE, [offset], at - timedelta(seconds=1), published_calendar()) is None
    assert due(DEADLINE, [offset], at + timedelta(days=1), published_calendar()) is None
