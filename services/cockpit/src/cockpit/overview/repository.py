"""Queries over published figures. They belong to the unit itself and do not include those of its children.

A unit is found by its code, which it keeps when it moves.
"""

from typing import Any

from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics

_PUBLISHED = f"""
SELECT batch_id, source, scope, stage, funding, is_total,
       sum(amount * sign) AS total_amount, any(share_percent) AS share, sum(persons * sign) AS total_persons
FROM aggregate_facts
WHERE {COUNTED} AND unit_code = {{code:String}} AND year = {{year:UInt16}}
    AND programme = '' AND region_group = ''
GROUP BY batch_id, source, scope, stage, funding, is_total
HAVING sum(sign) > 0
"""  # noqa: S608 - only the constant above

_YEARS = f"""
SELECT year FROM aggregate_facts WHERE {COUNTED} AND unit_code = {{code:String}}
GROUP BY year HAVING sum(sign) > 0
"""  # noqa: S608 - only the constant above

Rows = list[dict[str, Any]]


class PublishedRepository:
    """Read the published tables of one unit."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def lines(self, code: str, year: int) -> Rows:
        """Return the lines of the unit's tables."""
        return await self._analytics.query(_PUBLISHED, {"code": code, "year": year})

    async def years(self, code: str) -> list[int]:
        """Return the years with a table."""
        return [int(row["year"]) for row in await self._analytics.query(_YEARS, {"code": code})]
