"""A person's tasks: who sees what, and what they do with it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.documents import Urgency
from contracts.vocabulary import Role, TaskKind
from office.tasks.rules import Deadline
from office.tasks.service import ToPerson
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.tasks import a_person, acting, feature, ids, listed, opened, to_unit

COUNTY, SISTER = "370102", "370103"


async def test_a_unit_s_task_is_on_the_desk_of_its_people_and_of_nobody_else(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY))
    assert await ids(office.unit(COUNTY)) == [str(task)]
    assert await ids(office.unit(SISTER)) == []
    assert await ids(office.unit("370100")) == []
    assert (await office.unit(SISTER).get(f"/api/v1/tasks/{task}")).status_code == 404


async def test_a_task_for_a_role_is_seen_by_people_with_that_role(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY, Role.REVIEWER), kind=TaskKind.REVIEW)
    assert await ids(office.unit(COUNTY, Role.REVIEWER)) == [str(task)]
    handler = office.unit(COUNTY, Role.HANDLER)
    assert await ids(handler) == []
    assert (await handler.get(f"/api/v1/tasks/{task}")).status_code == 404
    assert (await handler.post(f"/api/v1/tasks/{task}/take")).status_code == 404


async def test_a_person_s_task_is_seen_by_this_person_only(office: RunningOffice) -> None:
    sub = await a_person(office, COUNTY)
    task = await opened(office, ToPerson(sub, office.world.units[COUNTY]["id"]))
    (item,) = await listed(acting(office, sub, COUNTY))
    assert (item["id"], item["personal"], item["holder"]["name"]) == (str(task), True, "张三")
    assert await ids(office.unit(COUNTY), view="unit") == []


async def test_opening_the_same_key_twice_opens_one_task(office: RunningOffice) -> None:
    first = await opened(office, to_unit(office, COUNTY), key="notice-1")
    second = await opened(office, to_unit(office, COUNTY), key="notice-1", title="另一个标题")
    assert first == second
    assert len(await ids(office.unit(COUNTY))) == 1


async def test_a_link_that_leads_nowhere_is_refused(office: RunningOffice) -> None:
    with pytest.raises(ValueError, match="link"):
        await opened(office, to_unit(office, COUNTY), link="javascript:alert(1)")


async def test_who_takes_a_task_has_it_alone(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY))
    mine, colleague = await a_person(office, COUNTY, name="张三"), await a_person(office, COUNTY, name="李四")
    me, other = acting(office, mine, COUNTY), acting(office, colleague, COUNTY)
    taken = await me.post(f"/api/v1/tasks/{task}/take")
    assert (taken.status_code, taken.json()["holder"]["name"]) == (200, "张三")
    assert (await me.post(f"/api/v1/tasks/{task}/take")).status_code == 200
    refused = await other.post(f"/api/v1/tasks/{task}/take")
    assert (refused.status_code, refused.json()["code"]) == (409, "task_taken")
    assert "张三" in refused.json()["detail"]
    assert await ids(me, view="mine") == [str(task)]
    assert await ids(other) == []
    assert await ids(other, view="unit") == [str(task)]


async def test_only_the_holder_or_an_administrator_releases(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY))
    holder, colleague = await a_person(office, COUNTY), await a_person(office, COUNTY)
    await acting(office, holder, COUNTY).post(f"/api/v1/tasks/{task}/take")
    refused = await acting(office, colleague, COUNTY).post(f"/api/v1/tasks/{task}/release", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "task_not_taken")
    administrator = acting(office, colleague, COUNTY, Role.UNIT_ADMIN)
    released = await administrator.post(f"/api/v1/tasks/{task}/release", json={"note": "人在外地"})
    assert (released.status_code, released.json()["holder"]) == (200, None)
    assert [entry["action"] for entry in released.json()["history"]] == ["opened", "taken", "released"]
    assert released.json()["history"][-1]["note"] == "人在外地"


async def test_a_task_is_passed_on_to_a_colleague_with_a_note(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY, Role.HANDLER))
    giver, taker = await a_person(office, COUNTY, name="张三"), await a_person(office, COUNTY, name="李四")
    me = acting(office, giver, COUNTY)
    passed = await me.post(f"/api/v1/tasks/{task}/delegate", json={"to": str(taker), "note": "请代办"})
    assert (passed.status_code, passed.json()["holder"]["name"]) == (200, "李四")
    entry = passed.json()["history"][-1]
    assert (entry["action"], entry["by"]["name"], entry["to"]["name"]) == ("delegated", "张三", "李四")
    assert await ids(acting(office, taker, COUNTY), view="mine") == [str(task)]


@pytest.mark.parametrize("who", ["stranger", "other unit", "without the role"])
async def test_a_task_is_passed_on_to_colleagues_with_the_role_only(office: RunningOffice, who: str) -> None:
    task = await opened(office, to_unit(office, COUNTY, Role.HANDLER))
    to = uuid4()
    if who == "other unit":
        to = await a_person(office, SISTER)
    elif who == "without the role":
        to = await a_person(office, COUNTY, roles=(Role.REVIEWER,))
    refused = await office.unit(COUNTY).post(f"/api/v1/tasks/{task}/delegate", json={"to": str(to)})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_colleague")


async def test_the_list_and_the_counts_are_those_of_all_units_of_a_person(office: RunningOffice) -> None:
    sub = await a_person(office, COUNTY, SISTER)
    here = await opened(office, to_unit(office, COUNTY))
    there = await opened(office, to_unit(office, SISTER), kind=TaskKind.SIGN)
    me = acting(office, sub, COUNTY)
    items = {item["id"]: item for item in await listed(me)}
    assert {id_: item["acting"] for id_, item in items.items()} == {str(here): True, str(there): False}
    assert items[str(here)]["may"] == ["take", "delegate"]
    assert items[str(there)]["may"] == []
    assert await ids(me, unit=office.world.id(SISTER)) == [str(there)]
    counts = (await me.get("/api/v1/tasks/counts")).json()
    assert counts["open"] == 2
    assert [(unit["unit"]["code"], unit["acting"], unit["open"]) for unit in counts["units"]] == [
        (COUNTY, True, 1),
        (SISTER, False, 1),
    ]
    assert counts["units"][1]["kinds"] == [{"kind": "sign", "open": 1, "overdue": 0}]


async def test_a_task_of_another_unit_needs_a_token_for_it(office: RunningOffice) -> None:
    sub = await a_person(office, COUNTY, SISTER)
    there = await opened(office, to_unit(office, SISTER))
    refused = await acting(office, sub, COUNTY).post(f"/api/v1/tasks/{there}/take")
    assert (refused.status_code, refused.json()["code"]) == (403, "acting_for_other_unit")
    assert (await acting(office, sub, SISTER).post(f"/api/v1/tasks/{there}/take")).status_code == 200


async def test_a_person_without_memberships_in_the_replica_belongs_to_the_primary_unit(
    office: RunningOffice,
) -> None:
    sub = uuid4()
    await office.insert_people([(SISTER, sub)])
    there = await opened(office, to_unit(office, SISTER))
    assert await ids(acting(office, sub, COUNTY)) == [str(there)]


async def test_a_done_task_moves_to_the_done_ones_of_the_unit(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY), subject="notice/1", kind=TaskKind.SIGN)
    sub = await a_person(office, COUNTY)
    async with feature(office) as tasks:
        unit = office.world.units[COUNTY]["id"]
        assert await tasks.done(TaskKind.SIGN, "notice/1", unit=unit, by=sub) == 1
        assert await tasks.done(TaskKind.SIGN, "notice/1", unit=unit, by=sub) == 0
    assert await ids(office.unit(COUNTY)) == []
    (item,) = await listed(office.unit(COUNTY), view="done")
    assert (item["id"], item["state"], item["done_by"]["name"]) == (str(task), "done", "张三")
    refused = await office.unit(COUNTY).post(f"/api/v1/tasks/{task}/take")
    assert (refused.status_code, refused.json()["code"]) == (409, "task_done")


async def test_a_withdrawn_task_says_why(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY), subject="notice/1")
    async with feature(office) as tasks:
        assert await tasks.withdraw("notice/1", "《关于培训的通知》已撤回：时间有误") == 1
    me = office.unit(COUNTY)
    assert await ids(me) == []
    (item,) = await listed(me, view="withdrawn")
    assert (item["state"], item["may"]) == ("withdrawn", [])
    assert item["withdrawal"]["cause"] == "《关于培训的通知》已撤回：时间有误"
    refused = await me.post(f"/api/v1/tasks/{task}/take")
    assert (refused.status_code, refused.json()["code"]) == (409, "task_withdrawn")
    assert "时间有误" in refused.json()["detail"]


async def test_a_task_whose_subject_is_gone_says_so(office: RunningOffice) -> None:
    task = await opened(office, to_unit(office, COUNTY), subject="notice/1")
    async with feature(office) as tasks:
        await tasks.withdraw("notice/1", "草稿已删除", gone=True)
    detail = (await office.unit(COUNTY).get(f"/api/v1/tasks/{task}")).json()
    assert detail["withdrawal"] == {
        "at": detail["withdrawal"]["at"],
        "cause": "草稿已删除",
        "subject_gone": True,
    }
    refused = await office.unit(COUNTY).post(f"/api/v1/tasks/{task}/take")
    assert (refused.status_code, refused.json()["code"]) == (409, "task_subject_gone")


async def test_what_is_done_stays_done_when_the_subject_is_withdrawn(office: RunningOffice) -> None:
    await opened(office, to_unit(office, COUNTY), subject="notice/1")
    async with feature(office) as tasks:
        await tasks.done(TaskKind.HANDLE, "notice/1", unit=office.world.units[COUNTY]["id"], by=uuid4())
        await tasks.withdraw("notice/1", "时间有误")
    (item,) = await listed(office.unit(COUNTY), view="done")
    assert (item["state"], item["withdrawal"]["cause"]) == ("done", "时间有误")
    assert await ids(office.unit(COUNTY), view="withdrawn") == []


async def test_only_a_task_without_a_page_is_marked_as_done(office: RunningOffice) -> None:
    paged = await opened(office, to_unit(office, COUNTY))
    by_hand = await opened(office, to_unit(office, COUNTY), by_hand=True)
    me = office.unit(COUNTY)
    refused = await me.post(f"/api/v1/tasks/{paged}/done")
    assert (refused.status_code, refused.json()["code"]) == (409, "task_done_elsewhere")
    assert (await me.post(f"/api/v1/tasks/{by_hand}/done")).json()["state"] == "done"
    assert await ids(me) == [str(paged)]


async def test_overdue_tasks_have_a_list_of_their_own(office: RunningOffice) -> None:
    soon = Deadline(office.clock.now() + timedelta(hours=1))
    late = await opened(office, to_unit(office, COUNTY), deadline=soon)
    await opened(office, to_unit(office, COUNTY))
    assert await ids(office.unit(COUNTY), view="overdue") == []
    office.clock.advance(timedelta(hours=2))
    (item,) = await listed(office.unit(COUNTY), view="overdue")
    assert (item["id"], item["overdue"], item["days_left"]) == (str(late), True, None)
    assert (await office.unit(COUNTY).get("/api/v1/tasks/counts")).json()["overdue"] == 1


async def test_who_caused_tasks_sees_how_far_they_are(office: RunningOffice) -> None:
    sub = await a_person(office, "370100")
    mine = await opened(office, to_unit(office, COUNTY), owner=sub, subject="notice/1")
    await opened(office, to_unit(office, COUNTY))
    me = acting(office, sub, "370100")
    assert await ids(me) == []
    (item,) = await listed(me, view="created")
    assert (item["id"], item["unit"]["code"], item["state"]) == (str(mine), COUNTY, "open")
    async with feature(office) as tasks:
        await tasks.done(TaskKind.HANDLE, "notice/1", unit=office.world.units[COUNTY]["id"], by=None)
    assert [item["state"] for item in await listed(me, view="created")] == ["done"]


async def test_lists_are_filtered_and_searched_by_two_characters(office: RunningOffice) -> None:
    now = office.clock.now()
    training = await opened(office, to_unit(office, COUNTY), title="关于业务培训的通知", kind=TaskKind.SIGN)
    loans = await opened(
        office,
        to_unit(office, COUNTY),
        title="报送国家助学贷款数据",
        urgency=Urgency.URGENT,
        deadline=Deadline(now + timedelta(days=2)),
    )
    me = office.unit(COUNTY)
    assert await ids(me, q="培训") == [str(training)]
    assert await ids(me, q="数据 贷款") == [str(loans)]
    assert await ids(me, q="训") == [str(training)]
    assert await ids(me, q="训培") == []
    assert await ids(me, q="%") == []
    assert await ids(me, kind=["sign"]) == [str(training)]
    assert await ids(me, urgency=["urgent", "extra_urgent"]) == [str(loans)]
    assert await ids(me, due_until=(now + timedelta(days=3)).isoformat()) == [str(loans)]
    assert await ids(me, due_from=(now + timedelta(days=3)).isoformat()) == []
    assert await ids(me, unit=str(uuid4())) == []


@pytest.mark.parametrize(
    ("view", "sort"),
    [("open", "newest"), ("open", "deadline"), ("open", "urgency"), ("done", "newest"), ("withdrawn",
    "newest"), ("created", "urgency")],
)  # fmt: skip
async def test_pages_contain_every_task_once(office: RunningOffice, view: str, sort: str) -> None:
    sub = await a_person(office, COUNTY, SISTER)
    every = []
    for number in range(12):
        code = (COUNTY, SISTER)[number % 2]
        deadline = Deadline(office.clock.now() + timedelta(days=number % 3)) if number % 4 else None
        every.append(
            await opened(
                office,
                to_unit(office, code),
                owner=sub,
                subject=f"notice/{number}",
                deadline=deadline,
                urgency=list(Urgency)[number % 3],
            )
        )
    async with feature(office) as tasks:
        for number in range(12):
            if view == "done":
                for code in (COUNTY, SISTER):
                    unit = office.world.units[code]["id"]
                    await tasks.done(TaskKind.HANDLE, f"notice/{number}", unit=unit, by=sub)
            if view == "withdrawn":
                await tasks.withdraw(f"notice/{number}", "有误")
    me, found, cursor = acting(office, sub, COUNTY), list[str](), None
    while True:
        params: dict[str, str | int] = {"view": view, "sort": sort, "limit": 5}
        if cursor:
            params["cursor"] = cursor
        page = (await me.get("/api/v1/tasks", params=params)).json()
        assert page["total"] == {"count": 12, "exact": True}
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == 12
    assert sorted(found) == sorted(map(str, every))


async def test_urgent_tasks_come_first_then_early_ones(office: RunningOffice) -> None:
    now = office.clock.now()
    kinds = [
        (Urgency.NORMAL, 1),
        (Urgency.EXTRA_URGENT, 3),
        (Urgency.EXTRA_URGENT, 2),
        (Urgency.URGENT, None),
    ]
    tasks = [
        await opened(
            office,
            to_unit(office, COUNTY),
            urgency=urgency,
            deadline=None if days is None else Deadline(now + timedelta(days=days)),
        )
        for urgency, days in kinds
    ]
    order = [str(tasks[place]) for place in (2, 1, 3, 0)]
    assert await ids(office.unit(COUNTY), sort="urgency") == order
    by_deadline = [str(tasks[place]) for place in (0, 2, 1, 3)]
    assert await ids(office.unit(COUNTY), sort="deadline") == by_deadline


async def test_a_cursor_of_another_list_is_refused(office: RunningOffice) -> None:
    for _ in range(2):
        await opened(office, to_unit(office, COUNTY))
    me = office.unit(COUNTY)
    page = (await me.get("/api/v1/tasks", params={"limit": 1})).json()
    response = await me.get("/api/v1/tasks", params={"cursor": page["next"], "sort": "urgency"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_cursor")
