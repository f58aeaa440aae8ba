"""The copy of the directory, and the names it gives."""

import uuid
from datetime import timedelta

import httpx
import pytest

from contracts.identity import PersonChangedV1, UnitChangedV1
from office.directory.models import Person, Unit
from services.office.tests.support.running_office import RunningOffice

U = "/api/v1/units"


def unit_changed(
    office: RunningOffice, code: str, *, name: str | None = None, version: int = 1
) -> UnitChangedV1:
    changes = {"version": version} if name is None else {"version": version, "name": name}
    return office.world.event(code).model_copy(update=changes)


async def codes(client: httpx.AsyncClient, **params: str) -> list[str]:
    response = await client.get(U, params=params)
    assert response.status_code == 200, response.text
    return [item["code"] for item in response.json()["items"]]


async def test_a_unit_lists_itself_and_what_is_below(office: RunningOffice) -> None:
    county = office.unit("370102")
    assert await codes(county) == ["370102", "S3701020001", "D3701020001", "S3701020002"]
    assert await codes(county, under=office.world.id("S3701020001")) == ["S3701020001", "D3701020001"]
    assert await codes(county, q="s37010200") == ["S3701020001", "S3701020002"]
    assert await codes(county, q="0102学生") == ["370102"]
    for wildcard in ("%", "_", "\\", "。"):
        assert await codes(county, q=wildcard) == []


async def test_the_list_is_paged(office: RunningOffice) -> None:
    client = office.unit("100000")
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (await client.get(U, params={"limit": 5} | ({"cursor": cursor} if cursor else {}))).json()
        found += [item["code"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == await codes(client)
    assert len(found) == len(office.world.units)


@pytest.mark.parametrize("code", ["100000", "370100", "370103", "320000"])
async def test_units_above_and_beside_are_out_of_reach(office: RunningOffice, code: str) -> None:
    client = office.unit("370102")
    for response in (
        await client.get(f"{U}/{office.world.id(code)}"),
        await client.get(U, params={"under": office.world.id(code)}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "out_of_reach")


async def test_a_unit_is_shown_with_its_name(office: RunningOffice) -> None:
    answer = (await office.unit("370102").get(f"{U}/{office.world.id('S3701020001')}")).json()
    assert answer["name"] == "S3701020001学生资助管理中心"
    assert (await office.unit("370102").get(f"{U}/{uuid.uuid4()}")).status_code == 404


@pytest.mark.parametrize("path", [U, f"{U}/{{unit}}", "/api/v1/notices/inbox", "/api/v1/notices/outbox"])
async def test_a_unit_that_is_not_replicated_yet_gets_one_answer_everywhere(
    office: RunningOffice, path: str
) -> None:
    office.world.add("410000", "100000")
    for code in ("410000", "370000"):
        response = await office.unit("410000").get(path.format(unit=office.world.id(code)))
        assert (response.status_code, response.json()["code"]) == (503, "unit_not_replicated")
        assert response.headers["retry-after"] == "2"


async def test_a_closed_unit_gets_one_answer_everywhere(office: RunningOffice) -> None:
    office.world.units["370100"]["status"] = "closed"
    await office.replace_units(office.world)
    for path in (U, f"{U}/{office.world.id('370100')}", "/api/v1/notices/inbox"):
        response = await office.unit("370100").get(path)
        assert (response.status_code, response.json()["code"]) == (403, "unit_inactive")


async def test_nul_in_a_search_is_a_shape_error(office: RunningOffice) -> None:
    assert (await office.unit("370102").get(U, params={"q": "\0"})).status_code == 422


async def test_the_newest_version_of_a_unit_wins_in_any_order(office: RunningOffice) -> None:
    await office.deliver(unit_changed(office, "370100", name="第三", version=3))
    await office.deliver(unit_changed(office, "370100", name="第二", version=2))
    async with office.database.transaction() as session:
        unit = await session.get(Unit, office.world.units["370100"]["id"])
    assert unit is not None
    assert (unit.name, unit.version) == ("第三", 3)


async def test_the_newest_version_of_a_person_wins_in_any_order(office: RunningOffice) -> None:
    sub = uuid.uuid4()
    for version in (2, 1):
        await office.deliver(
            PersonChangedV1(
                sub=sub,
                name=f"张{version}",
                phone_masked="138****0000",
                status="active",
                unit_id=None,
                unit_path=None,
                roles=[],
                version=version,
            ),
        )
    async with office.database.transaction() as session:
        person = await session.get(Person, sub)
    assert person is not None
    assert person.name == "张2"


async def test_a_new_unit_has_what_its_parent_has_forwarded(office: RunningOffice) -> None:
    notice = await office.published()
    office.clock.advance(timedelta(days=365))
    await office.open("410000", "100000")
    assert (await office.unit("410000").get(f"/api/v1/notices/{notice}")).status_code == 200
    assert [
        line["id"] for line in (await office.unit("410000").get("/api/v1/notices/inbox")).json()["items"]
    ] == [notice]
