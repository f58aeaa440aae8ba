"""A nation of units of every kind of place, and facts of all feeds about them."""

import csv
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cockpit.feeds.declarations import FeedName
from services.cockpit.tests.support.figures import row_of
from services.cockpit.tests.support.running_cockpit import World

RANKS = {"ministry": 0, "province": 1, "city": 2, "county": 3, "school": 4}
YEARS = (2022, 2023, 2024)
_STAGES = {
    "compulsory": ("living_allowance", "textbooks"),
    "general_high": ("high_school_grant",),
    "secondary_vocational": ("vocational_grant", "vocational_tuition"),
    "undergraduate": ("undergraduate_grant", "national_scholarship"),
    "doctor": ("postgraduate_grant",),
}
FUNDING = ("central", "local", "school", "social", "bank")
_TYPES = ("orphan", "disabled", "extreme_poverty", "other")
_LEVELS = ("severe", "hard", "mild")
_FLOW_LEVELS = ("central", "province", "city", "county", "school")
SHARES = {
    FeedName.AWARD: 0.45,
    FeedName.ENROLMENT: 0.2,
    FeedName.HARDSHIP: 0.12,
    FeedName.PAYMENT: 0.15,
    FeedName.FUND_FLOW: 0.03,
    FeedName.LOAN: 0.05,
}


def national_world() -> World:
    """Return units of every kind of place: 计划单列市, 直辖市, 省直管县, a university of the centre."""
    world = World()
    world.add("centre", "100000", None, "ministry")
    for name, code, parent, level in (
        ("shandong", "370000", "centre", "province"),
        ("jinan", "370100", "shandong", "city"),
        ("lixia", "370102", "jinan", "county"),
        ("shizhong", "370103", "jinan", "county"),
        ("qingdao", "370200", "centre", "city"),
        ("shibei", "370203", "qingdao", "county"),
        ("beijing", "110000", "centre", "province"),
        ("dongcheng", "110101", "beijing", "county"),
        ("hubei", "420000", "centre", "province"),
        ("xiantao", "429004", "hubei", "county"),
        ("corps", "660000", "centre", "province"),
        ("shihezi", "659001", "corps", "county"),
    ):
        world.add(name, code, parent, level)
    world.rows[-2].region_code = "650000"
    counties = [place for place in list(world.places.values()) if place.level == "county"]
    for county in counties:
        name = next(name for name, place in world.places.items() if place is county)
        for number in range(1, 4):
            code = f"{county.code}000{number}"
            world.add(f"{name}{number}", code, name, "school", "school")
            world.rows[-1].region_code = county.code
    world.add("university", "4137010422", "centre", "school", "school")
    world.rows[-1].region_code = "370102"
    return world


def facts(world: World, count: int, seed: int) -> Iterator[tuple[FeedName, dict[str, str]]]:
    """Yield about `count` rows of all feeds."""
    chance = random.Random(seed)
    schools = [place for place in world.places.values() if place.level == "school"]
    offices = [place for place in world.places.values() if place.level in ("city", "county", "province")]
    people = max(40, count // 8)
    for feed, share in SHARES.items():
        seen: set[tuple[str, ...]] = set()
        for number in range(int(count * share)):
            person = chance.randrange(people)
            stage = list(_STAGES)[person % len(_STAGES)]
            # Most stay at one school and a few change it.
            school = schools[
                (person // 3 if chance.random() < 0.9 else chance.randrange(10**6)) % len(schools)
            ]
            fields = {
                "unit_code": school.code,
                "person_token": f"person-{person:014d}",
                "stage": stage,
                "programme": chance.choice(_STAGES[stage]),
                "funding": chance.choices(FUNDING, (55, 30, 8, 4, 3))[0],
                "amount": f"{chance.randrange(1, 2_000_000) / 100:.2f}",
            }
            year = chance.choice(YEARS)
            fields |= {
                "year": str(year),
                "school_year": str(year),
                "term": chance.choice(("spring", "autumn", "year")),
            }
            day = f"{year}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            if feed is FeedName.ENROLMENT:
                fields |= {
                    "grade": str(chance.randrange(1, 7)),
                    "nature": chance.choice(("public", "private")),
                    "residence": chance.choice(("urban", "town", "rural")),
                    "boarding": chance.choice(("yes", "no")),
                    "state": "enrolled",
                }
            elif feed is FeedName.HARDSHIP:
                fields |= {
                    "hardship_type": chance.choice(_TYPES),
                    "hardship_level": chance.choice(_LEVELS),
                    "list_source": chance.choice(("civil_affairs", "school")),
                    "valid_from": f"{year}-10-15",
                }
            elif feed is FeedName.PAYMENT:
                state = chance.choice(("due", "paid", "paid", "returned", "cancelled"))
                fields |= {"state": state, "due_on": day}
                if state in ("paid", "returned"):
                    fields["paid_on"] = f"{year}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            elif feed is FeedName.FUND_FLOW:
                fields |= _flow(chance, chance.choice(offices + schools), day)
            elif feed is FeedName.LOAN:
                fields |= {
                    "granted_on": day,
                    "balance": f"{float(fields['amount']) / 2:.2f}",
                    "loan_kind": chance.choice(("origin", "campus")),
                    "bank": chance.choice(("cdb", "rcc")),
                    "state": chance.choice(("granted", "repaying")),
                }
            row = row_of(feed, number, fields)
            key = tuple(
                row.get(name, "")
                for name in ("unit_code", "person_token", "school_year", "hardship_type", "list_source")
            )
            if feed in (FeedName.ENROLMENT, FeedName.HARDSHIP):
                if key in seen:
                    continue
                seen.add(key)
            yield feed, row


def _flow(chance: random.Random, unit: Any, day: str) -> dict[str, str]:
    rank = RANKS[unit.level]
    above = _FLOW_LEVELS[chance.randrange(rank)]
    kind = chance.choice(("budget", "transfer", "transfer", "return"))
    ends = (_FLOW_LEVELS[rank], above) if kind == "return" else (above, _FLOW_LEVELS[rank])
    return {
        "unit_code": unit.code,
        "flow_kind": kind,
        "from_level": ends[0],
        "to_level": ends[1],
        "moved_on": day,
    }


def write(rows: Iterable[tuple[FeedName, dict[str, str]]], folder: Path) -> dict[FeedName, Path]:
    """Write the rows as one file for each feed."""
    paths = {feed: folder / f"{feed.value}.csv" for feed in SHARES}
    files = {feed: path.open("w", newline="", encoding="utf-8") for feed, path in paths.items()}
    writers: dict[FeedName, csv.DictWriter[str]] = {}
    for feed, row in rows:
        if feed not in writers:
            writers[feed] = csv.DictWriter(files[feed], list(row))
            writers[feed].writeheader()
        writers[feed].writerow(row)
    for file in files.values():
        file.close()
    return paths
