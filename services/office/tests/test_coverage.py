"""How far a notice has come, and who holds it up."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from office.coverage.repository import BlockingUnit, CoverageRepository
from office.coverage.schemas import BlockersOut, BlockingOut, CoverageOut, MissingOut, ReadersOut
from office.coverage.scope import Scope
from office.directory.schemas import UnitRef
from office.notices.models import Notice
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.world import World

N = "/api/v1/notices"


def world_s() -> World:
    """The shape of the acceptance world: 6, 60, 265, 464 and 221 units below the centre."""
    world = World()
    world.add("100000", None)
    counties: list[str] = []

    def county(code: str, parent: str) -> None:
        world.add(code, parent)
        counties.append(code)

    for province, cities, below in (("320000", 13, 95), ("370000", 15, 126)):
        world.add(province, "100000")
        for number in range(cities):
            world.add(f"{province[:2]}{number + 1:02}00", province)
        for number in range(below):
            city = f"{province[:2]}{number % cities + 1:02}00"
            county(f"{city[:4]}{number // cities + 1:02}", city)
    for office, below in (("660000", 12), ("370200x", 10)):
        world.add(office, "100000")
        for number in range(below):
            county(f"{office}c{number}", office)
    for university in ("4132010284", "4142010491"):
        world.add(university, "100000")
        for number in range(5):
            world.add(f"{university}d{number}", university)
    for code in counties:
        world.add(f"S{code}1", code)
        world.add(f"S{code}2", code)
        world.add(f"D{code}", f"S{code}1")
    return world


async def test_one_county_that_withholds_leaves_1013_of_1016_and_is_named(office: RunningOffice) -> None:
    world = world_s()
    world.units["370000"] |= {"level": "province", "region_code": "370000"}
    await office.replace_units(world)
    notice = await office.published()
    parents = {str(unit["parent_id"]) for unit in world.units.values()}
    inner = [code for code in world.units if world.id(code) in parents and code != "100000"]
    cut_off = {"S3701011", "S3701012", "D370101"}
    await office.insert_receipts(
        notice,
        forwarded=[code for code in inner if code not in {"370101", "S3701011"}],
        signed=[code for code in world.units if code != "100000" and code not in cut_off],
    )
    answer = await office.coverage(notice)
    county = UnitRef.model_validate(world.ref("370101"))
    assert (answer.total, answer.delivered, answer.signed) == (1016, 1013, 1013)
    assert answer.blocking == BlockersOut(count=1, items=[BlockingOut(unit=county, cut_off=3)])
    assert {item.unit.code for item in answer.missing.items} == cut_off
    assert {item.reason for item in answer.missing.items} == {"not_delivered"}
    assert all(item.blocked_by == county for item in answer.missing.items)
    assert [child.total for child in answer.children] == [
        13 + 95 * 4 + 1,
        15 + 126 * 4 + 1,
        41,
        6,
        6,
        49,
    ]

    province = await office.coverage(notice, "370000")
    assert (province.total, province.signed, province.under.code) == (520, 517, "370000")
    assert len(province.children) == 15
    # Where a page puts it on a map.
    placed = {child.unit.code: child.unit for child in answer.children}["370000"]
    assert province.under == placed
    assert (placed.level, placed.kind, placed.region_code) == ("province", "student_aid", "370000")
    school = await office.coverage(notice, under="S3701012")
    assert (school.total, school.delivered, school.blocking.count) == (1, 0, 1)

    await office.forwarded(notice, "370101", "S3701011")
    assert (await office.coverage(notice)).delivered == 1016


async def test_coverage_of_another_branch_is_out_of_reach(office: RunningOffice) -> None:
    notice = await office.published()
    province = office.unit("370000")
    for code in ("320000", "100000"):
        refused = await province.get(f"{N}/{notice}/coverage", params={"under": office.world.id(code)})
        assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    nowhere = {"under": "00000000-0000-7000-8000-000000000000"}
    assert (await province.get(f"{N}/{notice}/coverage", params=nowhere)).status_code == 404


async def test_a_unit_that_does_not_have_the_notice_sees_no_coverage(office: RunningOffice) -> None:
    notice = await office.published()
    assert (await office.unit("370100").get(f"{N}/{notice}/coverage")).status_code == 404


async def test_closed_units_are_not_counted(office: RunningOffice) -> None:
    world = office.world
    world.units["S3701020002"]["status"] = "closed"
    await office.replace_units(world)
    notice = await office.published("370102")
    assert (await office.coverage(notice, "370102")).total == 2


async def test_readers_are_counted_apart_from_signatures(office: RunningOffice) -> None:
    people = [(code, uuid.uuid4()) for code in ("100000", "370000", "370000", "370100")]
    await office.insert_people(people)
    notice = await office.published()
    await office.unit("370000", sub=str(people[1][1])).post(f"{N}/{notice}/read")
    await office.unit("100000", sub=str(people[0][1])).post(f"{N}/{notice}/read")
    answer = await office.coverage(notice)
    assert (answer.people, answer.signed) == (ReadersOut(total=3, read=1), 0)


async def test_a_unit_whose_people_read_at_once_has_read_once(office: RunningOffice) -> None:
    people = [uuid.uuid4() for _ in range(4)]
    await office.insert_people([("370100", sub) for sub in people])
    notice = await office.published()
    await office.forwarded(notice, "370000")
    await asyncio.gather(*(office.unit("370100", sub=str(sub)).post(f"{N}/{notice}/read") for sub in people))
    answer = await office.coverage(notice)
    assert (answer.people.read, answer.read) == (4, 1)


Counts = tuple[int, int, int]
"""Units in total, those that have the notice, those that have signed."""


@dataclass
class Expected:
    """A coverage, by code."""

    counts: Counts
    blocking: dict[str, int]
    children: dict[str, Counts]
    missing: list[tuple[str, str | None]]


@dataclass
class Tree:
    """A tree with arbitrary facts, and the plainest possible reading of them.

    Forwardings are not limited to units that have the notice: after a unit has been moved, such facts
    exist.
    """

    parents: list[int]
    active: list[bool]
    forwarded: list[bool]
    signed: list[bool]
    codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.codes = [f"u{index:02}" for index in range(len(self.parents))]

    def above(self, index: int) -> Iterator[int]:
        while index != 0:
            index = self.parents[index]
            yield index

    def within(self, index: int, scope: int) -> bool:
        return index == scope or scope in self.above(index)

    def has(self, index: int) -> bool:
        return index != 0 and self.forwarded[self.parents[index]]

    def blocker(self, index: int) -> int:
        return next(unit for unit in self.above(index) if self.has(unit))

    def counted(self, scope: int) -> list[int]:
        every = range(1, len(self.parents))
        return [index for index in every if self.active[index] and self.within(index, scope)]

    def path(self, index: int) -> str:
        return ".".join(self.codes[unit] for unit in [*list(self.above(index))[::-1], index])

    def expected(self, scope: int) -> Expected:
        units = self.counted(scope)
        late = [index for index in units if not self.has(index)]
        blocking: dict[str, int] = {}
        for index in late:
            name = self.codes[self.blocker(index)]
            blocking[name] = blocking.get(name, 0) + 1
        children = [child for child in range(1, len(self.parents)) if self.parents[child] == scope]
        return Expected(
            counts=self.tally(units),
            blocking=blocking,
            children={
                self.codes[child]: self.tally(self.counted(child))
                for child in children
                if self.counted(child)
            },
            missing=[
                (self.codes[index], None if self.has(index) else self.codes[self.blocker(index)])
                for index in sorted(units, key=lambda unit: (self.path(self.parents[unit]), self.path(unit)))
                if not self.signed[index]
            ],
        )

    def tally(self, units: list[int]) -> Counts:
        return (
            len(units),
            sum(self.has(index) for index in units),
            sum(self.signed[index] for index in units),
        )


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    size = draw(st.integers(2, 14))
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    parents = [0] + [draw(st.integers(0, index - 1)) for index in range(1, size)]
    active, forwarded = draw(flags), draw(flags)
    active[0] = forwarded[0] = True
    # The publisher has a child, or it could not have published.
    active[1] = True
    return Tree(parents, active, forwarded, draw(flags))


def seen(answer: CoverageOut, missing: list[MissingOut]) -> Expected:
    assert answer.blocking.count == len(answer.blocking.items)
    for item in missing:
        assert (item.reason == "not_signed") == (item.blocked_by is None)
    return Expected(
        counts=(answer.total, answer.delivered, answer.signed),
        blocking={item.unit.code: item.cut_off for item in answer.blocking.items},
        children={child.unit.code: (child.total, child.delivered, child.signed) for child in answer.children},
        missing=[
            (item.unit.code, None if item.blocked_by is None else item.blocked_by.code) for item in missing
        ],
    )


async def all_missing(office: RunningOffice, notice: str, scope: str) -> list[MissingOut]:
    items: list[MissingOut] = []
    cursor: str | None = None
    while True:
        page = (await office.coverage(notice, "u00", under=scope, limit=3, cursor=cursor)).missing
        items += page.items
        cursor = page.next
        if cursor is None:
            return items


@st.composite
def scoped_trees(draw: st.DrawFn) -> tuple[Tree, int]:
    tree = draw(trees())
    return tree, draw(st.integers(0, len(tree.parents) - 1))


BLOCKED_FORWARDER = Tree([0, 0, 1], [True, True, True], [True, False, True], [False, False, False])
"""The last unit has forwarded a notice that its superior unit withholds from it."""
CLOSED_FORWARDER = Tree(
    [0, 0, 0, 2, 3], [True, True, False, False, True], [True, False, True, False, False], [False] * 5
)
"""Nothing active stands directly below the third unit, which has forwarded; the last one is below that."""


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(scoped=(BLOCKED_FORWARDER, 2))
@example(scoped=(CLOSED_FORWARDER, 0))
@given(scoped=scoped_trees())
async def test_coverage_of_any_tree_is_what_a_naive_count_finds(
    office: RunningOffice, scoped: tuple[Tree, int]
) -> None:
    tree, scope = scoped
    world = World()
    for index, code in enumerate(tree.codes):
        parent = None if index == 0 else tree.codes[tree.parents[index]]
        world.add(code, parent, status="active" if tree.active[index] else "closed")
    await office.delete_notices()
    await office.replace_units(world)
    # The root needs an active child to publish; unit 1 is one.
    notice = await office.published("u00")
    await office.insert_receipts(
        notice,
        forwarded=[code for code, did in zip(tree.codes[1:], tree.forwarded[1:], strict=True) if did],
        signed=[code for code, did in zip(tree.codes[1:], tree.signed[1:], strict=True) if did],
    )
    answer = await office.coverage(notice, "u00", under=tree.codes[scope])
    missing = await all_missing(office, notice, tree.codes[scope])
    assert seen(answer, missing) == tree.expected(scope)


@pytest.mark.parametrize("cursor", ["eA", "WyJhIl0x", "WyInOyBEUk9QIl0", "W10", "WyIiXQ", "WyJhXHUwMDAwIl0"])
async def test_a_foreign_cursor_is_refused(office: RunningOffice, cursor: str) -> None:
    notice = await office.published()
    refused = await office.unit("100000").get(f"{N}/{notice}/coverage", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


async def test_coverage_is_current_while_units_sign(office: RunningOffice) -> None:
    notice = await office.published()
    await asyncio.gather(*(office.unit(code).post(f"{N}/{notice}/sign") for code in ("320000", "370000")))
    assert (await office.coverage(notice)).signed == 2


async def test_the_figures_agree_although_a_unit_signs_while_they_are_counted(
    office: RunningOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = await office.published()
    blocking = CoverageRepository.blocking

    async def signed_meanwhile(
        repository: CoverageRepository, notice_: Notice, scope: Scope, *, limit: int
    ) -> tuple[int, list[BlockingUnit]]:
        response = await office.unit("370000").post(f"{N}/{notice}/sign")
        assert response.status_code == 201
        return await blocking(repository, notice_, scope, limit=limit)

    with monkeypatch.context() as patch:
        patch.setattr(CoverageRepository, "blocking", signed_meanwhile)
        answer = await office.coverage(notice)
    assert answer.total - answer.signed == len(answer.missing.items)
    assert (answer.signed, (await office.coverage(notice)).signed) == (0, 1)
