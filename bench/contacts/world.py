"""The made-up country of `bench.people` in Office's replica, with what it is searched by."""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from bench.people.world import names
from bench.people.world import units as country
from office.directory.index_repository import Belonging
from office.directory.indexing import person_row
from office.directory.models import Unit
from searchkit.index import unit_row
from servicekit.ids import new_id

POSTS = ("主任", "副主任", "科员", "资助专干", "校长", "会计")
_SEARCHED = ("units_search", "people_search")
Record = tuple[Any, ...]


def units(count: int) -> list[Unit]:
    """Return the offices of the country and schools, parents before children."""
    return [
        Unit(
            id=one.id,
            code=one.code,
            name=one.name,
            short_name=one.short_name,
            level=str(one.level),
            kind=str(one.kind),
            stages=list(one.stages),
            region_code=one.region_code,
            parent_id=one.parent_id,
            path=one.path,
            status="active",
            version=1,
            duty_phone=f"0531-{number % 10_000_000:08d}",
        )
        for number, one in enumerate(country(count))
    ]


async def fill(connection: Any, all_units: Sequence[Unit], people: int) -> None:
    """Load the country, with its numbers; indexes are built at the end."""
    later = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname LIKE 'ix_%'",
        list(_SEARCHED),
    )
    for index in later:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    # The numbers of the tree are kept by other triggers, which stay.
    for table in ("units", "people"):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_insert_is_searched")
    await _units(connection, all_units)
    made = _people(all_units, people)
    while part := list(islice(made, 20_000)):
        await connection.copy_records_to_table(
            "people",
            records=[row for row, _ in part],
            columns=["sub", "name", "phone_masked", "status", "unit_id", "roles", "version", "memberships"],
        )
        await _copy(connection, "people_search", [found for _, found in part])
    for table in ("units", "people"):
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_insert_is_searched")
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for index in later:
        await connection.execute(index["indexdef"])
    await connection.execute("VACUUM ANALYZE")


async def _units(connection: Any, all_units: Sequence[Unit]) -> None:
    columns = ["id", "code", "name", "short_name", "level", "kind", "stages", "region_code", "parent_id"]
    columns += ["status", "version", "duty_phone"]
    await connection.execute(
        "CREATE TEMP TABLE loaded (id uuid, code text, name text, short_name text, level text, kind text,"
        " stages text[], region_code text, parent_id uuid, status text, version bigint, duty_phone text,"
        " path text)"
    )
    rows = [(*(getattr(unit, name) for name in columns), unit.path) for unit in all_units]
    await connection.copy_records_to_table("loaded", records=rows, columns=[*columns, "path"])
    listed = ", ".join(columns)
    await connection.execute(
        f"INSERT INTO units ({listed}, path) SELECT {listed}, path::ltree FROM loaded"  # noqa: S608 - our names
    )
    await _copy(connection, "units_search", [unit_row(unit) for unit in all_units])


async def _copy(connection: Any, table: str, rows: Sequence[dict[str, Any]]) -> None:
    await connection.copy_records_to_table(
        table, records=[tuple(row.values()) for row in rows], columns=list(rows[0])
    )


def _people(all_units: Sequence[Unit], count: int) -> Iterator[tuple[Record, dict[str, Any]]]:
    """Yield rows of `people` and of `people_search`."""
    chance = random.Random(3)
    for number, name in enumerate(names(count)):
        sub: UUID = new_id()
        # Each of the first units has somebody.
        unit = all_units[number] if number < min(4000, len(all_units)) else chance.choice(all_units)
        post, masked = POSTS[number % len(POSTS)], f"138****{number % 10_000:04d}"
        held = {"unit_id": str(unit.id), "unit_path": unit.path, "roles": ["handler"], "posts": [post]}
        row = (sub, name, masked, "active", unit.id, ["handler"], 1, json.dumps([held]))
        of = Belonging(sub, name, masked, unit.id, unit.path, unit.name, unit.short_name, [post])
        yield row, person_row(of)
