"""Bad reference data and bad lists of units are refused with a reason, never half accepted."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vocabulary import Kind, Level, Stage
from identity.units import rules
from identity.units.rules import SeedError, UnitSeed

HEADER = "code,name,type,level,parent_code"


def unit(code: str, parent_code: str | None) -> UnitSeed:
    return UnitSeed(code, parent_code, code, code, Level.COUNTY, Kind.STUDENT_AID, (Stage.COMPULSORY,), None)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["370000,山东省,省,province,", "370000,山东省,省,province,"], "used twice"),
        (["370100,济南市,地级市,city,370000"], "unknown parent 370000"),
        (["370000,山东省,省,planet,"], "no level"),
    ],
)
def test_bad_divisions_are_refused(rows: list[str], reason: str) -> None:
    with pytest.raises(SeedError, match=reason):
        rules.parse_divisions([HEADER, *rows])


def test_a_university_code_used_twice_is_refused() -> None:
    row = "4132010284,南京大学,教育部,南京市,本科,"
    with pytest.raises(SeedError, match="used twice"):
        rules.parse_universities(["code,name,authority,location,level,note", row, row])


@pytest.mark.parametrize("code", ["", "a.b", "a b", "a-b", "南京", "1\n"])
def test_a_code_that_is_no_ltree_label_is_refused(code: str) -> None:
    with pytest.raises(SeedError, match="ltree"):
        unit(code, None)


def test_paths_refuse_a_child_before_its_parent_and_a_code_used_twice() -> None:
    with pytest.raises(SeedError, match="before its parent"):
        rules.unit_paths([unit("b", "a"), unit("a", None)])
    with pytest.raises(SeedError, match="used twice"):
        rules.unit_paths([unit("a", None), unit("a", None)])


def test_ordering_refuses_orphans_circles_and_codes_used_twice() -> None:
    with pytest.raises(SeedError, match="no root reaches 1 units, the first of them b"):
        rules.breadth_first([unit("a", None), unit("b", "x")])
    with pytest.raises(SeedError, match="no root reaches 2 units"):
        rules.breadth_first([unit("a", None), unit("b", "c"), unit("c", "b")])
    with pytest.raises(SeedError, match="used twice"):
        rules.breadth_first([unit("a", None), unit("a", None)])


def test_an_empty_list_has_no_waves() -> None:
    assert rules.breadth_first([]) == []
    assert rules.wave_sizes([]) == []


@given(st.lists(st.integers(min_value=0), max_size=40), st.randoms(use_true_random=False))
def test_ordering_a_shuffled_tree_puts_parents_first_and_keeps_every_unit(
    parents: list[int], random: Random
) -> None:
    units = [unit("u0", None)]
    units += [unit(f"u{index}", f"u{parent % index}") for index, parent in enumerate(parents, start=1)]
    shuffled = list(units)
    random.shuffle(shuffled)
    ordered = rules.breadth_first(shuffled)
    assert {item.code for item in ordered} == {item.code for item in units}
    depths = [path.count(".") for path in rules.unit_paths(ordered).values()]
    assert depths == sorted(depths)
    assert sum(rules.wave_sizes(ordered)) == len(units) - 1
