"""Facts of world S for `make run`: figures of every province and city in it, and of counties.

A figure of fewer than five persons is hidden, and so are others from which it could be worked out
(docs/adr/0037). Here persons therefore come in groups that are alike in everything the cockpit divides by,
so that no cell has one to four persons. Few large groups also make few cells, which cost more to load than
facts: so all counties of 济南, 青岛, 南京 and 兵团 have figures, and some of each other city. What breaks the
rules of the feeds is planted for a whole group, or changes no cell. The benches use `onebox.facts.feeds`,
whose persons are independent.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from cockpit.feeds.declarations import FeedName
from contracts.vocabulary import Kind, Level
from identity.units import worlds
from identity.units.rules import CENTRE_CODE, UnitSeed
from onebox.facts.awards import FIRST_YEAR, FUNDING, PROGRAMMES, YEARS, Aided, Award, Division, Programme
from onebox.facts.feeds import (
    BY_NEED,
    DUE,
    LEVELS,
    SOURCES,
    TODAY,
    TYPES,
    Enrolment,
    Flows,
    Hardship,
    Made,
    payment_of,
)

LEAST = 5
"""A group has at least as many persons."""
GROUPS = {"3701": 5, "3702": 2, "3201": 2, "6590": 1}
"""Groups of each county, by the city's code. 济南 has most: the people of the demo are there."""
SOME = 2
"""Counties of each other city, with a group each."""
PRESENT = (
    *((range(2023, 2027), 40), (range(2023, 2025), 12), (range(2023, 2024), 12), (range(2024, 2027), 12)),
    *((range(2025, 2027), 14), (range(2025, 2026), 4), (range(2026, 2027), 8)),
)
"""School years in which a group is at the school, by weight: there are a few more groups each year."""
_BY_NAME = {(one.name, one.stage): one for one in PROGRAMMES}
_YOUNG = (("living_allowance", "compulsory"), ("preschool_aid", "preschool"))
_SECOND = (
    (("high_school_grant", "general_high"), ("living_allowance", "compulsory")),
    (("high_school_grant", "general_high"), ("living_allowance", "compulsory")),
    (("vocational_grant", "secondary_vocational"), ("vocational_tuition", "secondary_vocational")),
)
"""Programmes of the second school of a county, by the county's number modulo 3 (`worlds.world_s`)."""


class Group(NamedTuple):
    """Persons who are alike: where, their programme, and the school years in which they are there."""

    place: str
    unit: str
    number: int
    size: int
    programme: Programme
    years: range

    def terms(self) -> list[tuple[int, str]]:
        """Return year and term of each award that a person gets."""
        wanted = range(FIRST_YEAR, FIRST_YEAR + YEARS)
        return [
            (year, term)
            for year in wanted
            for term in self.programme.terms
            if year - (term == "spring") in self.years
        ]


def units() -> set[str]:
    """Return the codes of all units that the facts name."""
    return {CENTRE_CODE, *(unit.code for unit in worlds.world_s() if unit.kind != Kind.DEPARTMENT)}


def demonstration(awards: int, seed: int = 1) -> Iterator[Made]:
    """Yield facts of all feeds with about so many awards."""
    world = worlds.world_s()
    flows = Flows(seed, _tree(world))
    divided = {unit.code for unit in world if unit.kind == Kind.STUDENT_AID}
    for group in _groups(world, awards, seed):
        if group.place in divided:
            yield from flows.left(group.place)
        for person in _rows(group, random.Random(f"{seed}/{group.place}/{group.number}"), seed):
            if isinstance(person, Made):
                yield person
            elif group.place in divided:
                flows.add(person)
    yield from flows.all()


def _tree(world: Sequence[UnitSeed]) -> dict[str, Division]:
    """Return the offices below the centre, through which money comes down."""
    return {
        unit.code: Division(
            unit.code,
            unit.short_name,
            unit.level,
            "" if unit.parent_code in {None, CENTRE_CODE} else str(unit.parent_code),
        )
        for unit in world
        if unit.kind == Kind.STUDENT_AID and unit.code != CENTRE_CODE
    }


Schools = Sequence[tuple[str, Sequence[Programme]]]
"""Schools of a place, each with the programmes that its groups take turns in."""


def _places(world: Sequence[UnitSeed]) -> Iterator[tuple[str, Schools, int]]:
    """Yield places with their schools and the number of their groups.

    Universities have none: there are too few in world S for figures that can be shown.
    """
    offices = [unit for unit in world if unit.kind == Kind.STUDENT_AID]
    seen: Counter[str] = Counter()
    for number, code in enumerate(unit.code for unit in offices if unit.level == Level.COUNTY):
        city = code[:4]
        seen[city] += 1
        pairs = (("0001", _YOUNG), ("0002", _SECOND[number % 3]))
        schools = [(f"S{code}{end}", [_BY_NAME[key] for key in keys]) for end, keys in pairs]
        if city in GROUPS:
            yield code, schools, GROUPS[city]
        elif seen[city] <= SOME:
            yield code, schools[seen[city] % 2 :], 1


