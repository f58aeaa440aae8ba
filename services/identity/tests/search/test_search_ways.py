"""Both ways of a search find the same, whatever is frequent, and what a search reads is bounded.

Pages are counted, not time.
"""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Acting, Principal
from contracts.vocabulary import Kind, Level, Permission
from identity.accounts.models import Account
from identity.audit.service import AuditLog
from identity.base import MIGRATIONS
from identity.memberships.models import Membership
from identity.search.indexing import person_row
from identity.search.models import PersonSearch, UnitSearch
from identity.search.service import FoundPerson, Searches
from identity.units.models import Unit
from identity.units.service import Units
from identity.vault import Key, Vault
from searchkit import frequencies
from searchkit.frequencies import Frequencies
from searchkit.index import unit_row
from searchkit.matching import Part
from searchkit.phases import MOST_FOUND
from searchkit.words import tokens_of
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.lists import Listed
from servicekit.migrations import upgrade
from servicekit.paging import PageRequest
from testkit.buffers import pages_read
from testkit.plugin import DatabaseFactory

NOW = datetime(2026, 9, 1, tzinfo=UTC)
CLOCK = SystemClock()
SURNAMES = (
    "丁万于乐任何余侯傅冯刘单卢史吕吴周唐夏姚姜孔孙宋尹崔常张彭徐曹曾朱李林梁武汪沈王石章翟胡范"
    "萧董蒋蔡薛袁许谢谭贾赵邓邱郑钟阎陆陈雷韩顾马高魏黄龙"
)
GIVEN = "明华国建文军平志伟东海强晓红玉春林永光小云丽秀英梅芳燕玲"
PEOPLE = 20_000
PROVINCE_EACH = 10
FREQUENT = Frequencies.parts


def place(number: int) -> tuple[UUID, str, str]:
    """Id, code and path: the centre, ten provinces, and two hundred schools below them."""
    code = "R" if number == 0 else f"P{number}" if number <= PROVINCE_EACH else f"S{number}"
    path = "R" if number == 0 else f"R.{code}" if number <= PROVINCE_EACH else f"R.P{number % 10 + 1}.{code}"
    return UUID(int=number + 1), code, path


def units() -> list[Unit]:
    found = []
    for number in range(211):
        unit_id, code, path = place(number)
        place_name = "历下槐荫天桥市中"[number % 7 : number % 7 + 2]
        name = f"{place_name}第{number}{'小学' if number % 3 else '中心幼儿园'}"
        found.append(
            Unit(
                id=unit_id,
                code=code,
                name=name,
                short_name=name,
                level=Level.SCHOOL if number > PROVINCE_EACH else Level.PROVINCE,
                kind=Kind.SCHOOL,
                stages=["compulsory"],
                path=path,
                opened_at=NOW,
            )
        )
    return found


def names() -> list[str]:
    chance = random.Random(5)
    weights = [40 if surname in "王李张刘陈赵" else 1 for surname in SURNAMES]
    surnames = chance.choices(SURNAMES, weights, k=PEOPLE)
    return [surname + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2, 2)))) for surname in surnames]


async def filled(url: str) -> None:
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_generic_plan", pool_size=1)
    chance = random.Random(6)
    everywhere = units()
    accounts, memberships, searched = [], [], []
    for number, name in enumerate(names(), 1):
        unit, sub, post = chance.choice(everywhere), UUID(int=number), chance.choice(("主任", "教师"))
        accounts.append(
            {
                "id": sub,
                "name": name,
                "phone_sealed": b"",
                "phone_index": number.to_bytes(4),
                "phone_masked": "",
                "phone_verified_at": NOW,
                "registered_at": NOW,
            }
        )
        memberships.append(
            {
                "account_id": sub,
                "unit_id": unit.id,
                "is_primary": True,
                "roles": [],
                "posts": [post],
                "started_at": NOW,
            }
        )
        searched.append(person_row(sub, name, [post], [(unit.path, unit.name)], None))
    async with database.transaction() as session:
        session.add_all(everywhere)
        await session.flush()
        for model, rows in ((Account, accounts), (Membership, memberships), (PersonSearch, searched)):
            await session.execute(insert(model), rows)
        await session.execute(insert(UnitSearch), [unit_row(unit) for unit in everywhere])
        # Some are not indexed anew yet.
        await session.execute(text("UPDATE people_search SET first = '' WHERE account_id::text LIKE '%5'"))
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM FULL ANALYZE"))
    await database.close()


@pytest.fixture
async def database(database_factory: DatabaseFactory) -> AsyncIterator[Database]:
    database = Database(
        await database_factory("search-ways", filled), plans="force_generic_plan", pool_size=1
    )
    yield database
    await database.close()


