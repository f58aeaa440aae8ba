"""The same questions to PostgreSQL: the awards in one table, without cells, as they are in ClickHouse."""

import io
import sys
from decimal import Decimal
from typing import Any

from bench.common.watching import computed
from cockpit.analytics.schema import COUNTED
from cockpit.analytics.store import Analytics
from testkit.backends.postgresql import connect

MOST = 10_000_000
"""More awards are left out: the table would need as much of the disk again."""
_TABLE = """
CREATE TABLE peer_awards (
    path ltree NOT NULL, year smallint NOT NULL, stage text NOT NULL, funding text NOT NULL,
    person text NOT NULL, amount numeric(22, 2) NOT NULL, sign smallint NOT NULL
)
"""
_COUNT = f"SELECT count() AS n FROM award_facts WHERE {COUNTED}"  # noqa: S608 - only the constant above
_PART = f"""
SELECT unit_path, year, stage, funding, person_token, amount, sign FROM award_facts
WHERE {COUNTED} AND cityHash64(person_token) % {{parts:UInt32}} = {{part:UInt32}}
"""  # noqa: S608 - only the constant above
_ASKED = """
SELECT grouping(stage) AS any_stage, grouping(funding) AS any_funding, stage, funding,
       sum(net_amount) AS total_amount, sum(net_times) AS total_times, count(DISTINCT person) AS persons
FROM (
    SELECT person, stage, funding, sum(amount * sign) AS net_amount, sum(sign) AS net_times
    FROM peer_awards WHERE path <@ CAST(CAST($1 AS text) AS ltree) AND year = $2
    GROUP BY person, stage, funding
    HAVING sum(sign) > 0
) f
GROUP BY GROUPING SETS ((), (stage), (funding))
"""


class Peer:
    """A table of facts in the database of the cells."""

    def __init__(self, connection: Any, process: int) -> None:
        self._connection = connection
        self._process = process

    @classmethod
    async def filled(cls, url: str, analytics: Analytics) -> "Peer | None":
        """Fill the table unless it is there; None if there are too many facts."""
        counted = await analytics.query(_COUNT, seconds=1_800)
        if counted[0]["n"] > MOST:
            sys.stderr.write("PostgreSQL without cells is not asked: too many facts\n")
            return None
        connection = await connect(url)
        if not await connection.fetchval("SELECT to_regclass('peer_awards') IS NOT NULL"):
            await connection.execute(_TABLE)
            parts = max(1, int(counted[0]["n"]) // 500_000)
            for part in range(parts):
                rows = await analytics.query(_PART, {"parts": parts, "part": part}, seconds=1_800)
                lines = "".join("\t".join(str(value) for value in row.values()) + "\n" for row in rows)
                await connection.copy_to_table("peer_awards", source=io.BytesIO(lines.encode()))
            await connection.execute("CREATE INDEX ON peer_awards USING btree (path, year)")
            await connection.execute("VACUUM ANALYZE peer_awards")
        await connection.execute("SET max_parallel_workers_per_gather = 2")
        return cls(connection, await connection.fetchval("SELECT pg_backend_pid()"))

    async def recount(self, path: str, year: int) -> list[dict[str, Any]]:
        """Return what `Analytics` returns for the same question."""
        rows = await self._connection.fetch(_ASKED, path, year)
        return [
            {
                **dict(row),
                "total_amount": Decimal(row["total_amount"] or 0),
                "total_times": int(row["total_times"] or 0),
            }
            for row in rows
        ]

    def computed(self) -> float:
        """Return the processor milliseconds of its server process so far, without parallel workers."""
        return computed(self._process)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
