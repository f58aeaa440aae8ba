"""Cells equal the facts that count: after any batches, reversals, moves, crashes and concurrent commits."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from cockpit.analytics.store import Analytics
from cockpit.cells.building import CellBuilder
from cockpit.cells.load_repository import LoadRepository
from cockpit.cells.models import Cell, CellCombination, CellLoad, CellNode
from cockpit.cells.reading_repository import CellReader
from cockpit.cells.repository import CellRepository
from cockpit.cells.service import Cells
from cockpit.directory.models import Unit
from cockpit.intake.models import Batch
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import (
    NATIONAL_2017,
    Cockpit,
    Start,
    award,
    csv_of,
    move,
    paths,
    withdraw,
)

YEAR = 2017


@dataclass(frozen=True)
class Drawn:
    unit: str
    year: int
    term: str
    stage: str
    programme: str
    funding: str
    person: int
    fen: int


_ROW = st.builds(
    Drawn,
    unit=st.sampled_from(["school", "other_school", "sibling_school", "county"]),
    year=st.sampled_from([2016, 2017]),
    term=st.sampled_from(["spring", "autumn", "year"]),
    stage=st.sampled_from(["compulsory", "doctor"]),
    programme=st.sampled_from(["living_allowance", "high_school_grant"]),
    funding=st.sampled_from(["central", "local"]),
    person=st.integers(0, 4),
    fen=st.integers(1, 10**9),
)
_BATCH = st.lists(_ROW, min_size=1, max_size=8)


@dataclass(frozen=True)
class Step:
    """Upload a batch, and then maybe withdraw an earlier one and move a unit."""

    rows: list[Drawn]
    withdraw: int | None
    move: tuple[str, str] | None


_STEP = st.builds(
    Step,
    rows=_BATCH,
    withdraw=st.none() | st.integers(0, 5),
    move=st.none()
    | st.tuples(
        st.sampled_from(["county", "school", "sibling_school"]), st.sampled_from(["city", "sibling", "other"])
    ),
)

Fact = tuple[str, Drawn]
"""The path at intake, and the row."""
Figures = tuple[Decimal, int, int]


def file_of(rows: Iterable[Drawn], cockpit: Cockpit) -> str:
    return csv_of(
        [
            award(
                unit_code=cockpit.world[row.unit].code,
                year=str(row.year),
                term=row.term,
                stage=row.stage,
                programme=row.programme,
                funding=row.funding,
                person_token=f"person-{row.person:016d}",
                amount=str(Decimal(row.fen) / 100),
            )
            for row in rows
        ]
    )


def figures(rows: list[Drawn]) -> Figures:
    return Decimal(sum(row.fen for row in rows)) / 100, len(rows), len({row.person for row in rows})


SECTORS = {"compulsory": "basic", "doctor": "higher"}
BY_TERM = [[], ["stage"], ["programme"], ["funding"], ["stage", "programme"]]
OFFICES = [
    *BY_TERM,
    *(["sector"], ["sector", "programme"], ["sector", "funding"], ["stage", "funding"]),
]
SCHOOLS = [[], ["stage"], ["funding"]]


def expected(facts: list[Fact], schools: set[str], regions: dict[str, str]) -> dict[tuple[str, ...], Figures]:
    """Every cell, computed from the rows of the files. `regions` are the paths of the units' territories."""
    grouped: dict[tuple[str, ...], list[Drawn]] = defaultdict(list)
    for path, row in facts:
        school_year = row.year - 1 if row.term == "spring" else row.year
        when = {"year": f"{row.year}", "school_year": f"{school_year}", "term": f"{row.year}-{row.term}"}
        values = {
            "stage": row.stage,
            "sector": SECTORS[row.stage],
            "programme": row.programme,
            "funding": row.funding,
        }
        for tree in (path, regions[row.unit]):
            labels = tree.split(".")
            for length in range(1, len(labels) + 1):
                place = ".".join(labels[:length])
                school = tree is path and labels[length - 1] in schools
                for calendar in ["year"] if school else when:
                    for kept in SCHOOLS if school else BY_TERM if calendar == "term" else OFFICES:
                        rest = sorted(f"{name}={values[name]}" for name in kept)
                        grouped[place, calendar, when[calendar], *rest].append(row)
    return {key: figures(rows) for key, rows in grouped.items()}


