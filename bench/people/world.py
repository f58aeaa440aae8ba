"""A made-up country: every real office, schools below the counties, and people in all of them."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from contracts.vocabulary import Kind, Level
from identity.accounts.rules import mask_phone
from identity.search.indexing import TAIL_PURPOSE, person_row, tail_token
from identity.units import worlds
from identity.units.models import Unit
from identity.units.rules import unit_paths
from identity.vault import Vault
from searchkit.index import unit_row
from servicekit.ids import new_id

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏"
    "苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵"
    "万覃武钱戴严莫孔向常解单"
)
_GIVEN = (
    "明华国建文军平志伟东海强晓红玉春林永光小云丽秀英梅芳燕玲静敏雪飞鹏辉刚勇杰涛超波宇浩然子轩"
    "雨欣怡佳思琪俊峰家豪梓涵诗瑶嘉慧美娟霞兰凤莲艳萍桂珍素荣福德贵生金水根富成龙振兴学忠义良才"
    "广新亚宁安康乐天"
)
_SCHOOLS = ("小学", "小学", "小学", "小学", "中学", "中学", "幼儿园", "幼儿园", "中心小学", "实验小学")
_POSTS = ("主任", "副主任", "科员", "资助专干", "校长", "会计")
_OPENED = datetime(2026, 9, 1, tzinfo=UTC)
OFFICES = 3329
"""The first units are offices, schools follow."""
Record = tuple[Any, ...]


def first_phone(number: int) -> str:
    """Return the phone number of a person."""
    return str(13_000_000_000 + number)


def units(count: int) -> list[Unit]:
    """Return the offices of the country and schools, parents before children."""
    seeds = worlds.national_offices()
    paths = unit_paths(seeds)
    ids = {seed.code: new_id() for seed in seeds}
    found = [
        Unit(
            id=ids[seed.code],
            code=seed.code,
            name=seed.name,
            short_name=seed.short_name,
            level=seed.level,
            kind=seed.kind,
            stages=list(seed.stages),
            region_code=seed.region_code,
            parent_id=None if seed.parent_code is None else ids[seed.parent_code],
            path=paths[seed.code],
        )
        for seed in seeds
    ]
    counties = [unit for unit in found if unit.level == Level.COUNTY]
    chance = random.Random(1)
    for number in range(max(0, count - len(found))):
        county = counties[number % len(counties)]
        code = f"S{number:07d}"
        name = f"{county.short_name}第{number // len(counties) + 1}{chance.choice(_SCHOOLS)}"
        found.append(
            Unit(
                id=new_id(),
                code=code,
                name=name,
                short_name=name,
                level=Level.SCHOOL,
                kind=Kind.SCHOOL,
                stages=["compulsory"],
                region_code=county.region_code,
                parent_id=county.id,
                path=f"{county.path}.{code}",
            )
        )
    return found


def names(count: int) -> Iterator[str]:
    """Yield names; the frequent surnames are as frequent as in the country (王 7 %)."""
    chance = random.Random(2)
    weights = [1 / (place + 8) for place in range(len(SURNAMES))]
    for surname in chance.choices(SURNAMES, weights, k=count):
        yield surname + "".join(chance.choices(_GIVEN, k=1 if chance.random() < 0.15 else 2))


async def fill(connection: Any, vault: Vault, all_units: Sequence[Unit], people: int) -> list[UUID]:
    """Load the country, with what it is searched by, in the order of the tables. Return the `sub`s."""
    for table in ("units", "accounts", "memberships"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    # Built at the end, which takes a fraction of the time.
    later = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('people_search', 'units_search')"
        " AND indexname LIKE 'ix_%'"
    )
    for index in later:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    await _units(connection, all_units)
    subs = await _people(connection, vault, all_units, people)
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for index in later:
        await connection.execute(index["indexdef"])
    for table in ("units", "accounts", "memberships"):
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.execute("VACUUM ANALYZE")
    return subs


async def _units(connection: Any, all_units: Sequence[Unit]) -> None:
    columns = ["id", "code", "name", "short_name", "level", "kind", "stages", "region_code", "parent_id"]
    await connection.execute(
        "CREATE TEMP TABLE loaded (id uuid, code text, name text, short_name text, level text, kind text,"
        " stages text[], region_code text, parent_id uuid, path text)"
    )
    rows = [(*(_plain(getattr(unit, name)) for name in columns), unit.path) for unit in all_units]
    await connection.copy_records_to_table("loaded", records=rows, columns=[*columns, "path"])
    listed = ", ".join(columns)
    await connection.execute(
        f"INSERT INTO units ({listed}, path, opened_at)"  # noqa: S608 - our names
        f" SELECT {listed}, path::ltree, $1 FROM loaded",
        _OPENED,
    )
    keys = ["unit_id", "rank", "name", "code", "path", "words", "tokens"]
    await connection.copy_records_to_table(
        "units_search",
        records=(tuple(row[key] for key in keys) for row in map(unit_row, all_units)),
        columns=keys,
    )


async def _people(connection: Any, vault: Vault, all_units: Sequence[Unit], people: int) -> list[UUID]:
    tails = [tail_token(vault.index(TAIL_PURPOSE, f"{digits:04d}")) for digits in range(10_000)]
    chance = random.Random(3)
    subs: list[UUID] = []
    made = enumerate(names(people))
    while part := list(islice(made, 20_000)):
        accounts: list[Record] = []
        memberships: list[Record] = []
        searched: list[Record] = []
        for number, name in part:
            sub, phone = new_id(), first_phone(number)
            subs.append(sub)
            # The first of the people administer the offices, in the order of the units.
            unit = (
                all_units[number] if number < 4000 and number < len(all_units) else chance.choice(all_units)
            )
            post = _POSTS[number % len(_POSTS)]
            role = "unit_admin" if number < OFFICES else "handler"
            accounts.append(
                (
                    sub,
                    name,
                    vault.seal("phone", phone),
                    vault.index("phone", phone),
                    mask_phone(phone),
                    _OPENED,
                    "active",
                    1,
                    _OPENED,
                )
            )
            memberships.append((new_id(), sub, unit.id, True, [role], [post], _OPENED))
            row = person_row(sub, name, [post], [(unit.path, unit.name)], tails[number % 10_000])
            searched.append(tuple(row.values()))
        await connection.copy_records_to_table(
            "accounts",
            records=accounts,
            columns=[
                "id",
                "name",
                "phone_sealed",
                "phone_index",
                "phone_masked",
                "phone_verified_at",
                "status",
                "version",
                "registered_at",
            ],
        )
        await connection.copy_records_to_table(
            "memberships",
            records=memberships,
            columns=["id", "account_id", "unit_id", "is_primary", "roles", "posts", "started_at"],
        )
        await connection.copy_records_to_table(
            "people_search", records=searched, columns=["account_id", "first", "name", "words", "tokens"]
        )
    return subs


async def filled(connection: Any) -> tuple[list[Unit], list[UUID]] | None:
    """Return the units and people of an earlier `fill`, parents before children; None if it did not end."""
    indexed = "SELECT to_regclass('ix_people_search_tokens') IS NOT NULL AND EXISTS (SELECT FROM accounts)"
    if not await connection.fetchval(indexed):
        return None
    columns = ["id", "code", "name", "short_name", "level", "kind", "stages", "region_code", "parent_id"]
    rows = await connection.fetch(
        f"SELECT {', '.join(columns)}, path::text FROM units ORDER BY level = 'school', nlevel(path), code"  # noqa: S608 - our names
    )
    subs = await connection.fetch("SELECT id FROM accounts ORDER BY id")
    return [Unit(**{**row, "level": Level(row["level"]), "kind": Kind(row["kind"])}) for row in rows], [
        row["id"] for row in subs
    ]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