def searches(session: AsyncSession) -> Searches:
    vault = Vault([Key(1, bytes(32))], [Key(1, bytes(32))])
    return Searches(session, vault, Units(session, CLOCK, AuditLog(session, CLOCK)), Frequencies())


def administrator(number: int) -> Principal:
    unit_id, _, path = place(number)
    acting = Acting(unit_id, path, Level.PROVINCE, Kind.SCHOOL, frozenset())
    permissions = frozenset({Permission.MEMBERS_READ})
    return Principal(
        str(UUID(int=9)), "x", frozenset(), NOW, NOW, "x", acting=acting, permissions=permissions
    )


async def page(
    session: AsyncSession, q: str, by: int, cursor: str | None = None, limit: int = 20
) -> Listed[FoundPerson]:
    paging = PageRequest(limit, cursor)
    return await searches(session).people(administrator(by), q, unit_id=None, paging=paging)


async def everybody(database: Database, q: str, by: int) -> list[str]:
    """All names that are found, page by page."""
    found: list[FoundPerson] = []
    cursor = None
    while True:
        async with database.transaction() as session:
            part = await page(session, q, by, cursor, limit=150)
        found += part.items
        if part.next is None:
            assert len({one.sub for one in found}) == len(found)
            assert part.total.count == min(len(found), MOST_FOUND)
            assert part.total.exact == (len(found) <= MOST_FOUND)
            return [one.name for one in found]
        cursor = part.next


def walking(rows: int) -> Any:
    """Plan every search as a walk that gives up after some rows."""

    async def parts(
        _: Any, __: Any, ___: Any, alternatives: Any, *, one_name: bool, **____: Any
    ) -> list[Part]:
        known = frequencies._Known()
        firsts = [frequencies._narrowest(known, one)[0] if one_name else "" for one in alternatives]
        return [
            Part((one,), walked=rows, first=first or None)
            for one, first in zip(alternatives, firsts, strict=True)
        ]

    return parts


async def by_tokens(_: Any, __: Any, ___: Any, alternatives: Any, **____: Any) -> list[Part]:
    return [Part(tuple(alternatives))]


@pytest.mark.parametrize("by", [0, 3], ids=["centre", "province"])
@pytest.mark.parametrize(
    "q", ["张", "z", "zhang", "zwm", "wang", "xiaoming", "小学 z", "z 主任", "国建", "sgj", "王 中心"]
)
async def test_each_way_finds_the_same_page_by_page(
    database: Database, monkeypatch: pytest.MonkeyPatch, q: str, by: int
) -> None:
    ways = {}
    for name, way in (
        ("tokens", by_tokens),
        ("far", walking(100_000)),
        ("near", walking(300)),
        ("", FREQUENT),
    ):
        monkeypatch.setattr(Frequencies, "parts", way)
        ways[name] = await everybody(database, q, by)
    assert ways["tokens"] == ways["far"] == ways["near"] == ways[""]
    assert ways[""]


@pytest.mark.parametrize("initials", ["z", "zw", "zwm", "s", "c"])
async def test_everybody_with_these_initials_is_found(database: Database, initials: str) -> None:
    """By the tokens of a name alone: 单, for example, by s, d and c."""
    first, rest = initials[0], initials[1:]
    pairs = {f"{one}.{other}" for one, other in pairwise(rest)}
    wanted = {f"^{first}.{rest[0]}", *pairs} if rest else {f"^{first}"}
    expected = sorted(name for name in names() if wanted <= tokens_of(name))
    found = await everybody(database, initials, 0)
    assert sorted(found[: len(expected)]) == expected


@pytest.mark.parametrize(
    "q", ["zhao", "z", "huang", "wang", "wlz", "czl", "dan", "lj", "小学", "历下 主任", "zz"]
)
async def test_a_search_of_the_whole_country_reads_few_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch, q: str
) -> None:
    """In proportion to 20,000 people, whose rows are all in the order of their registration."""
    monkeypatch.setattr(frequencies, "LEAST_WALKED", 200)
    monkeypatch.setattr(frequencies, "MOST_WALKED", 800)

    async def first_page(session: AsyncSession) -> None:
        await page(session, q, 0)

    counts = await pages_read(database, first_page, 3)
    assert max(counts[1:]) < 3_000, counts


async def test_names_are_in_the_order_of_their_characters(database: Database) -> None:
    async with database.transaction() as session:
        found = await page(session, "王", 0, limit=1000)
    assert len(found.items) == 1000
    # Rows that are not indexed anew come first.
    names = [one.name for one in found.items]
    assert sum(after < before for before, after in pairwise(names)) <= 1
