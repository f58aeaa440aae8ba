"""The address book: who is found, what is shown of them, and that it follows changes."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.identity import FormerName, PersonChangedV1, PersonMembership
from services.office.tests.support.running_office import RunningOffice

C = "/api/v1/contacts"
PEOPLE = {
    # name: the units and posts there, the last four digits
    "王小明": ([("370102", ["主任"])], "1111"),
    "王小川": ([("370102", ["科员"])], "2222"),
    "曾小明": ([("370100", ["主任"])], "3333"),
    "单雄信": ([("370000", ["处长"])], "4444"),
    "李老师": ([("S3701020001", ["教师"])], "5555"),
    "赵老师": ([("370103", ["主任"]), ("370102", ["联络员"])], "6666"),
}


def person(office: RunningOffice, name: str, *, version: int = 1, status: str = "active") -> PersonChangedV1:
    held, tail = PEOPLE[name]
    memberships = tuple(
        PersonMembership(
            unit_id=office.world.units[code]["id"],
            unit_path=office.world.units[code]["path"],
            roles=["handler"],
            posts=posts,
        )
        for code, posts in held
    )
    return PersonChangedV1(
        sub=sub_of(name),
        name=name,
        phone_masked=f"138****{tail}",
        status=status,
        unit_id=memberships[0].unit_id,
        unit_path=memberships[0].unit_path,
        roles=["handler"],
        version=version,
        memberships=memberships,
    )


def sub_of(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_DNS, name)


@pytest.fixture
async def office(office: RunningOffice) -> RunningOffice:
    for code, short in {"370102": "历下区", "370103": "市中区", "370100": "济南市"}.items():
        unit = office.world.units[code]
        unit["name"], unit["short_name"] = f"{short}学生资助管理中心", short
    await office.replace_units(office.world)
    await office.deliver(*(person(office, name) for name in PEOPLE))
    await office.index()
    return office


async def ok(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await client.get(f"{C}{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def reader(office: RunningOffice, code: str) -> httpx.AsyncClient:
    return office.unit(code, "handler", permissions=["members.read"])


def member(office: RunningOffice, code: str) -> httpx.AsyncClient:
    return office.unit(code, "handler", permissions=[])


async def names(client: httpx.AsyncClient, q: str, **params: Any) -> list[str]:
    return [one["name"] for one in (await ok(client, "/people", q=q, **params))["items"]]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("王", ["王小川", "王小明"]),
        ("小明", ["曾小明", "王小明"]),
        ("wxm", ["王小明"]),
        ("ceng", ["曾小明"]),
        ("zeng", ["曾小明"]),
        ("shanxx", ["单雄信"]),
        ("主任", ["曾小明", "王小明", "赵老师"]),
        ("历下 主任", ["王小明"]),
        ("历下", ["王小川", "王小明", "赵老师"]),
        ("联络员", ["赵老师"]),
        ("2222", ["王小川"]),
        ("138", []),
        ("没有", []),
        ("!", []),
    ],
)
async def test_people_are_found_by(office: RunningOffice, q: str, found: list[str]) -> None:
    assert sorted(await names(reader(office, "100000"), q)) == sorted(found)


async def test_only_people_of_the_line_are_found(office: RunningOffice) -> None:
    county = reader(office, "370102")
    assert sorted(await names(county, "小明")) == ["曾小明", "王小明"], "the own unit and the parent"
    assert await names(county, "单雄信") == [], "two levels above"
    assert await names(county, "老师") == ["李老师", "赵老师"], "only in the unit where they are visible"
    assert await names(reader(office, "370103"), "王小明") == []
    assert await names(reader(office, "370103"), "赵老师") == ["赵老师"]
    school = reader(office, "S3701020002")
    assert await names(school, "李老师") == [], "beside"
    assert await names(school, "王小明") == ["王小明"]


async def test_last_digits_find_people_below_for_those_who_may_read_people(office: RunningOffice) -> None:
    assert await names(member(office, "370100"), "1111") == []
    assert await names(reader(office, "370100"), "1111") == ["王小明"]
    assert await names(reader(office, "370102"), "3333") == [], "the parent's people are not found by digits"
    assert await names(member(office, "370102"), "1111") == []


async def test_a_search_is_limited_to_a_unit(office: RunningOffice) -> None:
    centre = reader(office, "100000")
    assert await names(centre, "主任", unit_id=office.world.id("370103")) == ["赵老师"]
    assert await names(reader(office, "370102"), "主任", unit_id=office.world.id("370100")) == ["曾小明"]
    refused = await reader(office, "370102").get(
        f"{C}/people", params={"q": "王", "unit_id": office.world.id("370103")}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "contacts_hidden")


async def test_people_of_a_unit_are_listed_with_their_posts_there(office: RunningOffice) -> None:
    page = await ok(member(office, "370102"), f"/units/{office.world.id('370102')}/people")
    assert [(one["name"], one["posts"]) for one in page["items"]] == [
        ("王小川", ["科员"]),
        ("王小明", ["主任"]),
        ("赵老师", ["联络员"]),
    ]
    assert page["total"] == {"count": 3, "exact": True}
    assert {one["phone_masked"] for one in page["items"]} == {"138****1111", "138****2222", "138****6666"}


async def test_lists_are_paged_to_the_end(office: RunningOffice) -> None:
    centre = reader(office, "100000")
    for path, params in (
        (f"/units/{office.world.id('370102')}/people", {}),
        ("/people", {"q": "主任"}),
        (f"/units/{office.world.id('370100')}/children", {}),
    ):
        whole = (await ok(centre, path, **params))["items"]
        found: list[Any] = []
        cursor = None
        while True:
            page = await ok(centre, path, limit=1, **params, **({"cursor": cursor} if cursor else {}))
            assert page["total"] == {"count": len(whole), "exact": True}
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == whole


@pytest.mark.parametrize("limit", [0, 51, 1000])
async def test_nobody_reads_more_than_fifty_at_a_time(office: RunningOffice, limit: int) -> None:
    response = await reader(office, "100000").get(f"{C}/people", params={"q": "王", "limit": limit})
    assert response.status_code == 422


async def test_units_have_numbers_duty_phones_and_ancestors(office: RunningOffice) -> None:
    event = office.world.event("370103").model_copy(
        update={"version": 9, "duty_phone": "0531-12345678", "address": "经七路1号"}
    )
    await office.deliver(event)
    page = await ok(member(office, "370100"), f"/units/{office.world.id('370100')}/children")
    [lixia, shizhong] = page["items"]
    assert (lixia["figures"]["people"], lixia["figures"]["people_below"]) == (3, 1)
    assert (lixia["figures"]["children"], lixia["figures"]["units_below"]) == (2, 3)
    assert (shizhong["duty_phone"], shizhong["address"]) == ("0531-12345678", "经七路1号")
    beside = await ok(member(office, "370102"), f"/units/{office.world.id('370103')}")
    assert (beside["relation"], beside["duty_phone"], beside["figures"]) == ("sibling", "0531-12345678", None)
    assert [one["code"] for one in beside["ancestors"]] == ["100000", "370000", "370100"]
    assert beside["contacts_visible"] is False


async def test_a_unit_shows_its_former_names_and_places(office: RunningOffice) -> None:
    # A change of the level is no move.
    office.world.reclassify("370103", "city", office.clock.now())
    office.clock.advance(timedelta(days=1))
    await office.move("370103", "320100")
    unit = office.world.event("370103")
    name = FormerName(
        name="市中区资助办", valid_from=unit.former_places[0].valid_from, valid_to=office.clock.now()
    )
    await office.deliver(unit.model_copy(update={"version": 9, "former_names": (name,)}))
    page = await ok(member(office, "100000"), f"/units/{office.world.id('370103')}")
    assert [one["name"] for one in page["former_names"]] == ["市中区资助办"]
    assert [one["parent"]["code"] for one in page["former_places"]] == ["370100"]


async def test_a_closed_unit_says_who_continues_its_work(office: RunningOffice) -> None:
    office.world.close("370103", office.clock.now())
    merged = {"merged_into_id": office.world.units["370102"]["id"]}
    await office.deliver(office.world.event("370103").model_copy(update=merged))
    page = await ok(member(office, "100000"), f"/units/{office.world.id('370103')}")
    assert (page["status"], page["merged_into"]) == ("closed", office.world.ref("370102"))
    people = await ok(member(office, "100000"), f"/units/{office.world.id('370103')}/people")
    assert people["items"] == []


async def test_who_leaves_or_is_suspended_is_gone_before_the_index_follows(office: RunningOffice) -> None:
    await office.deliver(person(office, "王小明", version=2, status="suspended"))
    left = person(office, "赵老师", version=2)
    await office.deliver(left.model_copy(update={"memberships": left.memberships[:1]}))
    centre = reader(office, "100000")
    assert await names(centre, "王小明") == []
    assert await names(centre, "联络员") == []
    assert [one["unit_name"] for one in (await ok(centre, "/people", q="赵老师"))["items"]] == [
        "市中区学生资助管理中心"
    ]
    await office.index()
    assert await names(centre, "赵老师") == ["赵老师"]


async def test_people_move_with_their_unit(office: RunningOffice) -> None:
    await office.move("370103", "320100")
    await office.index()
    assert await names(reader(office, "320000"), "赵老师") == ["赵老师"]
    assert await names(reader(office, "370000"), "赵老师") == ["赵老师"], "in the other unit"


async def test_a_person_is_shown_in_the_units_where_they_are_visible(office: RunningOffice) -> None:
    path = f"/people/{sub_of('赵老师')}"
    seen = await ok(office.unit("370100", permissions=["members.read", "members.unmask"]), path)
    assert (len(seen["posts"]), seen["full_phone"]) == (2, True)
    seen = await ok(member(office, "370102"), path)
    assert ([one["unit_id"] for one in seen["posts"]], seen["full_phone"]) == (
        [office.world.id("370102")],
        False,
    )
    assert (await member(office, "320000").get(f"{C}{path}")).status_code == 404


async def test_a_person_whose_unit_arrives_later_is_found(office: RunningOffice) -> None:
    office.world.add("370104", "370100")
    newcomer = person(office, "单雄信", version=5).model_copy(
        update={
            "sub": uuid.uuid4(),
            "name": "新来的",
            "unit_id": office.world.units["370104"]["id"],
            "unit_path": office.world.units["370104"]["path"],
            "memberships": (
                PersonMembership(
                    unit_id=office.world.units["370104"]["id"],
                    unit_path=office.world.units["370104"]["path"],
                    roles=[],
                ),
            ),
        }
    )
    await office.deliver(newcomer)
    await office.index()
    assert await names(reader(office, "370100"), "新来的") == []
    await office.deliver(office.world.event("370104"))
    await office.index()
    assert await names(reader(office, "370100"), "新来的 3701") == []
    assert await names(reader(office, "370100"), "新来的") == ["新来的"]
