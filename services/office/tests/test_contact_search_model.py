"""A search of the address book finds whom a plain comparison of texts finds, whoever looks."""

import random
import uuid
from itertools import pairwise
from typing import Any

from contracts.documents import ContactField
from contracts.identity import PersonChangedV1, PersonMembership
from office.contacts import rules
from services.office.tests.support.running_office import RunningOffice

SURNAMES, GIVEN, POSTS = "王李张曾单", "明小国华建军", ("主任", "副主任", "会计")


def made_up(office: RunningOffice, number: int) -> list[PersonChangedV1]:
    """People in one or two units each, and in none."""
    chance = random.Random(number)
    codes = sorted(office.world.units)
    found = []
    for place in range(120):
        held = tuple(
            PersonMembership(
                unit_id=office.world.units[code]["id"],
                unit_path=office.world.units[code]["path"],
                roles=[],
                posts=chance.sample(POSTS, k=chance.randint(0, 2)),
            )
            for code in chance.sample(codes, k=chance.choice((0, 1, 1, 1, 2)))
        )
        found.append(
            PersonChangedV1(
                sub=uuid.UUID(int=1000 * number + place + 1),
                name=chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.randint(1, 2))),
                phone_masked=f"138****{chance.randrange(20):04d}",
                status=chance.choice(("active", "active", "active", "suspended")),
                unit_id=held[0].unit_id if held else None,
                unit_path=held[0].unit_path if held else None,
                roles=[],
                version=1,
                memberships=held,
            )
        )
    return found


def expected(
    office: RunningOffice, people: list[PersonChangedV1], own: str, permissions: list[str], q: str
) -> set[tuple[str, str]]:
    """Who is found by two characters or four digits, compared one by one."""
    units = {str(unit["id"]): unit for unit in office.world.units.values()}
    digits = q.isdigit()
    field = ContactField.TAIL if digits else ContactField.PEOPLE
    found = set()
    for person in people:
        for held in person.memberships:
            unit = units[str(held.unit_id)]
            relation = rules.relation_of(office.world.units[own]["path"], unit["path"])
            texts = [person.name, *held.posts, unit["name"], unit["short_name"]]
            hit = person.phone_masked.endswith(q) if digits else any(q in text for text in texts)
            if hit and person.status == "active" and rules.sees(relation, field, permissions):
                found.add((str(person.sub), str(held.unit_id)))
    return found


async def everybody(client: Any, q: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    cursor = None
    while True:
        params: dict[str, str | int] = {"q": q, "limit": 7}
        if cursor is not None:
            params["cursor"] = cursor
        response = await client.get("/api/v1/contacts/people", params=params)
        assert response.status_code == 200, response.text
        page = response.json()
        found += [(one["sub"], one["unit_id"]) for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found


async def test_a_search_finds_whom_a_comparison_of_all_finds(office: RunningOffice) -> None:
    people = made_up(office, 1)
    await office.deliver(*people)
    await office.index()
    queries = sorted({one + other for one, other in pairwise("王明小国华建军王小明")})
    queries += ["主任", "会计", "资助", "0003", "0011"]
    for own in ("100000", "370000", "370102", "S3701020001"):
        for permissions in ([], ["members.read"]):
            client = office.unit(own, "handler", permissions=[*permissions])
            for q in queries:
                found = await everybody(client, q)
                assert len(found) == len(set(found)), (own, q)
                assert set(found) == expected(office, people, own, permissions, q), (own, permissions, q)
