"""Every pair of units, with every permission, through the API: what is visible is what the matrix says."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.documents import ContactField, ContactRelation
from contracts.vocabulary import Permission
from office.contacts import rules, visibility
from servicekit.ids import new_id
from services.office.tests.support.running_office import RunningOffice

C = "/api/v1/contacts"
DOCUMENT = Path(__file__).parents[3] / "docs/visibility.md"
PERMISSIONS: dict[str, list[str]] = {
    "a member": [],
    "who reads people": [Permission.MEMBERS_READ],
    "who unmasks people": [Permission.MEMBERS_READ, Permission.MEMBERS_UNMASK],
    "who only unmasks": [Permission.MEMBERS_UNMASK],
}


def test_the_document_is_what_the_rules_say() -> None:
    assert DOCUMENT.read_text() == visibility.document(), "run `make snapshots`"


def test_the_matrix_has_every_relation_and_field() -> None:
    assert list(rules.MATRIX) == list(ContactRelation)
    used = {field for fields in rules.MATRIX.values() for field in fields}
    assert used == set(ContactField)


def test_a_field_never_needs_less_further_away() -> None:
    """Who sees a field of the people below sees it of the own unit, too."""
    for field in ContactField:
        for granted in PERMISSIONS.values():
            if rules.sees(ContactRelation.BELOW, field, granted):
                assert rules.sees(ContactRelation.OWN, field, granted)


@pytest.mark.parametrize("granted", PERMISSIONS.values(), ids=PERMISSIONS)
async def test_every_unit_sees_of_every_other_what_the_matrix_says(
    office: RunningOffice, granted: list[str]
) -> None:
    subs = {code: new_id() for code in office.world.units}
    for unit in office.world.units.values():
        unit["duty_phone"], unit["address"] = "0531-12345678", "某路1号"
    await office.replace_units(office.world)
    await office.insert_people(list(subs.items()))
    await office.index()
    crossed = set()
    for own in office.world.units:
        client = office.unit(own, "handler", permissions=list(granted))
        found = {one["unit_id"]: one for one in (await page(client, "/people", q="张三"))["items"]}
        by_digits = {one["unit_id"] for one in (await page(client, "/people", q="0000"))["items"]}
        for code, sub in subs.items():
            crossed.add(await crossing(office, client, (own, code), sub, granted, found, by_digits))
    assert crossed == set(ContactRelation)


async def crossing(
    office: RunningOffice,
    client: httpx.AsyncClient,
    pair: tuple[str, str],
    sub: UUID,
    granted: list[str],
    found: dict[str, Any],
    by_digits: set[str],
) -> ContactRelation:
    """The first unit sees of the second, and of a person there, what the matrix says."""
    own, other = (office.world.units[code] for code in pair)
    relation = rules.relation_of(own["path"], other["path"])
    sees = {field: rules.sees(relation, field, granted) for field in ContactField}
    unit_id = str(other["id"])
    card = await client.get(f"{C}/units/{unit_id}")
    people = await client.get(f"{C}/units/{unit_id}/people")
    one = await client.get(f"{C}/people/{sub}")
    assert card.status_code == (200 if sees[ContactField.UNIT] else 403), pair
    if sees[ContactField.UNIT]:
        body = card.json()
        assert body["relation"] == relation, pair
        assert (body["duty_phone"] is not None) is sees[ContactField.DUTY], pair
        assert (body["address"] is not None) is sees[ContactField.DUTY], pair
        assert (body["figures"] is not None) is sees[ContactField.PEOPLE], pair
    assert people.status_code == (200 if sees[ContactField.PEOPLE] else 403), pair
    assert (unit_id in found) is sees[ContactField.PEOPLE], pair
    assert one.status_code == (200 if sees[ContactField.PEOPLE] else 404), pair
    assert (unit_id in by_digits) is sees[ContactField.TAIL], pair
    if sees[ContactField.PEOPLE]:
        [listed] = people.json()["items"]
        assert listed == found[unit_id] == one.json()["posts"][0], pair
        assert (listed["phone_masked"] is not None) is sees[ContactField.PHONE], pair
        assert one.json()["full_phone"] is sees[ContactField.FULL_PHONE], pair
    return relation


async def page(client: Any, path: str, **params: str) -> Any:
    response = await client.get(f"{C}{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()
