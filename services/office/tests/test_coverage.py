"""How far a notice has come, and who holds it up."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_bench import Bench, World

from office.coverage import repository

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


async def test_one_county_that_withholds_leaves_1013_of_1016_and_is_named(bench: Bench) -> None:
    world = world_s()
    await bench.put_units(world)
    notice = await bench.published()
    parents = {str(unit["parent_id"]) for unit in world.units.values()}
    inner = [code for code in world.units if world.id(code) in parents and code != "100000"]
    cut_off = {"S3701011", "S3701012", "D370101"}
    await bench.put_acts(
        notice,
        forwarded=[code for code in inner if code not in {"370101", "S3701011"}],
        signed=[code for code in world.units if code != "100000" and code not in cut_off],
    )
    answer = await bench.coverage(notice)
    assert (answer["total"], answer["delivered"], answer["signed"]) == (1016, 1013, 1013)
    assert answer["blocking"] == {"count": 1, "items": [{"unit": world.ref("370101"), "cut_off": 3}]}
    assert {item["unit"]["code"] for item in answer["missing"]["items"]} == cut_off
    assert {item["reason"] for item in answer["missing"]["items"]} == {"not_delivered"}
    assert all(item["blocked_by"] == world.ref("370101") for item in answer["missing"]["items"])
    assert [child["total"] for child in answer["children"]] == [
        13 + 95 * 4 + 1,
        15 + 126 * 4 + 1,
        41,
        6,
        6,
        49,
    ]

    province = await bench.coverage(notice, "370000")
    assert (province["total"], province["signed"], province["under"]) == (520, 517, world.ref("370000"))
    assert len(province["children"]) == 15
    school = await bench.coverage(notice, under=world.id("S3701012"))
    assert (school["total"], school["delivered"], school["blocking"]["count"]) == (1, 0, 1)

    await bench.forwarded(notice, "370101", "S3701011")
    assert (await bench.coverage(notice))["delivered"] == 1016


async def test_coverage_of_another_branch_is_out_of_reach(bench: Bench) -> None:
    notice = await bench.published()
    province = bench.of("370000")
    for code in ("320000", "100000"):
        refused = await province.get(f"{N}/{notice}/coverage", params={"under": bench.world.id(code)})
        assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    nowhere = {"under": "00000000-0000-7000-8000-000000000000"}
    assert (await province.get(f"{N}/{notice}/coverage", params=nowhere)).status_code == 404


async def test_a_unit_that_does_not_have_the_notice_sees_no_coverage(bench: Bench) -> None:
    notice = await bench.published()
    assert (await bench.of("370100").get(f"{N}/{notice}/coverage")).status_code == 404


async def test_closed_units_are_not_counted(bench: Bench) -> None:
    world = bench.world
    world.units["S3701020002"]["status"] = "closed"
    await bench.put_units(world)
    notice = await bench.published("370102")
    assert (await bench.coverage(notice, "370102"))["total"] == 2


async def test_readers_are_counted_apart_from_signatures(bench: Bench) -> None:
    people = [(code, uuid.uuid4()) for code in ("100000", "370000", "370000", "370100")]
    await bench.put_people(people)
    notice = await bench.published()
    await bench.of("370000", sub=str(people[1][1])).get(f"{N}/{notice}")
    await bench.of("100000", sub=str(people[0][1])).get(f"{N}/{notice}")
    answer = await bench.coverage(notice)
    assert (answer["people"], answer["signed"]) == ({"total": 3, "read": 1}, 0)


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

    def expected(self, scope: int) -> dict[str, Any]:
        units = self.counted(scope)
        late = [index for index in units if not self.has(index)]
        blockers: dict[str, int] = {}
        for index in late:
            name = self.codes[self.blocker(index)]
            blockers[name] = blockers.get(name, 0) + 1
        children = [child for child in range(1, len(self.parents)) if self.parents[child] == scope]
        return {
            **self.tally(units),
            "blocking": blockers,
            "children": {
                self.codes[child]: self.tally(self.counted(child))
                for child in children
                if self.counted(child)
            },
            "missing": [
                (self.codes[index], None if self.has(index) else self.codes[self.blocker(index)])
                for index in sorted(units, key=self.path)
                if not self.signed[index]
            ],
        }

    def tally(self, units: list[int]) -> dict[str, int]:
        return {
            "total": len(units),
            "delivered": sum(self.has(index) for index in units),
            "signed": sum(self.signed[index] for index in units),
        }


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


def seen(answer: dict[str, Any], missing: list[dict[str, Any]]) -> dict[str, Any]:
    counts = ("total", "delivered", "signed")
    blocking = answer["blocking"]
    assert blocking["count"] == len(blocking["items"])
    for item in missing:
        assert (item["reason"] == "not_signed") == (item["blocked_by"] is None)
    return {
        **{name: answer[name] for name in counts},
        "blocking": {item["unit"]["code"]: item["cut_off"] for item in blocking["items"]},
        "children": {
            child["unit"]["code"]: {name: child[name] for name in counts} for child in answer["children"]
        },
        "missing": [
            (item["unit"]["code"], item["blocked_by"] and item["blocked_by"]["code"]) for item in missing
        ],
    }


async def all_missing(bench: Bench, notice: str, scope: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    params: dict[str, Any] = {"under": scope, "limit": 3}
    while True:
        page = (await bench.coverage(notice, "u00", **params))["missing"]
        items += page["items"]
        if page["next"] is None:
            return items
        params["cursor"] = page["next"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees(), data=st.data())
async def test_coverage_of_any_tree_is_what_a_naive_count_finds(
    bench: Bench, tree: Tree, data: st.DataObject
) -> None:
    world = World()
    for index, code in enumerate(tree.codes):
        parent = None if index == 0 else tree.codes[tree.parents[index]]
        world.add(code, parent, status="active" if tree.active[index] else "closed")
    await bench.forget_notices()
    await bench.put_units(world)
    # The root needs an active child to publish; unit 1 is one.
    notice = await bench.published("u00")
    await bench.put_acts(
        notice,
        forwarded=[code for code, did in zip(tree.codes[1:], tree.forwarded[1:], strict=True) if did],
        signed=[code for code, did in zip(tree.codes[1:], tree.signed[1:], strict=True) if did],
    )
    scope = data.draw(st.integers(0, len(tree.codes) - 1))
    answer = await bench.coverage(notice, "u00", under=world.id(tree.codes[scope]))
    missing = await all_missing(bench, notice, world.id(tree.codes[scope]))
    assert seen(answer, missing) == tree.expected(scope)


@pytest.mark.parametrize("cursor", ["eA", "WyJhIl0x", "WyInOyBEUk9QIl0", "W10", "WyIiXQ", "WyJhXHUwMDAwIl0"])
async def test_a_foreign_cursor_is_refused(bench: Bench, cursor: str) -> None:
    notice = await bench.published()
    refused = await bench.of("100000").get(f"{N}/{notice}/coverage", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


async def test_coverage_is_current_while_units_sign(bench: Bench) -> None:
    notice = await bench.published()
    await asyncio.gather(*(bench.of(code).post(f"{N}/{notice}/sign") for code in ("320000", "370000")))
    assert (await bench.coverage(notice))["signed"] == 2


async def test_the_figures_agree_although_a_unit_signs_while_they_are_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = await bench.published()
    blockers = repository.blockers

    async def signed_meanwhile(*arguments: Any, **options: Any) -> Any:
        response = await bench.of("370000").post(f"{N}/{notice}/sign")
        assert response.status_code == 201
        return await blockers(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(repository, "blockers", signed_meanwhile)
        answer = await bench.coverage(notice)
    assert answer["total"] - answer["signed"] == len(answer["missing"]["items"])
    assert (answer["signed"], (await bench.coverage(notice))["signed"]) == (0, 1)
