"""Units are found by words, pinyin, initials and codes, within reach, soon after a change."""

import pytest
from sqlalchemy import delete, func, select, text

from office.base import MIGRATIONS
from office.directory.indexing import SearchIndexer
from office.directory.models import PersonSearch, SearchQueue, Unit, UnitSearch
from searchkit.queue import take
from servicekit.db import Database
from servicekit.migrations import upgrade
from services.office.tests.support.running_office import RunningOffice
from testkit.plugin import DatabaseFactory

U = "/api/v1/units"
NAMES = {
    "370000": "山东省学生资助管理中心",
    "370100": "济南市学生资助管理中心",
    "370102": "历下区学生资助管理中心",
    "370103": "市中区学生资助管理中心",
    "S3701020001": "历下实验小学",
    "S3701020002": "重庆路小学",
    "S3701030001": "市中实验小学",
    "D3701020001": "历下实验小学中心校",
}


@pytest.fixture
async def office(office: RunningOffice) -> RunningOffice:
    for code, name in NAMES.items():
        unit = office.world.units[code]
        unit["name"], unit["short_name"] = name, name.removesuffix("学生资助管理中心")
        unit["level"] = "school" if code.startswith("S") else "department" if code[0] == "D" else "county"
    await office.replace_units(office.world)
    return office


async def found(office: RunningOffice, q: str, by: str = "100000", **params: str | int) -> list[str]:
    response = await office.unit(by).get(U, params={"q": q, **params})
    assert response.status_code == 200, response.text
    return [item["code"] for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("q", "codes"),
    [
        ("历下", ["370102", "S3701020001", "D3701020001"]),
        ("下区", ["370102"]),
        ("lixia", ["370102", "S3701020001", "D3701020001"]),
        ("szq", ["370103"]),
        ("chongqing", ["S3701020002"]),
        ("zhongqing", ["S3701020002"]),
        ("实验 历下", ["S3701020001", "D3701020001"]),
        ("小学", ["S3701020001", "S3701030001", "S3701020002", "D3701020001"]),
        ("3701", ["370100", "370102", "370103"]),
        ("s37010200", ["S3701020001", "S3701020002"]),
        ("历下二", []),
        ("?", []),
    ],
)
async def test_units_are_found_by(office: RunningOffice, q: str, codes: list[str]) -> None:
    assert sorted(await found(office, q)) == sorted(codes)


async def test_what_begins_with_the_words_comes_first(office: RunningOffice) -> None:
    assert (await found(office, "市中"))[:2] == ["370103", "S3701030001"]
    assert await found(office, "历下") == ["370102", "S3701020001", "D3701020001"]


async def test_only_units_in_reach_are_found(office: RunningOffice) -> None:
    assert await found(office, "小学", by="370103") == ["S3701030001"]
    assert await found(office, "370102", by="370103") == []
    assert await found(office, "小学", under=office.world.id("370103")) == ["S3701030001"]


@pytest.mark.parametrize("q", ["小学", "3701", "xiaoxue"])
async def test_found_units_are_paged_and_counted(office: RunningOffice, q: str) -> None:
    every = await found(office, q)
    pages: list[str] = []
    cursor = None
    while True:
        params: dict[str, str | int] = {"q": q, "limit": 1}
        if cursor is not None:
            params["cursor"] = cursor
        page = (await office.unit("100000").get(U, params=params)).json()
        assert page["total"] == {"count": len(every), "exact": True}
        pages += [item["code"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == every


async def test_a_found_unit_names_those_above_it(office: RunningOffice) -> None:
    response = await office.unit("370102").get(U, params={"q": "重庆"})
    [unit] = response.json()["items"]
    assert [one["code"] for one in unit["ancestors"]] == ["100000", "370000", "370100", "370102"]
    assert unit["ancestors"][1] == office.world.ref("370000")


async def test_a_cursor_of_another_list_is_refused(office: RunningOffice) -> None:
    client = office.unit("100000")
    cursor = (await client.get(U, params={"limit": 1})).json()["next"]
    refused = await client.get(U, params={"q": "小学", "cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


async def test_a_renamed_unit_is_found_by_its_new_name(office: RunningOffice) -> None:
    unit = office.world.units["S3701020002"]
    unit["name"], unit["version"] = "长乐小学", 2
    await office.deliver(office.world.event("S3701020002"))
    await office.index()
    assert await found(office, "changle") == ["S3701020002"]
    assert await found(office, "zhangyue") == ["S3701020002"]
    assert await found(office, "重庆") == ["S3701020002"], "its short name"


async def test_a_unit_that_has_left_is_not_found_before_the_index_follows(office: RunningOffice) -> None:
    async with office.database.transaction() as session:
        # While another process indexes, nobody else does.
        assert await take(session, SearchQueue, 0) == []
        await office.move("S3701020002", "320100")
        await office.close("S3701020001")
        assert await found(office, "小学", by="370102") == ["D3701020001"]
    await office.index()
    assert await found(office, "重庆", by="320100") == ["S3701020002"]


async def test_a_page_is_full_although_units_have_left_it(office: RunningOffice) -> None:
    async with office.database.transaction() as session:
        assert await take(session, SearchQueue, 0) == []
        await office.close("S3701020001")
        page = (await office.unit("100000").get(U, params={"q": "实验小学", "limit": 1})).json()
        assert [one["code"] for one in page["items"]] == ["S3701030001"]
        assert page["next"] is not None


async def test_what_a_rebuild_deletes_is_not_indexed_any_more(office: RunningOffice) -> None:
    async with office.database.transaction() as session:
        await session.execute(delete(Unit).where(Unit.code == "S3701020002"))
    await office.index()
    async with office.database.transaction() as session:
        codes = set(await session.scalars(select(UnitSearch.code)))
    assert codes == set(office.world.units) - {"S3701020002"}


async def test_units_and_people_of_an_earlier_release_are_queued(database_factory: DatabaseFactory) -> None:
    url = await database_factory("office")
    await upgrade(MIGRATIONS, url, "0027")
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO units (id, code, name, short_name, level, kind, stages, path, status, version)"
                " SELECT md5('u' || n)::uuid, 'U' || n, '第' || n || '小学', '第' || n || '小学', 'school',"
                " 'school', '{}', ('U' || n)::ltree, 'active', 1 FROM generate_series(1, 12000) n"
            )
        )
        await session.execute(
            text(
                "INSERT INTO people (sub, name, phone_masked, status, unit_id, unit_path, roles, version)"
                " VALUES (md5('p')::uuid, '王小明', '138****0000', 'active', md5('u1')::uuid, 'U1', '{}', 1)"
            )
        )
    await upgrade(MIGRATIONS, url)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(SearchQueue)) == 12_001
    indexer = SearchIndexer(database)
    assert await indexer.index_batch() == 500
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(UnitSearch)) == 500
        await session.execute(delete(SearchQueue).where(SearchQueue.kind == "unit"))
    await indexer.caught_up()
    async with database.transaction() as session:
        assert await session.scalar(select(PersonSearch.name)) == "王小明"
    await database.close()
