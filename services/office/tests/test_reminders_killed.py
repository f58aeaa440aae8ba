"""Workers are killed in the middle of a schedule: each unit is reminded once, and asked for by SMS once."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from sqlalchemy import func, select

from contracts.office import ReminderRequestedV1
from contracts.vocabulary import ReminderReason
from office.reminders.models import Reminder, ReminderRun
from office.reminders.repository import ReminderRepository
from servicekit import logs
from servicekit.ids import new_id
from services.office.tests.support import reminder_worker
from services.office.tests.support.running_office import RunningOffice, running
from services.office.tests.support.world import World
from testkit.clock import FrozenClock

SECONDS = 120.0
DAY_BEFORE = datetime(2023, 5, 6, 1, tzinfo=UTC)
"""Nine o'clock of the workday before the deadline, Monday 2023-05-08."""
PROVINCES, COUNTIES = 6, 8


def a_world() -> World:
    """The centre, provinces, and counties below each of them."""
    world = World.of([("100000", None)])
    for province in range(PROVINCES):
        world.add(f"3{province}0000", "100000")
        for county in range(COUNTIES):
            world.add(f"3{province}010{county}", f"3{province}0000")
    return world


@pytest_asyncio.fixture
async def office(database_url: str, clock: FrozenClock) -> AsyncIterator[RunningOffice]:
    """Office without jobs: the workers are other processes."""
    logs.configure(json=True, level="WARNING")
    async with running(database_url, clock, a_world(), run_jobs=False) as office:
        yield office


@asynccontextmanager
async def worker(office: RunningOffice) -> AsyncIterator[asyncio.subprocess.Process]:
    url = office.database.engine.url.render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", reminder_worker.__name__, url, office.clock.now().isoformat()),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def killed_in_a_batch(*workers: asyncio.subprocess.Process) -> list[asyncio.subprocess.Process]:
    """Kill the worker that is the first to write its third batch, before the batch is committed; return the
    others.
    """

    async def third(process: asyncio.subprocess.Process) -> asyncio.subprocess.Process:
        assert process.stdout is not None
        for _ in range(3):
            assert await process.stdout.readline() == b"reminded\n"
        return process

    waiting = [asyncio.create_task(third(process)) for process in workers]
    async with asyncio.timeout(SECONDS):
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    killed = done.pop().result()
    killed.kill()
    await killed.wait()
    for task in others:
        task.cancel()
    return [process for process in workers if process is not killed]


async def ended(office: RunningOffice, runs: int) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            async with office.database.transaction() as session:
                query = select(func.count()).where(ReminderRun.finished_at.is_not(None))
                if await session.scalar(query) == runs:
                    return
            await asyncio.sleep(0.1)


async def test_workers_killed_in_a_schedule_remind_each_unit_once(office: RunningOffice) -> None:
    everybody = await office.published(recipients={"reach": "subtree"})
    stuck = await office.published()
    signed = [f"3{province}0100" for province in range(PROVINCES)]
    await office.signed(everybody, *signed)
    for notice in (everybody, stuck):
        await office.recount(notice)
        path = f"/api/v1/notices/{notice}/reminder-schedule"
        set_ = await office.unit("100000").put(path, json={"offsets": [-1], "sms": True})
        assert set_.status_code == 200
    office.clock.advance(DAY_BEFORE - office.clock.now())
    async with worker(office) as first, worker(office) as second:
        (alive,) = await killed_in_a_batch(first, second)
        async with worker(office) as third:
            await killed_in_a_batch(alive, third)
            async with worker(office):
                await ended(office, 2)
    async with office.database.transaction() as session:
        rows = (await session.execute(select(Reminder.notice_id, Reminder.unit_id))).all()
    world = office.world
    provinces = [f"3{province}0000" for province in range(PROVINCES)]
    expected = {(everybody, world.id(code)) for code in world.units if code not in ("100000", *signed)}
    expected |= {(stuck, world.id(code)) for code in provinces}
    written = Counter((str(notice), str(unit)) for notice, unit in rows)
    assert written == Counter(expected)
    events = await office.sent(ReminderRequestedV1)
    assert all(event.sms for event in events)
    asked = Counter((str(event.notice_id), str(unit)) for event in events for unit in event.unit_ids)
    assert asked == Counter(expected)


async def test_a_unit_is_reminded_once_at_the_border_of_two_intervals(office: RunningOffice) -> None:
    notice, unit = new_id(), new_id()
    border = datetime(2023, 5, 6, 4, tzinfo=UTC)
    run = ReminderRun(id=new_id(), notice_id=notice, unit_id=unit)
    begun = asyncio.Event()

    async def remind(now: datetime, *, first: bool) -> int:
        async with office.database.transaction() as session:
            reminders = ReminderRepository(session)
            if not first:
                begun.set()
            await reminders.lock(notice)
            found = await reminders.remind(run, [unit], ReminderReason.UNSIGNED, now)
            if first:
                other = asyncio.create_task(remind(border, first=False))
                others.append(other)
                await begun.wait()
            return len(found)

    others: list[asyncio.Task[int]] = []
    assert await remind(border - timedelta(seconds=1), first=True) == 1
    assert await asyncio.gather(*others) == [0]
