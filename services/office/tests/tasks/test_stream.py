"""The stream of tasks: a real server, real browsers that disconnect and come back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import update

from contracts.identity import AccessRevokedV1, PersonChangedV1, PersonMembership
from contracts.vocabulary import Role, TaskKind
from office.desk.rules import Me
from office.live import hub as live
from office.live.hub import Hub, Subscriber
from office.live.jobs import prune_feed
from office.tasks.feed import FeedEntry
from office.tasks.service import ToPerson
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.streams import browser
from services.office.tests.support.tasks import a_person, feature, opened, to_unit
from testkit.serving import Served

COUNTY, SISTER = "370102", "370103"


class Tomorrow(datetime):
    """The clock of a process, a day ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(days=1)


@pytest_asyncio.fixture
async def url(office: RunningOffice) -> AsyncIterator[str]:
    """The address of Office."""
    served = Served()
    async with served.running(office.app):
        yield served.url
    served.close()


async def test_a_browser_hears_of_the_tasks_of_its_person_s_units_only(
    office: RunningOffice, url: str
) -> None:
    async with (
        browser(url, office.token(COUNTY, Role.HANDLER)) as here,
        browser(url, office.token(SISTER, Role.HANDLER)) as there,
    ):
        await here.hears("ready")
        await there.hears("ready")
        mine = await opened(office, to_unit(office, COUNTY))
        other = await opened(office, to_unit(office, SISTER))
        told = await here.hears("task")
        await there.hears("task")
        assert (here.tasks(), there.tasks()) == ([("opened", str(mine))], [("opened", str(other))])
        assert told["title"] == "关于举办全国学生资助业务培训的通知"
        assert told["unit_id"] == office.world.id(COUNTY)


async def test_a_browser_hears_of_what_becomes_of_a_task_and_of_the_new_counts(
    office: RunningOffice, url: str
) -> None:
    sub = await a_person(office, COUNTY)
    async with browser(url, office.token(COUNTY, Role.HANDLER, sub=str(sub))) as one:
        await one.hears("ready")
        task = await opened(office, to_unit(office, COUNTY), subject="notice/1")
        assert (await one.hears("counts"))["open"] == 1
        colleague = office.unit(COUNTY, Role.HANDLER)
        assert (await colleague.post(f"/api/v1/tasks/{task}/take")).status_code == 200
        async with feature(office) as tasks:
            await tasks.withdraw("notice/1", "《…》已撤回：时间有误")
        await one.hears("task", times=3)
        assert [action for action, _ in one.tasks()] == ["opened", "taken", "withdrawn"]
        assert one.named("task")[-1].data["cause"] == "《…》已撤回：时间有误"
        await one.until(lambda heard: heard.named("counts")[-1].data["open"] == 0)


async def test_tasks_for_a_role_or_a_person_reach_nobody_else(office: RunningOffice, url: str) -> None:
    sub = await a_person(office, COUNTY)
    async with (
        browser(url, office.token(COUNTY, Role.REVIEWER)) as reviewer,
        browser(url, office.token(COUNTY, Role.HANDLER, sub=str(sub))) as person,
    ):
        await reviewer.hears("ready")
        await person.hears("ready")
        review = await opened(office, to_unit(office, COUNTY, Role.REVIEWER), kind=TaskKind.REVIEW)
        own = await opened(office, ToPerson(sub, office.world.units[COUNTY]["id"]))
        last = await opened(office, to_unit(office, COUNTY))
        for one, first in ((reviewer, review), (person, own)):
            await one.hears("task", times=2)
            assert one.tasks() == [("opened", str(first)), ("opened", str(last))]


async def test_a_reconnecting_browser_gets_what_it_has_missed(office: RunningOffice, url: str) -> None:
    token = office.token(COUNTY, Role.HANDLER)
    async with browser(url, token) as before:
        await before.hears("ready")
        first = await opened(office, to_unit(office, COUNTY))
        await before.hears("task")
    missed = [await opened(office, to_unit(office, COUNTY)) for _ in range(3)]
    await opened(office, to_unit(office, SISTER))
    async with browser(url, token, before.last_id) as after:
        await after.hears("ready")
        await after.hears("task", times=3)
        assert after.tasks() == [("opened", str(task)) for task in missed]
        assert before.tasks() == [("opened", str(first))]
        last = await opened(office, to_unit(office, COUNTY))
        await after.hears("task", times=4)
        assert after.tasks()[-1] == ("opened", str(last))