async def cells_of(cockpit: Cockpit) -> dict[tuple[str, ...], Figures]:
    """The cells with a stage, a programme, a source of funds or none of them, along both trees."""
    async with cockpit.database.transaction() as session:
        rows = await session.execute(
            select(
                CellNode.path,
                Cell.calendar,
                Cell.period,
                CellCombination.values,
                Cell.amount,
                Cell.times,
                Cell.persons,
            )
            .join(CellNode, CellNode.id == Cell.node_id)
            .join(CellCombination, CellCombination.id == Cell.combination_id)
            .where(CellCombination.feed == "award", Cell.times != 0)
        )
        return {
            (row[0], str(row[1]), row[2], *sorted(f"{k}={v}" for k, v in row[3].items())): (
                row[4],
                row[5],
                row[6],
            )
            for row in rows
        }


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, min_size=2, max_size=4))
async def test_cells_equal_the_rows_after_any_batches_withdrawals_and_moves(
    cockpit: Cockpit, steps: list[Step]
) -> None:
    schools = {place.code for place in cockpit.world.places.values() if place.level == "school"}
    # The schools of the small world have no region of their own.
    regions = dict.fromkeys(["school", "other_school", "sibling_school"], "000000")
    regions["county"] = "000000.370000.370100.370102"
    batches: list[tuple[str, list[Fact]]] = []
    for step in steps:
        where = await paths(cockpit)
        made = await cockpit.upload("award", "centre", file_of(step.rows, cockpit))
        assert made.status_code == 201, made.text
        assert made.json()["accepted"] == len(step.rows)
        batches.append((made.json()["id"], [(where[row.unit], row) for row in step.rows]))
        if step.withdraw is not None and step.withdraw < len(batches):
            await withdraw(cockpit, batches.pop(step.withdraw)[0], "centre")
        if step.move is not None:
            unit, under = step.move
            target = {"city": "city", "sibling": "sibling", "other": "province"}[under]
            if unit != target and not where[target].startswith(where[unit]):
                await move(cockpit, unit, target)
    counting = [fact for _, facts in batches for fact in facts]
    assert await cells_of(cockpit) == expected(counting, schools, regions)

    # A unit reads all that it received, wherever it was, and each person once.
    for name in ("centre", "county", "school", "sibling_school"):
        code = cockpit.world[name].code
        mine = [row for path, row in counting if code in path.split(".") and row.year == YEAR]
        awards = (await cockpit.overview(name, by="centre"))["awards"]
        found = (Decimal(awards["amount"]["yuan"]), awards["person_times"], awards["persons"])
        assert found == figures(mine)

    for batch_id, _ in batches:
        await withdraw(cockpit, batch_id, "centre")
    assert await cells_of(cockpit) == {}


async def test_a_unit_that_has_moved_keeps_its_history_and_so_does_its_former_authority(
    cockpit: Cockpit,
) -> None:
    person = "person-0000000000000001"
    await cockpit.upload("published_aggregate", "county", NATIONAL_2017.read_bytes())
    await cockpit.upload("award", "county", csv_of([award(amount="5", person_token=person)]))
    await move(cockpit, "county", "province")
    rows = [award(amount="7", person_token=person), award(amount="1")]
    await cockpit.upload("award", "province", csv_of(rows))

    # The county's people act for it where it is now.
    path = (await paths(cockpit))["county"]
    response = await cockpit.http.get(
        "/api/v1/overview", params={"year": YEAR}, headers=cockpit.bearer("county", unit_path=path)
    )
    assert response.status_code == 200, response.text
    county = response.json()
    assert (county["awards"]["amount"]["yuan"], county["awards"]["persons"]) == ("13.00", 2)
    (school,) = [child for child in county["children"] if child["person_times"]]
    assert (school["amount"]["yuan"], school["person_times"], school["persons"]) == ("13.00", 3, 2)
    assert len(county["published"]) == 1
    city = await cockpit.overview("city")
    assert city["awards"]["amount"]["yuan"] == "5.00"
    assert {c["code"]: c["amount"]["yuan"] for c in city["children"] if c["person_times"]} == {
        "370102": "5.00"
    }
    province = await cockpit.overview("province")
    assert (province["awards"]["amount"]["yuan"], province["awards"]["persons"]) == ("13.00", 2)
    parts = {c["code"]: c["amount"]["yuan"] for c in province["children"] if c["person_times"]}
    assert parts == {"370100": "5.00", "370102": "8.00"}


