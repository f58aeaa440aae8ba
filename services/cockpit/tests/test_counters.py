"""Counters of persons equal counting them one by one."""

from collections import Counter as Tally

from hypothesis import given
from hypothesis import strategies as st

from cockpit.cells.counters import PERSONS, Counter, counters_of
from cockpit.cells.rules import Calendar, ancestry, periods

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
            kept = blocks.setdefault(block, Counter())
            kept.add(counter)
            blocks[block] = Counter.unpack(kept.pack())
    assert sum(counter.persons() for counter in blocks.values()) == sum(n > 0 for n in counts.values())


def test_a_load_and_its_reversal_leave_nobody() -> None:
    blocks: dict[int, Counter] = {}
    for net in (5, -5):
        for block, counter in counters_of([1, PERSONS], [net, net]).items():
            blocks.setdefault(block, Counter()).add(counter)
    assert [counter.persons() for counter in blocks.values()] == [0, 0]


def test_a_spring_belongs_to_the_school_year_that_began_before_it() -> None:
    found = {term: dict(periods(2017, term)) for term in ("spring", "autumn", "year")}
    assert {term: when[Calendar.SCHOOL_YEAR] for term, when in found.items()} == {
        "spring": "2016",
        "autumn": "2017",
        "year": "2017",
    }
    assert {when[Calendar.YEAR] for when in found.values()} == {"2017"}
    assert {when[Calendar.TERM] for when in found.values()} == {"2017-spring", "2017-autumn", "2017-year"}


def test_the_ancestry_of_a_path_begins_at_the_root() -> None:
    assert ancestry("1.2.3") == ["1", "1.2", "1.2.3"]
