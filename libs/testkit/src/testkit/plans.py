"""What PostgreSQL does to answer a statement: which tables it reads how, and how many rows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class Scan:
    """One access to a table: `rows` were read in all loops together, those that a filter removed included."""

    table: str
    kind: str
    index: str | None
    rows: float


async def scans_of(session: AsyncSession, statement: Executable, values: Mapping[str, Any]) -> list[Scan]:
    """Execute a statement with the values of its parameters; return how its tables were read.

    The types of the parameters are those that asyncpg converts by itself.
    """
    connection = await session.connection()
    compiled = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
    names = compiled.positiontup or []
    given = compiled.construct_params({key: value for key, value in values.items() if key in names})
    driver: Any = (await connection.get_raw_connection()).driver_connection
    explained = await driver.fetchval(
        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {compiled}", *(given[name] for name in names)
    )
    # SQLAlchemy has asyncpg decode JSON.
    plans = json.loads(explained) if isinstance(explained, str) else explained
    return list(_scans(plans[0]["Plan"]))


def _scans(node: Mapping[str, Any]) -> Iterator[Scan]:
    if "Relation Name" in node:
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        rows = (node["Actual Rows"] + removed) * node["Actual Loops"]
        yield Scan(node["Relation Name"], node["Node Type"], node.get("Index Name"), rows)
    for below in node.get("Plans", ()):
        yield from _scans(below)
