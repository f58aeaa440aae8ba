"""Addresses: whom a sender addresses, how many that are before sending, and what is refused."""

import uuid
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from sqlalchemy import select

from contracts.vocabulary import Reach
from office.addressing.predicates import recipients
from office.addressing.rules import Address, AddressError
from office.directory.models import Unit
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.support.world import SMALL, World

PREVIEW = "/api/v1/recipients/preview"

LEVELS = {"100000": "ministry", "320000": "province", "370000": "province"}


def mixed() -> World:
    """The small world with the levels that its units have, one nutrition office and one secondary school."""
    world = World.of(SMALL)
    for code, unit in world.units.items():
        unit["level"] = LEVELS.get(code) or (
            "school" if code[0] == "S" else "department" if code[0] == "D" else "city"
        )
        if unit["level"] == "city" and code[-2:] != "00":
            unit["level"] = "county"
    world.units["370103"]["kind"] = "nutrition"
    world.units["S3701030001"]["stages"] = ["compulsory", "general_high"]
    return world


@pytest_asyncio.fixture
async def office(office: RunningOffice) -> RunningOffice:
    await office.replace_units(mixed())
    return office


async def preview(office: RunningOffice, code: str, **recipients: JsonValue) -> Any:
    response = await office.unit(code).post(PREVIEW, json={"recipients": recipients})
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_preview_counts_by_level_and_by_branch(office: RunningOffice) -> None:
    answer = await preview(office, "100000", reach="subtree")
    assert answer["total"] == 11
    assert [(line["level"], line["units"]) for line in answer["by_level"]] == [
        ("province", 2),
        ("city", 3),
        ("county", 2),
        ("school", 3),
        ("department", 1),
    ]
    assert answer["branch_count"] == 2
    assert [(branch["unit"], branch["total"]) for branch in answer["branches"]] == [
        (office.world.ref("320000"), 2),
        (office.world.ref("370000"), 9),
    ]


@pytest.mark.parametrize(
    ("address", "total"),
    [
        ({}, 2),
        ({"reach": "children", "levels": ["city"]}, 0),
        ({"reach": "subtree", "levels": ["school", "department"]}, 4),
        ({"reach": "subtree", "kinds": ["nutrition"]}, 1),
        ({"reach": "subtree", "stages": ["general_high", "doctor"]}, 1),
        ({"reach": "subtree", "levels": ["county"], "kinds": ["nutrition"]}, 1),
        ({"reach": "subtree", "levels": ["city"], "kinds": ["nutrition"]}, 0),
    ],
)
async def test_filters_narrow_what_is_in_reach(
    office: RunningOffice, address: dict[str, JsonValue], total: int
) -> None:
    assert (await preview(office, "100000", **address))["total"] == total


async def test_closed_units_are_not_counted(office: RunningOffice) -> None:
    await office.close("370200")
    assert (await preview(office, "370000"))["total"] == 1
    assert (await preview(office, "370000", reach="subtree"))["total"] == 7


async def test_picked_units_must_be_active_and_below_the_sender(office: RunningOffice) -> None:
    units: list[JsonValue] = [office.world.id("370103"), office.world.id("S3701020001")]
    assert (await preview(office, "370000", reach="picked", units=units))["total"] == 2
    await office.close("370200")
    wrong = [office.world.id(code) for code in ("320100", "370000", "370200", "100000")] + [str(uuid.uuid4())]
    response = await office.unit("370000").post(
        PREVIEW, json={"recipients": {"reach": "picked", "units": [units[0], *wrong]}}
    )
    assert (response.status_code, response.json()["code"]) == (403, "recipients_out_of_reach")
    assert [error["pointer"] for error in response.json()["errors"]] == [
        f"/recipients/units/{index}" for index in range(1, 6)
    ]


