"""`verify` recounts cells, and what views count from their counters, from the facts."""

from decimal import Decimal

from sqlalchemy import delete, select, update

from cockpit.cells.models import Cell, CellCombination, CellNode, CellPersons
from cockpit.cells.verifying import Verifier
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of, withdraw


async def test_verify_finds_no_difference_and_then_the_one_that_was_made(cockpit: Cockpit) -> None:
    person = "person-0000000000000001"
    rows = [
        award(year="2016", term="autumn", person_token=person),
        award(year="2017", term="spring", person_token=person, unit_code="370102"),
        award(year="2017", term="autumn", programme="普通高中国家助学金", stage="普通高中"),
        award(year="2018", term="spring"),
    ]
    await cockpit.upload("award", "county", csv_of(rows))
    gone = await cockpit.upload("award", "city", csv_of([award(unit_code="3701030001")]))
    await withdraw(cockpit, gone.json()["id"], "city")
    verifier: Verifier = cockpit.app.state.cell_verifier
    verdicts = [
        verdict
        for code in ("100000", "370102", "3701020001", "3701030001")
        for year in (2016, 2017)
        for verdict in await verifier.code("award", code, year)
    ]
    assert [verdict.differences for verdict in verdicts] == [[]] * 8
    assert sum(verdict.compared for verdict in verdicts) > 50
    assert all(not verdict.differences for verdict in await verifier.sample())

    async with cockpit.database.transaction() as session:
        await session.execute(
            update(Cell)
            .where(
                Cell.node_id
                == select(CellNode.id)
                .where(CellNode.path == "100000.370000.370100.370102")
                .scalar_subquery(),
                Cell.calendar == "year",
                Cell.period == "2017",
                Cell.combination_id
                == select(CellCombination.id)
                .where(CellCombination.values == {"stage": "compulsory"})
                .scalar_subquery(),
            )
            .values(persons=Cell.persons + 1)
        )
    (verdict,) = await verifier.code("award", "370102", 2017)
    (wrong,) = verdict.differences
    assert wrong.cell == ("year", "2017", (("stage", "compulsory"),))
    assert wrong.stored == (Decimal("625.00"), 1, Decimal(0), 2)
    assert wrong.computed == (Decimal("625.00"), 1, Decimal(0), 1)


async def test_verify_recounts_the_number_of_programmes_of_each_person(cockpit: Cockpit) -> None:
    both = "person-0000000000000001"
    rows = [
        award(person_token=both),
        award(person_token=both, programme="普通高中国家助学金", stage="普通高中"),
        award(person_token="person-0000000000000002"),
    ]
    await cockpit.upload("award", "county", csv_of(rows))
    verifier: Verifier = cockpit.app.state.cell_verifier
    (verdict,) = await verifier.code("award", "370102", 2017)
    assert not verdict.differences

    async with cockpit.database.transaction() as session:
        # The person of one programme is lost from its counter; the cells themselves stay right.
        one = await session.scalar(
            select(Cell.id)
            .join(CellNode, CellNode.id == Cell.node_id)
            .join(CellCombination, CellCombination.id == Cell.combination_id)
            .where(
                CellNode.path == "100000.370000.370100.370102",
                Cell.calendar == "year",
                CellCombination.dimensions == "programme",
                Cell.persons == 1,
            )
        )
        await session.execute(delete(CellPersons).where(CellPersons.cell_id == one))
    (verdict,) = await verifier.code("award", "370102", 2017)
    assert [(wrong.cell[2], wrong.stored, wrong.computed) for wrong in verdict.differences] == [
        ((("number_of_programmes", "1"),), _of_persons(2), _of_persons(1)),
        ((("number_of_programmes", "2"),), None, _of_persons(1)),
    ]


def _of_persons(count: int) -> tuple[Decimal, int, Decimal, int]:
    return Decimal(0), 0, Decimal(0), count
