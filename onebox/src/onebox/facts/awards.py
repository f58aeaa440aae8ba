"""Generated awards, the same for the same seed.

The divisions (GB/T 2260), the programmes, their amounts and the dates at which they changed are real. The
number of awards of a stage follows its public money in 2017 (China Daily, 2018-03-14) divided by the amount
of an award. Persons, schools and the choice of places are invented. Some awards are wrong on purpose;
`planted.jsonl` lists them.
"""

import csv
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

FIRST_YEAR, YEARS = 2024, 3
PLANTED = 2_000
"""One of so many awards is wrong."""


@dataclass(frozen=True)
class Programme:
    """A programme of a stage: yuan of an award by the first term of the amount (`2024-spring`), weight.

    `terms`: the terms in which it is paid.
    """

    name: str
    stage: str
    amounts: tuple[tuple[str, int], ...]
    weight: float
    terms: tuple[str, ...] = ("spring", "autumn")

    def amount(self, year: int, term: str) -> int:
        """Return the amount in force."""
        order = {"spring": 0, "year": 1, "autumn": 2}
        at = (year, order[term])
        found = self.amounts[0][1]
        for begins, amount in self.amounts:
            first, _, word = begins.partition("-")
            if (int(first), order[word]) <= at:
                found = amount
        return found


# Weights: billions of public money of the stage in 2017 by thousand yuan of an award, among its programmes.
PROGRAMMES = (
    Programme("preschool_aid", "preschool", (("2000-spring", 500),), 8.9 / 0.5),
    Programme("living_allowance", "compulsory", (("2000-spring", 500), ("2024-spring", 625)), 17.91 / 0.5),
    Programme("high_school_grant", "general_high", (("2000-spring", 1000), ("2025-spring", 1150)), 17.62),
    Programme(
        "vocational_grant",
        "secondary_vocational",
        (("2000-spring", 1000), ("2025-spring", 1150)),
        12.0,
    ),
    Programme("vocational_tuition", "secondary_vocational", (("2000-spring", 1000),), 13.75),
    Programme(
        "undergraduate_grant", "undergraduate", (("2000-spring", 1650), ("2024-autumn", 1850)), 20 / 1.65
    ),
    Programme(
        "inspirational_scholarship",
        "undergraduate",
        (("2000-spring", 5000), ("2024-autumn", 6000)),
        4 / 5,
        ("autumn",),
    ),
    Programme(
        "national_scholarship",
        "undergraduate",
        (("2000-spring", 8000), ("2024-autumn", 10000)),
        0.5 / 8,
        ("autumn",),
    ),
    Programme("postgraduate_grant", "master", (("2000-spring", 6000),), 10 / 6, ("year",)),
    Programme("postgraduate_grant", "doctor", (("2000-spring", 13000),), 4 / 13, ("year",)),
)
FUNDING = (("central", 0.55), ("local", 0.36), ("school", 0.06), ("social", 0.03))


class Award(NamedTuple):
    """One award, as in the feed `award`."""

    record_id: str
    unit_code: str
    year: int
    term: str
    stage: str
    programme: str
    funding: str
    person_token: str
    amount: int


class Division(NamedTuple):
    """A province, city or county."""

    code: str
    name: str
    level: str
    parent: str


def divisions() -> list[Division]:
    """Return all divisions, those above first."""
    with files("identity").joinpath("units/data/divisions.csv").open(encoding="utf-8") as lines:
        return [
            Division(row["code"], row["name"], row["level"], row["parent_code"])
            for row in csv.DictReader(lines)
        ]


def counties() -> list[str]:
    """Return the codes of the counties, and of the four cities without any."""
    found = divisions()
    parents = {one.parent for one in found}
    return [one.code for one in found if one.code not in parents]


Unit = Callable[[str, int], str]
"""Gives the code of a county's school by its number, from 1."""


def school_code(county: str, number: int) -> str:
    """Return the code of a school: the county's and four digits."""
    return f"{county}{number:04d}"


class Aided(NamedTuple):
    """A person of a county and their awards, each with what is wrong with it, if anything."""

    county: str
    token: str
    unit: str
    programme: Programme
    awards: list[tuple[Award, str | None]]


def awards(count: int, seed: int, schools: int = 0, within: str = "") -> Iterator[tuple[Award, str | None]]:
    """Yield `count` awards county by county, each with what is wrong with it, if anything.

    Units are the counties' offices, or `schools` schools of each. `within` leaves out the counties whose code
    does not begin like this.
    """
    for person in aided(count, seed, schools, within):
        yield from person.awards


def aided(
    count: int, seed: int, schools: int = 0, within: str = "", unit: Unit = school_code
) -> Iterator[Aided]:
    """Yield the persons with the awards of `awards`."""
    places = [code for code in counties() if code.startswith(within)]
    shares = [random.Random(f"{seed}/size/{code}").lognormvariate(0, 0.6) for code in places]
    scale, given, sum_ = count / sum(shares), 0, 0.0
    for code, share in zip(places, shares, strict=True):
        sum_ += share * scale
        quota = count - given if code == places[-1] else round(sum_) - given
        given += quota
        yield from _county(code, quota, seed, schools, places, unit)


def _county(
    code: str, quota: int, seed: int, schools: int, places: Sequence[str], unit: Unit
) -> Iterator[Aided]:
    chance = random.Random(f"{seed}/{code}")
    person = number = 0
    while number < quota:
        person += 1
        token = f"p{code}x{person:09d}s{seed}"
        where = unit(code, chance.randrange(schools) + 1) if schools else code
        programme = chance.choices(PROGRAMMES, [one.weight for one in PROGRAMMES])[0]
        funding = chance.choices([name for name, _ in FUNDING], [share for _, share in FUNDING])[0]
        begin, stay = chance.randrange(YEARS), chance.randint(1, YEARS)
        found: list[tuple[Award, str | None]] = []
        for year in range(FIRST_YEAR + begin, FIRST_YEAR + min(YEARS, begin + stay)):
            for term in programme.terms:
                if number >= quota:
                    break
                number += 1
                one = Award(
                    f"{code}-{number:09d}",
                    where,
                    year,
                    term,
                    programme.stage,
                    programme.name,
                    funding,
                    token,
                    programme.amount(year, term),
                )
                wrong = chance.random() < 1 / PLANTED
                found.append(_planted(one, chance, places) if wrong else (one, None))
        yield Aided(code, token, where, programme, found)


def _planted(one: Award, chance: random.Random, places: Sequence[str]) -> tuple[Award, str]:
    kind = chance.choice(("above_standard", "other_person", "other_county"))
    if kind == "above_standard":
        return one._replace(amount=one.amount * 10), kind
    if kind == "other_person":
        return one._replace(person_token=one.person_token.replace("x", "y")), kind
    return one._replace(person_token=f"p{chance.choice(places)}x000000001s0"), kind