def _groups(world: Sequence[UnitSeed], awards: int, seed: int) -> list[Group]:
    """Return the groups by place, so large that they get about so many awards."""
    found, weights = [], []
    for place, schools, count in _places(world):
        chance = random.Random(f"{seed}/groups/{place}")
        weight = chance.lognormvariate(0, 0.5)
        for number in range(count):
            school, programmes = schools[number % len(schools)]
            programme = programmes[number // len(schools) % len(programmes)]
            (years,) = chance.choices([one for one, _ in PRESENT], [share for _, share in PRESENT])
            if number < len(schools):
                years = PRESENT[0][0]  # no place is without figures in a year
            found.append(Group(place, school, number + 1, LEAST, programme, years))
            weights.append(weight * chance.lognormvariate(0, 0.5))
    each = awards / sum(weight * len(group.terms()) for group, weight in zip(found, weights, strict=True))
    return [
        group._replace(size=max(LEAST, round(weight * each)))
        for group, weight in zip(found, weights, strict=True)
    ]


def _rows(group: Group, chance: random.Random, seed: int) -> Iterator[Made | Aided]:
    """Yield the rows of a group, and each person with their awards."""
    place, programme = group.place, group.programme
    who = f"p{place}c{group.number:04d}"
    tokens = [f"{who}m{number:04d}s{seed}" for number in range(group.size)]
    # Others at the school who have no aid, of whom a group is listed nevertheless now and then: 应助未助.
    others = [f"{who}n{number:04d}s{seed}" for number in range(2 * group.size)]
    yield from _enrolled(group, [*tokens, *others], chance)
    by_need, unlisted = programme.name in BY_NEED, chance.random() < 0.03
    if by_need and not unlisted:
        yield from _listed(group, tokens, chance, None)
    if chance.random() < 0.1:
        yield from _listed(group, others[:LEAST], chance, "listed_not_aided")
    planted = "aided_not_listed" if by_need and unlisted else None
    (funding,) = chance.choices([name for name, _ in FUNDING], [share for _, share in FUNDING])
    found: list[list[Award]] = [[] for _ in tokens]
    for year, term in group.terms():
        awards = [
            Award(
                f"A{place}c{group.number:04d}m{number:04d}y{year}{term}",
                group.unit,
                year,
                term,
                programme.stage,
                programme.name,
                funding,
                token,
                programme.amount(year, term),
            )
            for number, token in enumerate(tokens)
        ]
        for award, of_person in zip(awards, found, strict=True):
            of_person.append(award)
            yield Made(FeedName.AWARD, place, award, planted)
        yield from _paid(awards, chance, place)
    for token, of_person in zip(tokens, found, strict=True):
        yield Aided(place, token, group.unit, programme, [(award, None) for award in of_person])


def _enrolled(group: Group, tokens: Sequence[str], chance: random.Random) -> Iterator[Made]:
    school = random.Random(group.unit)
    nature = "private" if school.random() < 0.12 else "public"
    residence = school.choices(("urban", "town", "rural"), (0.4, 0.38, 0.22))[0]
    boarding = "yes" if chance.random() < 0.35 else "no"
    grade = chance.randint(1, 3)
    for year in group.years:
        for token in tokens:
            row = Enrolment(
                group.unit,
                token,
                year,
                group.programme.stage,
                str(min(9, grade + year - group.years[0])),
                f"{group.years[0]}-09-01",
                "enrolled",
                nature,
                residence,
                boarding,
            )
            yield Made(FeedName.ENROLMENT, group.place, row)


def _listed(
    group: Group, tokens: Sequence[str], chance: random.Random, planted: str | None
) -> Iterator[Made]:
    (kind,) = chance.choices([name for name, _ in TYPES], [weight for _, weight in TYPES])
    (level,) = chance.choices([name for name, _ in LEVELS], [weight for _, weight in LEVELS])
    for year in group.years:
        day = f"{year}-10-{chance.randint(8, 28):02d}"
        for token in tokens:
            row = Hardship(group.unit, token, year, group.programme.stage, SOURCES[kind], kind, level, day)
            yield Made(FeedName.HARDSHIP, group.place, row, planted)


def _paid(awards: Sequence[Award], chance: random.Random, place: str) -> Iterator[Made]:
    """Yield the payments of awards of the same term: of all on one day, or of none."""
    year, term = awards[0].year, awards[0].term
    due = date(year, *DUE[term])
    paid: date | None = due + timedelta(days=round(chance.gauss(-14, 9)))
    kind, state, drawn = None, "paid", chance.random()
    if drawn < 0.01:
        kind, paid = "paid_late", due + timedelta(days=chance.randint(60, 150))
    elif drawn < 0.02:
        state = "returned"
    elif drawn < 0.03:
        state, paid = "cancelled", None
    if paid is not None and paid > TODAY:
        kind, state, paid = None, "due", None
    for award in awards:
        row = payment_of(award, due, paid, state)
        yield Made(FeedName.PAYMENT, place, row, kind)
    if kind is None and state == "paid" and chance.random() < 0.01:
        # The same person a second time changes no number of persons.
        yield Made(FeedName.PAYMENT, place, row._replace(record_id=f"{row.record_id}B"), "paid_twice")
