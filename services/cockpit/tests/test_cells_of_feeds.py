"""Cells of every feed along both trees: they equal the rows, and answer what is kept."""

import itertools
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from cockpit.cells.counters import counters_of
from cockpit.cells.dimensions import SECTOR_OF, Calendar, Dimension, Grouping, Tree, grouping
from cockpit.cells.errors import GroupingNotKept
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.models import Cell, CellCombination, CellNode
from cockpit.cells.overlaps import Overlaps
from cockpit.cells.rules import CellKey, Delta, region_path
from cockpit.cells.service import CellRef, Cells, supports
from cockpit.cells.spill import Changes
from cockpit.directory.models import Unit
from cockpit.feeds.declarations import FEEDS, FeedName
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of, move, paths, withdraw

Row = dict[str, str]
_number = itertools.count()

UNITS = ("school", "sibling_school", "county")
STAGES = st.sampled_from(["compulsory", "master"])
DAYS = st.dates(date(2024, 7, 1), date(2025, 10, 1)).map(str)
FEN = st.integers(1, 10**6).map(lambda fen: str(Decimal(fen) / 100))
PERSON = st.integers(0, 3).map(lambda person: f"person-{person:016d}")


def _unique(prefix: str) -> st.SearchStrategy[str]:
    return st.builds(lambda: f"{prefix}-{next(_number)}")


def _later() -> st.SearchStrategy[str]:
    return st.builds(lambda: str(date(2000, 1, 1) + timedelta(days=next(_number))))