async def test_a_unit_and_those_below_it_are_read_in_one_moment(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    # A batch is committed after each statement that reads cells.
    select_of = CellReader.select

    async def figures_before_another(*args: Any) -> Any:
        found = await select_of(*args)
        await cockpit.upload("award", "county", csv_of([award(amount="7")]))
        return found

    monkeypatch.setattr(CellReader, "select", figures_before_another)
    county = await cockpit.overview("county")
    assert (county["awards"]["amount"]["yuan"], county["own"]["amount"]["yuan"]) == ("5.00", "0.00")


async def test_a_batch_shows_that_it_is_alive_while_its_cells_are_prepared(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cockpit.cells.facts.PAGE", 1)
    numbers_of = CellBuilder._numbers
    touched: list[datetime] = []

    async def numbers(self: CellBuilder, rows: Any) -> dict[str, int]:
        async with cockpit.database.transaction() as session:
            touched.append((await session.scalars(select(Batch.touched_at))).one())
        return await numbers_of(self, rows)

    monkeypatch.setattr(CellBuilder, "_numbers", numbers)
    rows = [award(unit_code=code) for code in ("3701020001", "3701030001")]
    assert (await cockpit.upload("award", "city", csv_of(rows))).status_code == 201
    assert len(touched) == 2
    assert touched[0] < touched[1]


async def test_a_reversal_that_the_store_holds_twice_does_not_count(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = (await cockpit.upload("award", "county", csv_of([award(amount="5")]))).json()["id"]
    execute = Analytics.execute

    async def sent_again(self: Analytics, sql: str, *args: Any, **options: Any) -> None:
        # As a client does whose connection was lost while it waited for the answer.
        await execute(self, sql, *args, **options)
        if sql.startswith("INSERT"):
            await execute(self, sql, *args, **options)

    monkeypatch.setattr(Analytics, "execute", sent_again)
    address, headers = f"/api/v1/intake/batches/{batch}/reverse", cockpit.bearer("county")
    refused = await cockpit.http.post(address, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "reversal_incomplete")
    assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "5.00"
    monkeypatch.undo()
    await withdraw(cockpit, batch, "county")
    assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "0.00"


class Crash(BaseException):
    """As good as a kill: nothing of ours handles it."""


async def loads(cockpit: Cockpit) -> tuple[int, int, int]:
    """How many loads count in the cells, are not in the cells, and are unknown to the store of facts."""
    async with cockpit.database.transaction() as session:
        row = (
            await session.execute(
                select(
                    func.count(CellLoad.counted_at),
                    func.count().filter(CellLoad.counted_at.is_(None)),
                    func.count().filter(CellLoad.marked_at.is_(None)),
                )
            )
        ).one()
    return row[0], row[1], row[2]


@pytest.mark.parametrize(
    ("owner", "step"),
    [(CellBuilder, "prepare"), (Cells, "apply"), (CellRepository, "_add_persons")],
)
async def test_a_crash_at_any_step_before_the_commit_changes_no_cell(
    start: Start, monkeypatch: pytest.MonkeyPatch, owner: type[Any], step: str
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise Crash

    async with start() as cockpit:
        made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
        before = await cells_of(cockpit)
        with monkeypatch.context() as patch:
            patch.setattr(owner, step, crash)
            with pytest.raises(Crash):
                await cockpit.upload("award", "county", csv_of([award(amount="7")]))
            with pytest.raises(Crash):
                await withdraw(cockpit, made.json()["id"], "county")
        assert await cells_of(cockpit) == before
    async with start() as cockpit:
        assert await cells_of(cockpit) == before
        assert (await loads(cockpit))[1] == 0
        await withdraw(cockpit, made.json()["id"], "county")
        assert await cells_of(cockpit) == {}
        await cockpit.upload("award", "county", csv_of([award(amount="7")]))
        assert (await cockpit.overview("county"))["awards"]["amount"]["yuan"] == "7.00"


async def test_a_load_that_the_store_of_facts_was_not_told_of_counts_in_the_next_query(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        raise Crash

    async with start() as cockpit:
        await cockpit.upload("published_aggregate", "county", NATIONAL_2017.read_bytes())
        with monkeypatch.context() as patch:
            patch.setattr(LoadRepository, "mark", lost)
            with pytest.raises(Crash):
                await cockpit.app.state.cell_builder.mark()
        assert (await loads(cockpit))[2] == 1
    async with start() as cockpit:
        await cockpit.app.state.cell_builder.mark()
        assert (await loads(cockpit))[2] == 0


async def test_batches_from_before_the_cells_are_added_and_until_then_no_figures_are_shown(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        """What the version before did."""

    with monkeypatch.context() as patch:
        patch.setattr(Cells, "apply", nothing)
        made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
        await cockpit.upload("award", "county", csv_of([award(amount="7")]))
        await withdraw(cockpit, made.json()["id"], "county")
        assert (await loads(cockpit))[:2] == (0, 3)
        async with cockpit.database.transaction() as session:
            await session.execute(update(CellLoad).values(since=func.now() - timedelta(minutes=2)))
        refused = await cockpit.http.get(
            "/api/v1/overview", params={"year": YEAR}, headers=cockpit.bearer("county")
        )
        assert (refused.status_code, refused.json()["code"]) == (503, "figures_incomplete")
        assert int(refused.headers["retry-after"]) > 0
    builder: CellBuilder = cockpit.app.state.cell_builder
    await asyncio.gather(builder.catch_up(), builder.catch_up())
    assert await loads(cockpit) == (3, 0, 0)
    awards = (await cockpit.overview("county"))["awards"]
    assert (awards["amount"]["yuan"], awards["person_times"], awards["persons"]) == ("7.00", 1, 1)


async def test_a_reversal_is_exact_after_a_school_has_become_an_office(cockpit: Cockpit) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(amount="5")]))
    async with cockpit.database.transaction() as session:
        school = await session.get(Unit, cockpit.world["school"].id)
        assert school is not None
        school.level = "county"
    await withdraw(cockpit, made.json()["id"], "county")
    assert await cells_of(cockpit) == {}


async def test_two_processes_that_commit_batches_of_the_same_units_lose_nothing(start: Start) -> None:
    def batch(number: int) -> str:
        units = ["3701020001", "370102", "3701030001"]
        people = [f"person-{person:016d}" for person in range(number, number + 3)]
        return csv_of([award(unit_code=u, person_token=p, amount="1") for u in units for p in people])

    async with start() as one, start() as other:
        answers = await asyncio.gather(
            *(
                process.upload("award", unit, batch(number))
                for number in range(4)
                for process, unit in ((one, "city"), (other, "province"))
            )
        )
        assert [answer.status_code for answer in answers] == [201] * 8
        await asyncio.gather(
            withdraw(one, answers[0].json()["id"], "city"),
            withdraw(other, answers[0].json()["id"], "city"),
            other.upload("award", "centre", batch(9)),
        )
        for process in (one, other):
            awards = (await process.overview("centre"))["awards"]
            assert (awards["amount"]["yuan"], awards["person_times"], awards["persons"]) == ("72.00", 72, 9)


async def test_marks_of_a_store_restored_to_another_time_are_made_equal_to_the_database(
    start: Start,
) -> None:
    async with start() as cockpit:
        for source in ("one", "two"):
            await cockpit.upload(
                "published_aggregate", "county", NATIONAL_2017.read_bytes() + source.encode(), source=source
            )
        before = await cockpit.overview("county")
        async with cockpit.database.transaction() as session:
            lost = await session.scalar(select(CellLoad.load_id).limit(1))
        analytics: Analytics = cockpit.app.state.analytics
        await analytics.execute(f"DELETE FROM counted_loads WHERE load_id = '{lost}'")
        for _ in range(3):
            await analytics.execute(f"INSERT INTO counted_loads VALUES ('{new_id()}')")
    async with start() as cockpit:
        assert await cockpit.app.state.analytics.query(
            "SELECT uniqExact(load_id) AS n FROM counted_loads"
        ) == [{"n": 2}]
        assert {**await cockpit.overview("county"), "as_of": None} == {**before, "as_of": None}
