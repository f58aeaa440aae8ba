"""The facts that `make run` loads: every place of world S has figures, and next to none has to be hidden."""

from collections import defaultdict
from functools import cache
from typing import Any

import pyarrow as pa

from cockpit.disclosure.tables import SMALL
from cockpit.feeds.declarations import FEEDS, FeedName
from cockpit.feeds.judging import judge
from contracts.vocabulary import Level
from identity.units import worlds
from onebox.facts.awards import Award
from onebox.facts.demonstration import GROUPS, demonstration, units
from onebox.facts.feeds import ROWS, Made
from onebox.facts.filling import files_of
from onebox.settings import Settings

APART = {
    FeedName.AWARD: ("year", "term", "stage", "programme", "funding"),
    FeedName.ENROLMENT: ("school_year", "stage", "grade", "nature", "residence", "boarding", "state"),
    FeedName.HARDSHIP: ("school_year", "stage", "list_source", "hardship_type", "hardship_level"),
    FeedName.PAYMENT: ("year", "stage", "programme", "funding", "state", "due_on", "paid_on"),
}
"""What the cockpit divides persons by."""


@cache
def made() -> list[Made]:
    return list(demonstration(Settings().awards))


def rows(feed: FeedName) -> list[Any]:
    return [one.row for one in made() if one.feed is feed]


def test_the_facts_of_make_run_are_valid() -> None:
    for feed, declared in ((feed, FEEDS[feed]) for feed in ROWS if feed is not FeedName.LOAN):
        found = rows(feed)
        texts = {
            column.name: pa.array([str(getattr(row, column.name, "")) for row in found])
            for column in declared.columns
        }
        assert found
        assert judge(declared, texts).errors == {}
        assert len({tuple(getattr(row, name) for name in declared.key) for row in found}) == len(found)
    assert {one.row.unit_code for one in made()} <= units()
    # Others are refused: the facts of persons belong to schools and to counties' offices.
    world = {unit.code: unit for unit in worlds.world_s()}
    of_persons = {world[row.unit_code] for feed in APART for row in rows(feed)}
    assert {unit.level for unit in of_persons} == {Level.SCHOOL}
    assert abs(len(rows(FeedName.AWARD)) - Settings().awards) < 0.05 * Settings().awards
    assert len(made()) < 75_000, "they are loaded while somebody looks at the first page"


def test_a_feed_without_facts_has_no_file_because_an_empty_one_is_refused() -> None:
    loaded = files_of(1_000)
    assert FeedName.AWARD in loaded
    assert all(content.count(b"\n") > 1 for content in loaded.values())


def test_no_cell_of_a_unit_has_so_few_persons_that_it_is_hidden() -> None:
    for feed, names in APART.items():
        cells: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for row in rows(feed):
            cells[row.unit_code, *(str(getattr(row, name)) for name in names)].add(row.person_token)
        assert min(len(persons) for persons in cells.values()) >= SMALL, feed


def test_every_city_and_the_counties_of_some_have_awards_in_each_year() -> None:
    world = worlds.world_s()
    persons: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in made():
        if isinstance(one.row, Award):
            persons[one.place, one.row.year].add(one.row.person_token)
    places = {place for place, _ in persons}
    assert persons.keys() == {(place, year) for place in places for year in (2024, 2025, 2026)}
    counties = {unit.code for unit in world if unit.level == Level.COUNTY}
    assert {code for code in counties if code[:4] in GROUPS} <= places
    assert {code[:4] for code in counties} == {place[:4] for place in places & counties}
    assert len({len(found) for found in persons.values()}) > 20, "sizes differ"