def _one(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(values)


ROWS: dict[FeedName, st.SearchStrategy[Row]] = {
    FeedName.ENROLMENT: st.fixed_dictionaries(
        {
            "person_token": PERSON,
            "school_year": _one("2023", "2024"),
            "stage": STAGES,
            "grade": _one("1", "2"),
            "entered_on": _later(),
            "state": _one("enrolled", "suspended"),
            "nature": _one("public", "private"),
            "residence": _one("urban", "rural"),
            "boarding": _one("yes", "no"),
        }
    ),
    FeedName.HARDSHIP: st.fixed_dictionaries(
        {
            "person_token": PERSON,
            "school_year": _one("2023", "2024"),
            "stage": STAGES,
            "list_source": _one("school", "civil_affairs"),
            "hardship_type": _one("orphan", "other"),
            "hardship_level": _one("severe", "mild"),
            "valid_from": _later(),
        }
    ),
    FeedName.PAYMENT: st.fixed_dictionaries(
        {
            "record_id": _unique("p"),
            "award_record_id": _unique("a"),
            "year": _one("2024", "2025"),
            "stage": STAGES,
            "programme": _one("living_allowance", "postgraduate_grant"),
            "funding": _one("central", "local"),
            "person_token": PERSON,
            "amount": FEN,
            "due_on": DAYS,
            "paid_on": DAYS,
            "state": _one("due", "paid", "returned"),
            "reversal_of": _one("", "", "another"),
        }
    ).map(lambda row: row if row["state"] != "due" else {**row, "paid_on": ""}),
    FeedName.FUND_FLOW: st.fixed_dictionaries(
        {
            "record_id": _unique("f"),
            "document_number": st.just("教财〔2024〕16号"),
            "year": _one("2024", "2025"),
            "programme": _one("living_allowance", "postgraduate_grant"),
            "funding": _one("central", "local"),
            "flow_kind": _one("budget", "transfer"),
            "from_level": _one("central", "province"),
            "to_level": _one("city", "county"),
            "amount": FEN,
            "moved_on": DAYS,
        }
    ),
    FeedName.LOAN: st.fixed_dictionaries(
        {
            "record_id": _unique("l"),
            "person_token": PERSON,
            "year": _one("2024", "2025"),
            "stage": STAGES,
            "loan_kind": _one("origin", "campus"),
            "bank": _one("cdb", "other"),
            "amount": FEN.map(lambda yuan: str(Decimal(yuan) + 50)),
            "granted_on": DAYS,
            "balance": _one("0", "12.34", "50"),
            "state": _one("granted", "repaying"),
        }
    ),
}
Batch = tuple[FeedName, list[tuple[str, Row]]]
BATCH: st.SearchStrategy[Batch] = st.sampled_from(list(ROWS)).flatmap(
    lambda feed: st.tuples(
        st.just(feed), st.lists(st.tuples(st.sampled_from(UNITS), ROWS[feed]), min_size=1, max_size=6)
    )
)
STEP = st.tuples(BATCH, st.booleans(), st.none() | st.sampled_from(["sibling", "province"]))


def _school_year(day: str) -> str:
    found = date.fromisoformat(day)
    return str(found.year - (found.month < 9))


PERIODS: dict[FeedName, dict[str, Callable[[Row], str]]] = {
    FeedName.ENROLMENT: {"school_year": lambda row: row["school_year"]},
    FeedName.HARDSHIP: {"school_year": lambda row: row["school_year"]},
    FeedName.PAYMENT: {
        "year": lambda row: row["year"],
        "school_year": lambda row: _school_year(row["due_on"]),
        "month": lambda row: row["due_on"][:7],
    },
    FeedName.FUND_FLOW: {"year": lambda row: row["year"], "month": lambda row: row["moved_on"][:7]},
    FeedName.LOAN: {
        "year": lambda row: row["year"],
        "school_year": lambda row: _school_year(row["granted_on"]),
        "month": lambda row: row["granted_on"][:7],
    },
}
Figures = tuple[Decimal, int, Decimal, int]


def _sign(row: Row) -> int:
    return -1 if row.get("reversal_of") and row["state"] != "returned" else 1


def _weight(feed: FeedName, row: Row) -> Decimal:
    if feed is FeedName.LOAN:
        return Decimal(row["balance"])
    if feed is FeedName.PAYMENT and row["paid_on"]:
        return Decimal((date.fromisoformat(row["paid_on"]) - date.fromisoformat(row["due_on"])).days)
    return Decimal(0)


def _figures(feed: FeedName, rows: list[Row]) -> Figures:
    nets: dict[str, int] = defaultdict(int)
    for row in rows:
        nets[row.get("person_token", "")] += _sign(row)
    return (
        sum((_sign(row) * Decimal(row.get("amount", 0)) for row in rows), Decimal(0)),
        sum(nets.values()),
        sum((_sign(row) * _weight(feed, row) for row in rows), Decimal(0)),
        0 if feed is FeedName.FUND_FLOW else sum(net > 0 for net in nets.values()),
    )


def expected(
    facts: list[tuple[FeedName, str, str, Row]], schools: set[str]
) -> dict[tuple[Any, ...], Figures]:
    """Every cell, computed from the rows: feed, authority path, path of the territory, row."""
    grouped: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for feed, path, region, row in facts:
        declared = CELL_FEEDS[feed]
        values = {dimension: row[column] for dimension, column in declared.columns.items()}
        if Dimension.STAGE in values:
            values[Dimension.SECTOR] = SECTOR_OF[values[Dimension.STAGE]]
        for tree in (path, region):
            labels = tree.split(".")
            for length in range(1, len(labels) + 1):
                school = tree is path and labels[length - 1] in schools
                kept = declared.schools if school else declared.offices
                for calendar, groupings in kept.items():
                    period = PERIODS[feed][calendar.value](row)
                    for one in groupings:
                        rest = tuple(sorted((name.value, values[name]) for name in one))
                        grouped[feed, ".".join(labels[:length]), calendar.value, period, rest].append(row)
    figures = {key: _figures(key[0], rows) for key, rows in grouped.items()}
    return {key: found for key, found in figures.items() if any(found[:3])}


async def cells_of(cockpit: Cockpit) -> dict[tuple[Any, ...], Figures]:
    async with cockpit.database.transaction() as session:
        rows = await session.execute(
            select(CellCombination, CellNode.path, Cell)
            .join(Cell, Cell.combination_id == CellCombination.id)
            .join(CellNode, CellNode.id == Cell.node_id)
        )
        return {
            (one.feed, path, cell.calendar.value, cell.period, tuple(sorted(one.values.items()))): (
                cell.amount,
                cell.times,
                cell.weight,
                cell.persons,
            )
            for one, path, cell in rows
            if cell.times or cell.amount or cell.weight
        }


async def give_regions(cockpit: Cockpit) -> dict[str, str]:
    """Give the schools the region of their county; return the paths of the regions by short name."""
    async with cockpit.database.transaction() as session:
        for name in ("school", "other_school", "sibling_school"):
            place = cockpit.world[name]
            await session.execute(update(Unit).where(Unit.id == place.id).values(region_code=place.code[:6]))
    return {name: region_path(cockpit.world[name].code[:6]) for name in UNITS}


async def send(cockpit: Cockpit, feed: FeedName, rows: list[tuple[str, Row]]) -> str:
    full = [{**row, "unit_code": cockpit.world[unit].code} for unit, row in rows]
    columns = [column.name for column in FEEDS[feed].columns if column.name in full[0]]
    made = await cockpit.upload(feed.value, "centre", csv_of(full, columns))
    assert made.status_code == 201, made.text
    assert made.json()["accepted"] == len(rows), made.text
    found: str = made.json()["id"]
    return found


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=2, max_size=4))
async def test_cells_of_all_feeds_equal_the_rows_after_withdrawals_and_moves(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[Batch, bool, str | None]]
) -> None:
    # So small that every batch takes several pages, runs on disk and statements.
    for name, value in (
        ("facts.PAGE", 2),
        ("spill.MOST", 30),
        ("repository.COUNTERS", 5),
        ("service.STATEMENT", 7),
    ):
        monkeypatch.setattr(f"cockpit.cells.{name}", value)
    schools = {place.code for place in cockpit.world.places.values() if place.level == "school"}
    regions = await give_regions(cockpit)
    batches: list[tuple[str, list[tuple[FeedName, str, str, Row]]]] = []
    for (feed, rows), gone, under in steps:
        where = await paths(cockpit)
        made = await send(cockpit, feed, rows)
        batches.append((made, [(feed, where[unit], regions[unit], row) for unit, row in rows]))
        if gone:
            await withdraw(cockpit, batches.pop(0)[0], "centre")
        if under is not None:
            await move(cockpit, "school", under)
    assert await cells_of(cockpit) == expected([fact for _, facts in batches for fact in facts], schools)
    for batch, _ in batches:
        await withdraw(cockpit, batch, "centre")
    assert await cells_of(cockpit) == {}
    assert all(
        verdict.settled and not verdict.differences
        for verdict in await cockpit.app.state.cell_verifier.sample()
    )


