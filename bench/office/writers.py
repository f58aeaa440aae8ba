"""What receipts cost: their rate, their storage, and what peers do instead."""

import asyncio
import time
import uuid
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.office.world import PUBLISHED_AT
from office.counters.service import Counters
from office.notices.models import Notice
from servicekit.db import Database

CONNECTIONS: Final = 16

# What signing writes: the signature, the counter, the event. As one statement, without the cost of Python.
_SIGN = text(
    """
    WITH signed AS (
        INSERT INTO signatures (notice_id, unit_id, signed_by, signed_at, counted)
        VALUES (:notice, :unit, :unit, now(), true)
        ON CONFLICT DO NOTHING RETURNING notice_id
    ), counted AS (
        INSERT INTO receipt_counts AS c (notice_id, path, signed)
        SELECT notice_id, text2ltree(:path), 1 FROM signed
        ON CONFLICT (notice_id, path) DO UPDATE SET signed = c.signed + 1
    )
    INSERT INTO outbox (id, source, type, subject, data)
    SELECT gen_random_uuid(), 'bench', 'bench', '', '{}' FROM signed
    """
)
_NAIVE = text(
    """
    SELECT subpath(u.path, 1, 1), count(*), count(s.unit_id)
    FROM units u LEFT JOIN signatures s ON s.notice_id = :notice AND s.unit_id = u.id
    WHERE u.status = 'active' AND nlevel(u.path) > 1 GROUP BY 1
    """
)
_LIST = text(
    "CREATE TABLE notice_read"
    " (notice_id uuid, user_id uuid, read_at timestamptz, PRIMARY KEY (notice_id, user_id))"
)
_LIST_PUBLISH = text("INSERT INTO notice_read SELECT :notice, sub, NULL FROM people")
_LIST_COUNT = text(
    """
    SELECT subpath(u.path, 1, 1), count(*), count(r.read_at)
    FROM notice_read r JOIN people p ON p.sub = r.user_id JOIN units u ON u.id = p.unit_id
    WHERE r.notice_id = :notice AND nlevel(u.path) > 1 GROUP BY 1
    """
)
_SIZES = text(
    """
    SELECT name, coalesce(
        (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(name::regclass)),
        pg_total_relation_size(name::regclass))::bigint
    FROM unnest(ARRAY['signatures', 'reads', 'receipt_counts']) name
    """
)


async def recount(database: Database, notice: Notice) -> float:
    """Count the receipts again; return the seconds."""
    begun = time.perf_counter()
    async with database.transaction() as session:
        assert notice.published_at is not None
        await Counters(session).recount(
            notice.id,
            publisher=notice.publisher_id,
            publisher_path="100000",
            published_at=notice.published_at,
        )
    return time.perf_counter() - begun


async def answer(database: Database, notice: Notice, signed: int, read: int) -> None:
    """Insert signatures by `signed` percent of the units and reads by `read` percent of the people."""
    values = {"notice": notice.id, "at": PUBLISHED_AT}
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO signatures (notice_id, unit_id, signed_by, signed_at)"
                " SELECT :notice, id, id, :at FROM units"
                " WHERE nlevel(path) > 1 AND abs(hashtext(code || 's')) % 100 < :percent"
                " ON CONFLICT DO NOTHING"
            ),
            {**values, "percent": signed},
        )
        await session.execute(
            text(
                "INSERT INTO reads (notice_id, sub, unit_id, read_at) SELECT :notice, sub, unit_id, :at"
                " FROM people WHERE nlevel(unit_path) > 1 AND abs(hashtext(sub::text)) % 100 < :percent"
                " ON CONFLICT DO NOTHING"
            ),
            {**values, "percent": read},
        )


async def rate(url: str, count: int) -> tuple[float, float]:
    """Have `count` units sign at once; return signatures a second and the 99th percentile in milliseconds."""
    database = Database(url, plans="force_generic_plan", pool_size=CONNECTIONS)
    async with database.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT id, ltree2text(subpath(path, 0, -1)) FROM units"
                " WHERE level = 'school' ORDER BY md5(code) LIMIT :count"
            ),
            {"count": count},
        )
        units = [(row[0], row[1]) for row in rows]
    fresh, times = uuid.uuid4(), list[float]()
    work = iter(units)

    async def sign() -> None:
        for unit_id, path in work:
            begun = time.perf_counter()
            async with database.transaction() as session:
                await session.execute(_SIGN, {"notice": fresh, "unit": unit_id, "path": path})
            times.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(sign() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - begun
    async with database.transaction() as session:
        for table in ("signatures", "receipt_counts"):
            await session.execute(_delete(table), {"notice": fresh})
        await session.execute(text("DELETE FROM outbox WHERE source = 'bench'"))
    await database.close()
    return len(units) / seconds, sorted(times)[int(len(times) * 0.99)]


def _delete(table: str) -> Any:
    return text(f"DELETE FROM {table} WHERE notice_id = :notice")  # noqa: S608 - our names


async def storage(session: AsyncSession) -> tuple[float, float]:
    """Return the MiB that a million receipts take, and the counters' share of it in percent."""
    sizes: dict[str, int] = {row[0]: row[1] for row in await session.execute(_SIZES)}
    receipts = await session.scalar(
        text("SELECT (SELECT count(*) FROM signatures) + (SELECT count(*) FROM reads)")
    )
    total = sum(sizes.values())
    return total / 1024**2 / max(1, receipts) * 1_000_000, sizes["receipt_counts"] / total * 100


async def peers(database: Database, notice: Notice) -> list[list[str]]:
    """Return rows with what other designs take, in milliseconds."""
    rows = []
    async with database.transaction() as session:
        rows.append(["naive SQL over receipts: country by province", await _timed(session, _NAIVE, notice)])
        await session.execute(_LIST)
        rows.append(
            [
                "a row for each person, as in `sys_notice_read`: publish",
                await _timed(session, _LIST_PUBLISH, notice),
            ]
        )
        await session.execute(text("ANALYZE notice_read"))
        rows.append(
            [
                "a row for each person: country by province",
                await _timed(session, _LIST_COUNT, notice),
            ]
        )
        await session.execute(text("DROP TABLE notice_read"))
    return rows


async def _timed(session: AsyncSession, statement: Any, notice: Notice) -> str:
    begun = time.perf_counter()
    await session.execute(statement, {"notice": notice.id})
    return f"{(time.perf_counter() - begun) * 1000:,.0f}"
