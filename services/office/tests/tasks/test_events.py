"""Tasks that other services open by event, and their upkeep."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from contracts.cockpit import TaskDoneV1, TaskOpenedV1, TaskWithdrawnV1
from contracts.vocabulary import Role, TaskKind
from messaging.envelope import Envelope
from office.tasks.consumers import EVENTS, TaskEvents
from office.tasks.jobs import Upkeep
from office.tasks.models import Task, TaskShare
from office.tasks.rules import Deadline
from servicekit.ids import id_at, new_id
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.tasks import a_person, acting, feature, ids, listed, opened, to_unit
from testkit.clock import FrozenClock

COUNTY = "370102"


def asked(office: RunningOffice, key: str = "batch/1", **changes: Any) -> TaskOpenedV1:
    """A task of Cockpit for a county."""
    return TaskOpenedV1(
        **{
            "key": key,
            "kind": TaskKind.OTHER,
            "subject": "batch/1",
            "title": "更正退回的数据",
            "link": "https://jsc.example.org/batches/1",
            "opened_at": office.clock.now(),
            "unit_id": office.world.units[COUNTY]["id"],
            "workdays": 5,
            **changes,
        }
    )


async def handled(office: RunningOffice, *events: Any, source: str = "cockpit") -> None:
    for event in events:
        envelope = Envelope(
            id=new_id(),
            source=f"/zhuxue/{source}",
            type=event.type,
            subject="x",
            time=datetime.now(UTC),
            data=event.model_dump(mode="json"),
        )
        async with office.database.transaction() as session:
            await TaskEvents(office.clock).handle(session, event, envelope)


def test_office_listens_to_the_tasks_of_every_service() -> None:
    named = {event.type for event in EVENTS}
    for service in ("cockpit", "identity"):
        assert {f"zhuxue.{service}.task.{verb}.v1" for verb in ("opened", "done", "withdrawn")} <= named


async def test_a_service_opens_a_task_with_a_deadline_in_workdays(office: RunningOffice) -> None:
    await office.deliver(asked(office))
    (item,) = await listed(office.unit(COUNTY))
    assert (item["title"], item["clock"], item["clock_count"]) == ("更正退回的数据", "workdays", 5)
    assert item["deadline"] == "2023-05-08T15:59:59Z"


async def test_the_same_event_twice_opens_one_task_and_a_key_belongs_to_its_service(
    office: RunningOffice,
) -> None:
    await handled(office, asked(office), asked(office, title="别的"))
    assert len(await ids(office.unit(COUNTY))) == 1
    await handled(office, asked(office), source="identity")
    assert len(await ids(office.unit(COUNTY))) == 2


async def test_a_service_ends_and_withdraws_its_tasks(office: RunningOffice) -> None:
    sub = await a_person(office, COUNTY)
    await handled(
        office,
        asked(office, "1"),
        asked(office, "2", sub=sub),
        TaskDoneV1(key="1", by=sub),
        TaskWithdrawnV1(key="2", cause="批次已删除", subject_gone=True),
    )
    me = acting(office, sub, COUNTY)
    assert await ids(me) == []
    assert [item["done_by"]["name"] for item in await listed(me, view="done")] == ["张三"]
    (gone,) = await listed(me, view="withdrawn")
    assert (gone["withdrawal"]["cause"], gone["withdrawal"]["subject_gone"]) == ("批次已删除", True)


@pytest.mark.parametrize("end", [TaskDoneV1(key="1"), TaskWithdrawnV1(key="1", cause="已撤回")])
async def test_a_task_that_ended_before_its_opening_arrives_is_not_shown(
    office: RunningOffice, end: Any
) -> None:
    await handled(office, end, asked(office, "1"), end)
    for view in ("open", "done", "withdrawn"):
        assert await ids(office.unit(COUNTY), view=view) == []


@pytest.mark.parametrize("changes", [{"unit_id": None}, {"link": "javascript:alert(1)"}])
async def test_a_task_for_nobody_or_with_a_bad_link_is_refused(
    office: RunningOffice, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="task"):
        await handled(office, asked(office, **changes))


async def test_a_role_limits_who_sees_the_task(office: RunningOffice) -> None:
    await handled(office, asked(office, roles=[Role.REVIEWER]))
    assert await ids(office.unit(COUNTY, Role.HANDLER)) == []
    assert len(await ids(office.unit(COUNTY, Role.REVIEWER))) == 1


async def test_provisional_deadlines_are_computed_again(office: RunningOffice) -> None:
    guessed = Deadline(office.clock.now(), clock=None, count=None, provisional=True)
    task = await opened(office, to_unit(office, COUNTY), deadline=guessed)
    async with office.database.transaction() as session:
        row = await session.get(Task, task)
        assert row is not None
        row.clock, row.clock_count = "workdays", 5  # type: ignore[assignment]
    await Upkeep(office.database, office.clock).settle()
    (item,) = await listed(office.unit(COUNTY))
    assert (item["deadline"], item["provisional"]) == ("2023-05-08T15:59:59Z", False)


async def _tasks(office: RunningOffice) -> set[UUID]:
    async with office.database.transaction() as session:
        return set((await session.scalars(select(Task.id))).all())


async def test_ended_tasks_are_deleted_after_two_years_and_open_ones_kept(office: RunningOffice) -> None:
    kept, ended = (
        await opened(office, to_unit(office, COUNTY)),
        await opened(office, to_unit(office, COUNTY), subject="notice/1"),
    )
    async with feature(office) as tasks:
        await tasks.withdraw("notice/1", "有误")
    # Ids have the time of the system's clock.
    later = FrozenClock(datetime.now(UTC) + timedelta(days=731))
    assert id_at(later.now() - timedelta(days=730)) > ended
    assert await Upkeep(office.database, office.clock).prune() == 0
    assert await Upkeep(office.database, later).prune() == 1
    assert await _tasks(office) == {kept}
    async with office.database.transaction() as session:
        assert (await session.scalars(select(func.count()).select_from(TaskShare))).one() == 1