async def test_a_browser_that_comes_from_a_process_that_was_ahead_hears_nothing_twice(
    office: RunningOffice, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = office.token(COUNTY, Role.HANDLER)
    async with browser(url, token) as before:
        await before.hears("ready")
        for _ in range(2):
            await opened(office, to_unit(office, COUNTY))
        await before.hears("task", times=2)
    place = Hub.place

    def behind(hub: Hub, one: Subscriber, me: Me) -> int:
        place(hub, one, me)
        hub._position -= 1
        return hub._position

    monkeypatch.setattr(Hub, "place", behind)
    async with browser(url, token, before.last_id) as after:
        await after.hears("ready")
        new = await opened(office, to_unit(office, COUNTY))
        await after.hears("task")
        assert after.tasks() == [("opened", str(new))]
        assert after.named("reset") == []


async def test_nothing_is_missed_or_heard_twice_while_browsers_connect(
    office: RunningOffice, url: str
) -> None:
    """Tasks are opened without a pause while one browser leaves and comes back again and again."""
    token, heard, made = office.token(COUNTY, Role.HANDLER), list[str](), list[str]()

    async def busy() -> None:
        for _ in range(40):
            made.append(str(await opened(office, to_unit(office, COUNTY))))

    async with browser(url, token) as one:
        await one.hears("ready")
        last_id = one.last_id
    working = asyncio.create_task(busy())
    rounds = 0
    while not working.done() or len(heard) < len(made):
        rounds += 1
        assert rounds < 200
        async with browser(url, token, last_id) as one:
            await one.until(lambda _: one.named("ready") or one.ended)
            await asyncio.sleep(0)
        heard += [task for _, task in one.tasks()]
        last_id = one.last_id
        assert one.named("reset") == []
    await working
    assert heard == made


@pytest.mark.parametrize("last_id", ["4711", "x", "999999999-0123456789ab", "1-", "9" * 90])
async def test_a_browser_with_a_foreign_id_is_told_to_reload(
    office: RunningOffice, url: str, last_id: str
) -> None:
    async with browser(url, office.token(COUNTY, Role.HANDLER), last_id) as one:
        await one.hears("reset")
        assert one.last_id != last_id


async def test_the_id_of_another_person_is_foreign(office: RunningOffice, url: str) -> None:
    async with browser(url, office.token(COUNTY, Role.HANDLER)) as theirs:
        await theirs.hears("ready")
    async with browser(url, office.token(COUNTY, Role.HANDLER), theirs.last_id) as mine:
        await mine.hears("reset")


async def test_a_browser_that_comes_back_too_late_is_told_to_reload(office: RunningOffice, url: str) -> None:
    token = office.token(COUNTY, Role.HANDLER)
    async with browser(url, token) as before:
        await before.hears("ready")
        await opened(office, to_unit(office, COUNTY))
        await before.hears("task")
    await opened(office, to_unit(office, COUNTY))
    async with browser(url, token) as other:
        await other.hears("ready")
        last = str(await opened(office, to_unit(office, COUNTY)))
        await other.until(lambda heard: ("opened", last) in heard.tasks())
    async with office.database.transaction() as session:
        old = datetime.now(UTC) - timedelta(days=1)
        await session.execute(update(FeedEntry).values(created_at=old))
    assert await prune_feed(office.database) == 3
    async with browser(url, token, before.last_id) as late:
        await late.hears("reset")
    async with browser(url, token, other.last_id) as early:
        await early.hears("ready")
        assert early.tasks() == []


async def test_the_stream_ends_with_its_token(
    office: RunningOffice, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.0)
    async with browser(url, office.token(COUNTY, Role.HANDLER)) as one:
        await one.hears("ready")
        monkeypatch.setattr(live, "datetime", Tomorrow)
        assert await one.hears("end") == {"reason": "token_expired"}
        await one.until(lambda heard: heard.ended)


async def test_a_revoked_token_ends_the_stream(
    office: RunningOffice, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.0)
    sub, now = uuid4(), datetime.now(UTC)
    token = office.token(COUNTY, Role.HANDLER, sub=str(sub), iat=int(now.timestamp()) - 10)
    async with browser(url, token) as one, browser(url, office.token(COUNTY, Role.HANDLER)) as other:
        await one.hears("ready")
        await other.hears("ready")
        await office.deliver(
            AccessRevokedV1(
                sub=sub, not_before=now, expires_at=now + timedelta(minutes=5), reason="suspended"
            )
        )
        assert await one.hears("end") == {"reason": "token_revoked"}
        assert not other.ended


async def test_a_quiet_stream_shows_that_it_lives(
    office: RunningOffice, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.0)
    async with browser(url, office.token(COUNTY, Role.HANDLER)) as one:
        await one.hears("ready")
        first = one.last_id
        for _ in range(3):
            await opened(office, to_unit(office, SISTER))
        # The position moves on, though nothing concerned this browser.
        await one.until(lambda heard: heard.last_id != first)
        assert one.tasks() == []


async def test_who_joins_a_unit_reloads_and_hears_of_its_tasks(office: RunningOffice, url: str) -> None:
    sub = await a_person(office, COUNTY)
    async with browser(url, office.token(COUNTY, Role.HANDLER, sub=str(sub))) as one:
        await one.hears("ready")
        units = [office.world.units[code] for code in (COUNTY, SISTER)]
        await office.deliver(
            PersonChangedV1(
                sub=sub,
                name="张三",
                phone_masked="138****0000",
                status="active",
                unit_id=units[0]["id"],
                unit_path=units[0]["path"],
                roles=[Role.HANDLER],
                version=2,
                memberships=tuple(
                    PersonMembership(unit_id=unit["id"], unit_path=unit["path"], roles=[Role.HANDLER])
                    for unit in units
                ),
            )
        )
        await one.hears("reset")
        task = await opened(office, to_unit(office, SISTER))
        await one.hears("task")
        assert one.tasks() == [("opened", str(task))]


async def test_a_person_has_a_limited_number_of_streams(
    office: RunningOffice, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_OF_A_PERSON", 1)
    token = office.token(COUNTY, Role.HANDLER)
    async with browser(url, token) as one:
        await one.hears("ready")
        refused = await office.client(token).get("/api/v1/tasks/stream")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        assert refused.headers["retry-after"] == "60"


async def test_a_stream_needs_a_token(office: RunningOffice) -> None:
    assert (await office.client(None).get("/api/v1/tasks/stream")).status_code == 401