def hardship(person: str, **changes: str) -> Row:
    return {
        "person_token": f"person-{person:>16}".replace(" ", "0"),
        "school_year": "2024",
        "stage": "compulsory",
        "list_source": "school",
        "hardship_type": "other",
        "hardship_level": "mild",
        "valid_from": str(date(2024, 9, 1) + timedelta(days=next(_number) % 300)),
        **changes,
    }


async def test_figures_are_read_by_what_is_kept_along_both_trees(cockpit: Cockpit) -> None:
    await give_regions(cockpit)
    listed = [
        ("school", hardship("1", hardship_type="orphan")),
        ("school", hardship("1", list_source="civil_affairs")),
        ("sibling_school", hardship("1", stage="master")),
        ("sibling_school", hardship("2", stage="doctor", hardship_level="severe")),
        ("county", hardship("3")),
    ]
    await send(cockpit, FeedName.HARDSHIP, listed)
    aided = [award(year="2024", term="秋季", person_token=f"person-{p:016d}") for p in (1, 3, 4)]
    await cockpit.upload("award", "county", csv_of(aided))

    async with cockpit.database.transaction() as session:
        cells = Cells(session)

        async def read(
            tree: Tree, code: str, by: Grouping = frozenset(), **options: Any
        ) -> list[tuple[Any, ...]]:
            rows = await cells.read(
                FeedName.HARDSHIP,
                tree,
                Calendar.SCHOOL_YEAR,
                codes=[code],
                periods=["2024"],
                by=by,
                **options,
            )
            return [(*sorted(row.values.values()), row.times, row.persons) for row in rows]

        assert await read(Tree.AUTHORITY, "100000") == [(5, 3)]
        assert await read(Tree.TERRITORY, "000000") == [(5, 3)]
        assert await read(Tree.TERRITORY, "370103", grouping(Dimension.STAGE)) == [
            ("doctor", 1, 1),
            ("master", 1, 1),
        ]
        # Persons of several values are counted once, and sectors follow from stages.
        both = {Dimension.STAGE: ["compulsory", "master"]}
        assert await read(Tree.AUTHORITY, "370100", only=both) == [(4, 2)]
        assert await read(Tree.AUTHORITY, "370100", grouping(Dimension.SECTOR)) == [
            ("basic", 3, 2),
            ("higher", 2, 2),
        ]
        higher = {Dimension.SECTOR: ["higher"]}
        assert await read(Tree.AUTHORITY, "370100", grouping(Dimension.STAGE), only=higher) == [
            ("doctor", 1, 1),
            ("master", 1, 1),
        ]
        below = await cells.below(
            FeedName.HARDSHIP, Tree.TERRITORY, Calendar.SCHOOL_YEAR, code="370100", periods=["2024"]
        )
        assert [(row.code, row.times, row.persons) for row in below] == [("370102", 3, 2), ("370103", 2, 2)]
        calendars = [Calendar.SCHOOL_YEAR]
        found = await cells.periods(FeedName.HARDSHIP, Tree.TERRITORY, calendars, "370102")
        assert found == {Calendar.SCHOOL_YEAR: ["2024"]}

        for code, by, words in (
            ("370102", grouping(Dimension.STAGE, Dimension.LIST_SOURCE), "困难等级×困难类型"),
            ("3701020001", grouping(Dimension.HARDSHIP_TYPE), "学校的"),
            ("370102", grouping(Dimension.BANK), "合计"),
        ):
            with pytest.raises(GroupingNotKept, match=words):
                await read(Tree.AUTHORITY, code, by)
        assert supports(FeedName.HARDSHIP, Tree.AUTHORITY, [Dimension.HARDSHIP_TYPE])
        assert not supports(FeedName.HARDSHIP, Tree.AUTHORITY, [Dimension.HARDSHIP_TYPE], school=True)
        assert not supports(FeedName.PUBLISHED_AGGREGATE, Tree.AUTHORITY, [])