@pytest.mark.parametrize(
    "address",
    [
        {"reach": "picked"},
        {"reach": "children", "units": [str(uuid.uuid4())]},
        {"reach": "picked", "units": [str(uuid.uuid4())], "levels": ["city"]},
        {"reach": "subtree", "onward": True},
        {"reach": "everybody"},
        {"levels": ["village"]},
        {"units": [str(uuid.uuid4())] * 2001, "reach": "picked"},
        {"groups": [str(uuid.uuid4())]},
    ],
)
async def test_an_address_that_contradicts_itself_is_refused(
    office: RunningOffice, address: dict[str, JsonValue]
) -> None:
    response = await office.unit("100000").post(PREVIEW, json={"recipients": address})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"].startswith("/recipients")


async def test_a_notice_is_published_to_whom_it_addresses(office: RunningOffice) -> None:
    notice = await office.published(recipients={"reach": "subtree", "levels": ["school"]})
    for code, status in (("S3701020001", 200), ("370000", 404), ("370102", 404), ("D3701020001", 404)):
        assert (await office.unit(code).get(f"/api/v1/notices/{notice}")).status_code == status, code
    answer = await office.coverage(notice)
    assert (answer.total, answer.delivered, answer.blocking.count) == (3, 3, 0)
    # A school that opens later is within its reach, but was not owed it.
    await office.open("S3701030009", "370103")
    office.world.units["S3701030009"]["level"] = "school"
    office.world.units["S3701030009"]["version"] = 2
    await office.deliver(office.world.event("S3701030009"))
    assert (await office.unit("S3701030009").get(f"/api/v1/notices/{notice}")).status_code == 200


async def test_a_draft_keeps_its_address_until_it_is_issued(office: RunningOffice) -> None:
    units: list[JsonValue] = [office.world.id("370100")]
    notice = await office.published("370000", recipients={"reach": "picked", "units": units, "onward": True})
    seen = (await office.unit("370000").get(f"/api/v1/notices/{notice}")).json()
    assert seen["recipients"] == {
        "reach": "picked",
        "levels": [],
        "kinds": [],
        "stages": [],
        "onward": True,
        "units": units,
        "groups": [],
    }
    answer = await office.coverage(notice, "370000")
    # 济南 and what is below it are owed the notice, 青岛 is not.
    assert (answer.total, answer.delivered) == (7, 1)
    assert [(row.unit.code, row.cut_off) for row in answer.blocking.items] == [("370100", 6)]


async def test_a_notice_to_nobody_is_refused(office: RunningOffice) -> None:
    addresses: list[dict[str, JsonValue]] = [
        {"levels": ["school"]},
        {"reach": "subtree", "stages": ["doctor"]},
    ]
    for address in addresses:
        response = await office.unit("370000").post("/api/v1/notices", json=a_draft(recipients=address))
        assert (response.status_code, response.json()["code"]) == (409, "nothing_below")


def test_an_address_names_units_only_when_it_picks_them() -> None:
    for address in (
        Address(Reach.PICKED),
        Address(Reach.CHILDREN, picked=(uuid.uuid4(),)),
        Address(Reach.PICKED, picked=(uuid.uuid4(),), kinds=("school",)),
        Address(Reach.SUBTREE, onward=True),
    ):
        with pytest.raises(AddressError):
            address.check()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_the_rule_in_memory_and_the_query_find_the_same_units(
    office: RunningOffice, data: st.DataObject
) -> None:
    async with office.database.transaction() as session:
        units = (await session.scalars(select(Unit))).all()
        sender = data.draw(st.sampled_from(units))
        below = [unit for unit in units if unit.path.startswith(f"{sender.path}.")]
        reach = data.draw(st.sampled_from(list(Reach)))
        if reach is Reach.PICKED:
            if not below:
                return
            address = Address(
                reach, picked=tuple(unit.id for unit in data.draw(st.lists(st.sampled_from(below))))
            )
        else:
            address = Address(
                reach,
                levels=tuple(data.draw(st.sets(st.sampled_from(["city", "county", "school"])))),
                kinds=tuple(data.draw(st.sets(st.sampled_from(["student_aid", "nutrition"])))),
                stages=tuple(data.draw(st.sets(st.sampled_from(["compulsory", "general_high"])))),
            )
        found = set(await session.scalars(select(Unit.id).where(recipients(sender, address))))
    assert found == {unit.id for unit in units if address.matches(unit, sender)}
