"""Queries over individual facts, and over the record of their uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from cockpit.cells.models import CellNode
from cockpit.directory.models import Unit
from cockpit.individuals.models import IndividualUse
from cockpit.individuals.rules import Listed as ListedFeed
from servicekit.lists import Listed, Order, listed
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant

SECONDS = 20
"""A county's facts of one year are found by the order of the table."""

_RECORDS = """
SELECT unit_code, cityHash64(person_token) AS who, concat(__KEY__) AS record, any(person_token) AS token,
       argMaxIf(batch_id, recorded_at, sign > 0) AS batch, __NAME__ AS record_name,
       __AMOUNT__ AS yuan__COLUMNS__
FROM __TABLE__ WHERE __CONDITIONS__
GROUP BY unit_code, who, record HAVING sum(sign) > 0
"""
_FIRST = "SELECT * FROM (__RECORDS__) ORDER BY unit_code, who, record LIMIT {most:UInt32}"
_NEXT = """
SELECT * FROM (__RECORDS__) WHERE (unit_code, who, record) > ({c:String}, {w:UInt64}, {r:String})
ORDER BY unit_code, who, record LIMIT {most:UInt32}
"""
_COUNTS = "SELECT count() AS records, uniqExact(token) AS persons FROM (__RECORDS__)"

Row = dict[str, Any]
After = tuple[str, int, str]
"""Unit code, hash of the person's token, key of the record."""

_FILTERS = {
    "school": "unit_code = {school:String}",
    "stage": "stage = {stage:String}",
    "programme": "programme = {programme:String}",
}


@dataclass(frozen=True)
class Wanted:
    """Which facts: those of a feed and year that units at or below `paths` had at intake."""

    feed: ListedFeed
    paths: Sequence[str]
    year: int
    filters: Mapping[str, str]


class IndividualFacts:
    """Read facts that count, one row for each record that has not been taken back."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def page(self, wanted: Wanted, after: After | None, limit: int) -> list[Row]:
        """Return records in the order of school and person."""
        given: dict[str, Any] = {}
        sql = _FIRST
        if after is not None:
            given = {"c": after[0], "w": after[1], "r": after[2]}
            sql = _NEXT
        sql = sql.replace("__RECORDS__", _records(wanted))
        return await self._analytics.query(
            sql, {**_parameters(wanted), **given, "most": limit}, seconds=SECONDS
        )

    async def counts(self, wanted: Wanted) -> tuple[int, int]:
        """Return the number of records and of persons."""
        sql = _COUNTS.replace("__RECORDS__", _records(wanted))
        rows = await self._analytics.query(sql, _parameters(wanted), seconds=SECONDS)
        return int(rows[0]["records"]), int(rows[0]["persons"])


def _records(wanted: Wanted) -> str:
    feed = wanted.feed
    conditions = [
        COUNTED,
        "year = {year:UInt16}",
        "arrayExists(p -> unit_path = p OR startsWith(unit_path, concat(p, '.')), {paths:Array(String)})",
        *(
            f"{feed.period} = {{period:String}}" if name == "period" else _FILTERS[name]
            for name in wanted.filters
        ),
    ]
    # By content, and not by batch: a correction takes back the fact of another batch.
    content = dict.fromkeys((*feed.record, *feed.columns, *(("toString(amount)",) if feed.amount else ())))
    key = ", '|', ".join(content)
    amount = "sum(amount * sign)" if feed.amount else "toDecimal64(0, 2)"
    record_id = "any(record_id)" if "record_id" in feed.record else "''"
    columns = "".join(f", any({column}) AS c_{column}" for column in feed.columns)
    parts = {
        "__KEY__": key,
        "__NAME__": record_id,
        "__AMOUNT__": amount,
        "__COLUMNS__": columns,
        "__TABLE__": feed.table,
        "__CONDITIONS__": " AND ".join(conditions),
    }
    sql = _RECORDS
    for mark, part in parts.items():
        sql = sql.replace(mark, part)
    return sql


def _parameters(wanted: Wanted) -> dict[str, Any]:
    return {"year": wanted.year, "paths": list(wanted.paths), **wanted.filters}


class UseRepository:
    """Write and read the record of uses."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, use: IndividualUse) -> None:
        """Add a use."""
        self._session.add(use)

    async def paths(self, code: str) -> list[str]:
        """Return the authority paths at which facts found the unit with this code."""
        return list(await self._session.scalars(select(CellNode.path).where(CellNode.code == code)))

    async def below(self, path: str, paging: PageRequest) -> Listed[tuple[IndividualUse, str | None]]:
        """Return the uses of units at or below `path`, the latest first, with the names of the units."""
        statement = (
            select(IndividualUse, Unit.name)
            .outerjoin(Unit, Unit.id == IndividualUse.unit_id)
            .where(under(IndividualUse.unit_path, path))
        )
        order = Order((IndividualUse.at, IndividualUse.id), (instant, UUID), descending=True)
        return await listed(self._session, statement, order, paging)