async def test_persons_in_two_cells_are_counted_exactly_also_after_one_has_changed(cockpit: Cockpit) -> None:
    overlaps = Overlaps()

    async def both(**only: Any) -> int:
        async with cockpit.database.transaction() as session:
            where = Tree.AUTHORITY, Calendar.SCHOOL_YEAR, "370102", "2024"
            cells = Cells(session, overlaps)
            await cells.hold()
            return await cells.persons_in_both(
                CellRef(FeedName.HARDSHIP, *where, **only), CellRef(FeedName.AWARD, *where)
            )

    await send(cockpit, FeedName.HARDSHIP, [("county", hardship(person)) for person in "123"])
    assert await both() == 0
    rows = [award(year="2024", term="秋季", person_token=f"person-{p:016d}") for p in (1, 3, 4)]
    made = await cockpit.upload("award", "county", csv_of(rows))
    assert [await both(), await both()] == [2, 2]
    assert await both(only={Dimension.HARDSHIP_LEVEL: ["severe"]}) == 0
    assert await both(only={Dimension.HARDSHIP_LEVEL: ["severe", "mild"]}) == 2
    more = [award(year="2024", term="全年", person_token=f"person-{2:016d}")]
    await cockpit.upload("award", "county", csv_of(more))
    assert await both() == 3
    await withdraw(cockpit, made.json()["id"], "county")
    assert await both() == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_=st.lists(
        st.tuples(
            st.integers(-3, 0), st.integers(1, 3), st.lists(st.integers(0, 20_000), max_size=3, unique=True)
        ),
        max_size=20,
    )
)
def test_changes_on_disk_are_given_in_the_order_of_locks_and_each_cell_once(
    monkeypatch: pytest.MonkeyPatch, given_: list[tuple[int, int, list[int]]]
) -> None:
    monkeypatch.setattr("cockpit.cells.spill.MOST", 4)
    changes, whole = Changes(), Changes()
    for rank, node, persons in given_:
        key = CellKey(rank, node, 1, "year", "2024")
        for into in (changes, whole):
            # Facts and reversals, of one slice and of two.
            counters = counters_of(persons, [(-1, 1, 2)[person % 3] for person in persons])
            into.add(key, Delta(Decimal("0.1"), len(persons), Decimal(-1), counters))
        changes.spill()
    found = list(changes.ordered())
    changes.close()
    assert found == list(whole.ordered())
    assert [key for key, _ in found] == sorted({key for key, _ in found})
