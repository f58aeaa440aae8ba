"""Tasks for the units that a dispatch addresses: one row, however many units there are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import func, select

from contracts.vocabulary import Reach, Role, TaskKind
from office.addressing.rules import ALL_CHILDREN, Address
from office.tasks.models import TaskShare
from office.tasks.rules import Deadline
from office.tasks.service import NewTask, ToAddressed
from servicekit.ids import new_id
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.streams import browser
from services.office.tests.support.tasks import a_person, acting, feature, ids, listed
from testkit.serving import Served

SUBJECT = "notice/1"
CENTRE, PROVINCE, CITY, COUNTY, SCHOOL = "100000", "370000", "370100", "370102", "S3701020001"


async def sent(
    office: RunningOffice,
    sender: str,
    address: Address = ALL_CHILDREN,
    *,
    number: int = 1,
    days: int = 5,
    **changes: Any,
) -> UUID:
    """The task of a notice, dispatched by `sender`."""
    new = NewTask(
        **{
            "kind": TaskKind.SIGN,
            "key": f"sign/{number}",
            "subject": f"notice/{number}",
            "title": "关于举办全国学生资助业务培训的通知",
            "link": f"/notices/{number}",
            "deadline": Deadline(office.clock.now() + timedelta(days=days)),
            **changes,
        }
    )
    async with feature(office) as tasks:
        return await tasks.open(new, ToAddressed(new_id(), office.world.units[sender]["id"], address))


async def shares(office: RunningOffice) -> int:
    async with office.database.transaction() as session:
        return (await session.scalars(select(func.count()).select_from(TaskShare))).one()


@pytest_asyncio.fixture
async def url(office: RunningOffice) -> AsyncIterator[str]:
    served = Served()
    async with served.running(office.app):
        yield served.url
    served.close()


async def test_every_addressed_unit_has_the_task_and_no_other(office: RunningOffice) -> None:
    task = await sent(office, PROVINCE)
    for code in (CITY, "370200"):
        assert await ids(office.unit(code)) == [str(task)]
    for code in (CENTRE, PROVINCE, COUNTY, "320100"):
        assert await ids(office.unit(code)) == []
        assert (await office.unit(code).get(f"/api/v1/tasks/{task}")).status_code == 404
    assert await shares(office) == 0


async def test_a_subtree_is_addressed_by_level_and_picked_units_by_name(office: RunningOffice) -> None:
    whole = await sent(office, PROVINCE, Address(Reach.SUBTREE), number=1)
    schools = await sent(office, PROVINCE, Address(Reach.SUBTREE, levels=("school",)), number=2)
    county = office.world.units[COUNTY]["id"]
    picked = await sent(office, PROVINCE, Address(Reach.PICKED, picked=(county,)), number=3)
    assert await ids(office.unit(COUNTY)) == [str(picked), str(whole)]
    assert await ids(office.unit(CITY)) == [str(whole)]
    assert str(schools) not in await ids(office.unit(SCHOOL))


async def test_forwarding_adds_units_to_the_same_task_with_their_own_deadline(office: RunningOffice) -> None:
    task = await sent(office, PROVINCE, days=5)
    again = await sent(office, CITY, days=3)
    assert task == again
    (city,), (county,) = await listed(office.unit(CITY)), await listed(office.unit(COUNTY))
    assert (city["days_left"], county["days_left"]) == (5, 3)
    office.clock.advance(timedelta(days=4))
    assert await ids(office.unit(CITY), view="overdue") == []
    assert await ids(office.unit(COUNTY), view="overdue") == [str(task)]
    until = (office.clock.now() + timedelta(days=1)).isoformat()
    assert await ids(office.unit(CITY), due_until=until) == []


async def test_a_unit_that_two_dispatches_reach_has_the_task_once(office: RunningOffice) -> None:
    task = await sent(office, PROVINCE, days=5)
    await sent(office, PROVINCE, Address(Reach.SUBTREE), days=2)
    (item,) = await listed(office.unit(CITY))
    assert (item["id"], item["days_left"]) == (str(task), 5)
    response = await office.unit(CITY).get("/api/v1/tasks/counts")
    assert response.json()["open"] == 1


async def test_a_unit_that_comes_there_later_has_the_task_and_keeps_it_when_it_leaves(
    office: RunningOffice,
) -> None:
    task = await sent(office, CITY)
    office.clock.advance(timedelta(hours=1))
    await office.open("370199", CITY)
    assert await ids(office.unit("370199")) == [str(task)]
    office.clock.advance(timedelta(hours=1))
    await office.move("370199", "320100")
    assert await ids(office.unit("370199")) == [str(task)]


async def test_done_by_one_unit_stays_open_for_the_others(office: RunningOffice) -> None:
    task = await sent(office, PROVINCE)
    sub = await a_person(office, CITY)
    async with feature(office) as tasks:
        city = office.world.units[CITY]["id"]
        assert await tasks.done(TaskKind.SIGN, SUBJECT, unit=city, by=sub) == 1
        assert await tasks.done(TaskKind.SIGN, SUBJECT, unit=city, by=sub) == 0
    assert await ids(office.unit(CITY)) == []
    (item,) = await listed(office.unit(CITY), view="done")
    assert (item["id"], item["done_by"]["name"]) == (str(task), "张三")
    assert await ids(office.unit("370200")) == [str(task)]
    assert await shares(office) == 1


async def test_taking_is_for_one_unit_and_done_ends_what_was_taken(office: RunningOffice) -> None:
    task = await sent(office, PROVINCE)
    sub = await a_person(office, CITY)
    me = acting(office, sub, CITY)
    taken = await me.post(f"/api/v1/tasks/{task}/take")
    assert (taken.status_code, taken.json()["holder"]["name"]) == (200, "张三")
    assert await ids(me, view="mine") == [str(task)]
    assert await ids(office.unit(CITY)) == []
    (item,) = await listed(office.unit("370200"))
    assert item["holder"] is None
    assert (await office.unit(COUNTY).post(f"/api/v1/tasks/{task}/take")).status_code == 404
    async with feature(office) as tasks:
        assert await tasks.done(TaskKind.SIGN, SUBJECT, unit=office.world.units[CITY]["id"], by=sub) == 1
    assert await ids(me, view="mine") == []
    assert await ids(me, view="done") == [str(task)]


async def test_withdrawing_reaches_every_unit_without_writing_a_row_for_it(office: RunningOffice) -> None:
    task = await sent(office, PROVINCE)
    sub = await a_person(office, CITY)
    assert (await acting(office, sub, CITY).post(f"/api/v1/tasks/{task}/take")).status_code == 200
    async with feature(office) as tasks:
        assert await tasks.withdraw(SUBJECT, "《关于培训的通知》已撤回：时间有误") == 1
    for code in (CITY, "370200"):
        assert await ids(office.unit(code), view="unit") == []
        (item,) = await listed(office.unit(code), view="withdrawn")
        assert item["withdrawal"]["cause"] == "《关于培训的通知》已撤回：时间有误"
        refused = await office.unit(code).post(f"/api/v1/tasks/{task}/take")
        assert (refused.status_code, refused.json()["code"]) == (409, "task_withdrawn")
    assert await ids(acting(office, sub, CITY), view="mine") == []
    assert await shares(office) == 1


async def test_who_dispatched_a_task_has_it_once_among_the_created(office: RunningOffice) -> None:
    sub = await a_person(office, PROVINCE)
    task = await sent(office, PROVINCE, owner=sub)
    async with feature(office) as tasks:
        await tasks.done(TaskKind.SIGN, SUBJECT, unit=office.world.units[CITY]["id"], by=None)
    (item,) = await listed(acting(office, sub, PROVINCE), view="created")
    assert (item["id"], item["state"], item["unit"]) == (str(task), "open", None)


async def test_browsers_of_addressed_units_hear_of_a_dispatch_and_of_its_withdrawal(
    office: RunningOffice, url: str
) -> None:
    token = office.token(CITY, Role.HANDLER)
    async with (
        browser(url, token) as city,
        browser(url, office.token(COUNTY, Role.HANDLER)) as county,
    ):
        await city.hears("ready")
        await county.hears("ready")
        task = str(await sent(office, PROVINCE, days=5))
        assert (await city.hears("task"))["unit_id"] == office.world.id(CITY)
        last_id = city.last_id
        await sent(office, CITY, days=3)
        told = await county.hears("task")
        assert told["unit_id"] == office.world.id(COUNTY)
        assert (city.tasks(), county.tasks()) == ([("opened", task)], [("opened", task)])
        async with feature(office) as tasks:
            await tasks.done(TaskKind.SIGN, SUBJECT, unit=office.world.units[CITY]["id"], by=None)
            await tasks.withdraw(SUBJECT, "时间有误")
        await city.hears("task", times=3)
        await county.hears("task", times=2)
        assert [action for action, _ in county.tasks()] == ["opened", "withdrawn"]
    async with browser(url, token, last_id) as back:
        await back.hears("ready")
        assert [action for action, _ in back.tasks()] == ["done", "withdrawn"]
        assert {heard.data["unit_id"] for heard in back.named("task")} == {office.world.id(CITY)}


async def test_a_reconnecting_browser_gets_dispatches_that_it_has_missed(
    office: RunningOffice, url: str
) -> None:
    token = office.token(CITY, Role.HANDLER)
    async with browser(url, token) as before:
        await before.hears("ready")
    missed = [str(await sent(office, PROVINCE, number=number)) for number in (1, 2)]
    await sent(office, "320000", number=3)
    async with browser(url, office.token("320100", Role.HANDLER)) as other:
        await other.until(lambda one: one.named("ready"))
    async with browser(url, token, before.last_id) as after:
        await after.until(lambda one: len(one.tasks()) >= 2)
        assert after.tasks() == [("opened", task) for task in missed]


async def test_pages_of_addressed_and_other_tasks_contain_every_task_once(office: RunningOffice) -> None:
    made = [str(await sent(office, PROVINCE, number=number, days=number % 3 + 1)) for number in range(9)]
    sub = await a_person(office, CITY)
    for task in made[:3]:
        assert (await acting(office, sub, CITY).post(f"/api/v1/tasks/{task}/take")).status_code == 200
    for sort in ("newest", "deadline", "urgency"):
        found, cursor = list[str](), None
        while True:
            params: dict[str, str | int] = {"view": "unit", "sort": sort, "limit": 4}
            if cursor:
                params["cursor"] = cursor
            page = (await office.unit(CITY).get("/api/v1/tasks", params=params)).json()
            assert page["total"] == {"count": 9, "exact": True}
            found += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sorted(found) == sorted(made)
