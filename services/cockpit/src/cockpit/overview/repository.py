"""Queries over facts. Each is restricted to loads that count and to the subtree of one unit.

The list of loads is part of the query text: a ClickHouse server limits a bound parameter to 128 KiB, which is
about 3,300 loads, and the text to the client's setting `max_query_size`.

Two conditions on the first column of the sort key select the subtree: the unit itself, or its path with a dot
as the prefix. So `100000.37` is not treated as an ancestor of `100000.370000`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cockpit.analytics.store import Analytics

_SUBTREE = """
    load_id IN __LOADS__
    AND (unit_path = {path:String} OR startsWith(unit_path, concat({path:String}, '.')))
"""

# A person counts if at least one of their awards has not been reversed.
_AWARDS = f"""
SELECT grouping(stage) AS any_stage, grouping(funding) AS any_funding, stage, funding,
       sum(net_amount) AS total_amount, sum(net_times) AS total_times, uniqExact(person_token) AS persons
FROM (
    SELECT person_token, stage, funding, sum(amount * sign) AS net_amount, sum(sign) AS net_times
    FROM award_facts
    WHERE {_SUBTREE} AND year = {{year:UInt16}}
    GROUP BY person_token, stage, funding
    HAVING net_times > 0
)
GROUP BY GROUPING SETS ((), (stage), (funding))
"""  # noqa: S608 - only the constant above

_CHILDREN = f"""
SELECT splitByChar('.', unit_path)[{{label:UInt8}}] AS code,
       sum(amount * sign) AS total_amount, sum(sign) AS total_times
FROM award_facts
WHERE {_SUBTREE} AND year = {{year:UInt16}}
GROUP BY code
HAVING total_times > 0
"""  # noqa: S608 - only the constant above

# Published figures belong to the unit itself and do not include those of its children.
_PUBLISHED = """
SELECT batch_id, source, scope, stage, funding, is_total,
       sum(amount * sign) AS total_amount, any(share_percent) AS share, sum(persons * sign) AS total_persons
FROM aggregate_facts
WHERE load_id IN __LOADS__ AND unit_path = {path:String} AND year = {year:UInt16}
GROUP BY batch_id, source, scope, stage, funding, is_total
HAVING sum(sign) > 0
"""

_AWARD_YEARS = f"""
SELECT year FROM award_facts WHERE {_SUBTREE} GROUP BY year HAVING sum(sign) > 0
"""  # noqa: S608 - only the constant above
_PUBLISHED_YEARS = """
SELECT year FROM aggregate_facts
WHERE load_id IN __LOADS__ AND unit_path = {path:String}
GROUP BY year HAVING sum(sign) > 0
"""

Rows = list[dict[str, Any]]


class FactRepository:
    """Read facts about one unit."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def awards(self, path: str, loads: Sequence[UUID], year: int) -> Rows:
        """Return sums over the subtree: total, by stage, by source of money."""
        return await self._read(_AWARDS, path, loads, year=year)

    async def by_child(self, path: str, loads: Sequence[UUID], year: int, label: int) -> Rows:
        """Return sums by the `label`-th code of the path; an empty code is the unit itself."""
        return await self._read(_CHILDREN, path, loads, year=year, label=label)

    async def published(self, path: str, loads: Sequence[UUID], year: int) -> Rows:
        """Return the lines of the unit's own published tables."""
        return await self._read(_PUBLISHED, path, loads, year=year)

    async def years(self, path: str, awards: Sequence[UUID], published: Sequence[UUID]) -> list[int]:
        """Return the years with any figure, ascending."""
        rows = [
            *await self._read(_AWARD_YEARS, path, awards),
            *await self._read(_PUBLISHED_YEARS, path, published),
        ]
        return sorted({int(row["year"]) for row in rows})

    async def _read(self, sql: str, path: str, loads: Sequence[UUID], **parameters: Any) -> Rows:
        if not loads:
            return []
        listed = ",".join(f"'{load}'" for load in loads)
        return await self._analytics.query(
            sql.replace("__LOADS__", f"({listed})"), {"path": path, **parameters}
        )
