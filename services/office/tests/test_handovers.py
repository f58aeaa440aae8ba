"""Hand-over of the open tasks of people who leave a unit, are suspended or close their account."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from contracts.identity import HandOverRequestedV1, PersonChangedV1
from contracts.office import HandOverCompletedV1
from contracts.vocabulary import AccountStatus, TaskKind
from messaging.envelope import Envelope
from office.base import outbox
from office.handovers.consumers import HandOvers
from office.tasks.service import ToPerson
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.tasks import a_person, acting, ids, listed, opened, to_unit

COUNTY = "370102"


async def _handed_over(
    office: RunningOffice, sub: UUID, successor: UUID | None, *, into: str | None = None
) -> HandOverCompletedV1:
    """What Office answers to the request of Identity."""
    unit = office.world.units[COUNTY]
    asked = HandOverRequestedV1(
        hand_over_id=uuid4(),
        sub=sub,
        unit_id=unit["id"],
        unit_path=unit["path"],
        successor=successor,
        successor_unit_id=None if into is None else office.world.units[into]["id"],
        requested_at=office.clock.now(),
    )
    envelope = Envelope(
        id=uuid4(),
        source="/zhuxue/identity",
        type=asked.type,
        subject=str(asked.hand_over_id),
        time=asked.requested_at,
        data={},
    )
    async with office.database.transaction() as session:
        await HandOvers(office.clock).handle(session, asked, envelope)
        await session.flush()
        (sent,) = [
            row for row in await session.scalars(select(outbox.row)) if row.subject == str(asked.hand_over_id)
        ]
        assert sent.type == HandOverCompletedV1.type
        return HandOverCompletedV1.model_validate(sent.data)


async def _taken(office: RunningOffice, sub: UUID) -> UUID:
    task = await opened(office, to_unit(office, COUNTY))
    assert (await acting(office, sub, COUNTY).post(f"/api/v1/tasks/{task}/take")).status_code == 200
    return task


async def test_open_tasks_go_to_the_successor_and_are_counted(office: RunningOffice) -> None:
    leaver, successor = await a_person(office, COUNTY), await a_person(office, COUNTY, name="李四")
    unit = office.world.units[COUNTY]["id"]
    tasks = {await _taken(office, leaver), await opened(office, ToPerson(leaver, unit), kind=TaskKind.HANDLE)}
    await opened(office, to_unit(office, COUNTY))
    answer = await _handed_over(office, leaver, successor)
    assert (answer.items, answer.sub, answer.unit_id) == (2, leaver, unit)
    assert set(await ids(acting(office, successor, COUNTY), view="mine")) == set(map(str, tasks))
    assert await ids(acting(office, leaver, COUNTY), view="mine") == []
    for task in tasks:
        detail = (await acting(office, successor, COUNTY).get(f"/api/v1/tasks/{task}")).json()
        last = detail["history"][-1]
        assert (last["action"], last["to"]["name"]) == ("handed_over", "李四")


async def test_without_a_successor_tasks_go_back_to_the_unit(office: RunningOffice) -> None:
    leaver = await a_person(office, COUNTY)
    taken = await _taken(office, leaver)
    personal = await opened(office, ToPerson(leaver, office.world.units[COUNTY]["id"]))
    elsewhere = await opened(office, ToPerson(leaver, office.world.units["370103"]["id"]))
    assert (await _handed_over(office, leaver, None)).items == 2
    items = await listed(office.unit(COUNTY))
    assert {item["id"] for item in items} == {str(taken), str(personal)}
    assert {(item["holder"], item["personal"]) for item in items} == {(None, False)}
    assert await ids(acting(office, leaver, COUNTY), view="mine") == [str(elsewhere)]


async def test_tasks_of_an_ended_unit_go_into_the_unit_that_takes_its_place(office: RunningOffice) -> None:
    """In a merger, the person goes there as well and goes on with them."""
    person = await a_person(office, COUNTY)
    taken = await _taken(office, person)
    personal = await opened(office, ToPerson(person, office.world.units[COUNTY]["id"]))
    assert (await _handed_over(office, person, person, into="370103")).items == 2
    there = acting(office, person, "370103")
    items = {item["id"]: item for item in await listed(there, view="mine")}
    assert set(items) == {str(taken), str(personal)}
    assert {item["unit"]["code"] for item in items.values()} == {"370103"}
    assert await ids(office.unit(COUNTY), view="unit") == []


async def test_a_hand_over_without_open_tasks_is_acknowledged(office: RunningOffice) -> None:
    assert (await _handed_over(office, uuid4(), None)).items == 0


@pytest.mark.parametrize(
    ("status", "returned"),
    [(AccountStatus.SUSPENDED, 1), (AccountStatus.CLOSED, 2), (AccountStatus.ACTIVE, 0)],
)
async def test_what_a_suspended_person_has_taken_goes_back_to_the_unit(
    office: RunningOffice, status: AccountStatus, returned: int
) -> None:
    sub = await a_person(office, COUNTY)
    await _taken(office, sub)
    await opened(office, ToPerson(sub, office.world.units[COUNTY]["id"]))
    await office.deliver(
        PersonChangedV1(
            sub=sub,
            name="张三",
            phone_masked="138****0000",
            status=status,
            unit_id=None,
            unit_path=None,
            roles=[],
            version=2,
        )
    )
    assert len(await ids(office.unit(COUNTY))) == returned
