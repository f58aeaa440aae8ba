"""Counters of persons equal counting them one by one."""

from collections import Counter as Tally

from hypothesis import given
from hypothesis import strategies as st

from cockpit.cells.counters import NOBODY, PERSONS, Counter, counters_of
from cockpit.cells.rules import region_path

_LOAD = st.dictionaries(
    st.one_of(st.integers(0, 12), st.integers(PERSONS - 2, PERSONS + 2), st.integers(0, 10**9)),
    st.integers(-3, 9),
    max_size=12,
)


@given(loads=st.lists(_LOAD, max_size=6))
def test_persons_are_those_with_more_facts_than_reversals(loads: list[dict[int, int]]) -> None:
    counts: Tally[int] = Tally()
    blocks: dict[int, Counter] = {}
    for load in loads:
        counts.update(load)
        for block, counter in counters_of(list(load), list(load.values())).items():
            kept = blocks.get(block, NOBODY).with_(counter)
            blocks[block] = Counter.unpack(kept.pack())
    assert sum(counter.persons() for counter in blocks.values()) == sum(n > 0 for n in counts.values())


def test_a_load_and_its_reversal_leave_nobody() -> None:
    blocks: dict[int, Counter] = {}
    for net in (5, -5):
        for block, counter in counters_of([1, PERSONS], [net, net]).items():
            blocks[block] = blocks.get(block, NOBODY).with_(counter)
    assert [counter.persons() for counter in blocks.values()] == [0, 0]


def test_regions_lie_below_city_province_and_country() -> None:
    paths = {
        "370102": "000000.370000.370100.370102",
        "370100": "000000.370000.370100",
        "370000": "000000.370000",
        # Districts of a municipality and counties directly below a province have no city.
        "110101": "000000.110000.110101",
        "429004": "000000.420000.429004",
        "659001": "000000.650000.659001",
        "370102001": "000000.370000.370100.370102",
        "000000": "000000",
        "": "000000",
        "济南": "000000",
    }
    assert {code: region_path(code) for code in paths} == paths
