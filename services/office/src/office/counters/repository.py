"""Writes the numbers of receipts."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from office.counters.models import ReceiptCount, ReceiptHour

_IS_UNCHANGED = """
    u.status = 'active' AND u.id <> :publisher AND u.path <@ text2ltree(:publisher_path)
    AND (u.placed_at IS NULL OR u.placed_at <= :published_at)
"""
# Joins of the whole tables: a hashed subquery of all units would not fit into memory.
_MARK = f"""
    UPDATE {{facts}} r SET counted = true FROM units u
    WHERE r.notice_id = :notice AND NOT r.counted AND u.id = r.unit_id AND {_IS_UNCHANGED}
"""  # noqa: S608 - our names
_UNMARK = f"""
    UPDATE {{facts}} r SET counted = false
    WHERE r.notice_id = :notice AND r.counted
      AND NOT EXISTS (SELECT FROM units u WHERE u.id = r.unit_id AND {_IS_UNCHANGED})
"""  # noqa: S608 - our names
_MARKS = [
    statement.format(facts=facts)
    for statement in (_MARK, _UNMARK)
    for facts in ("signatures", "reads", "answers")
]
_COUNT = f"""
    WITH facts AS (
        SELECT unit_id, count(*) AS signed, 0 AS read, 0 AS read_units, 0 AS answered
        FROM signatures WHERE notice_id = :notice AND counted GROUP BY 1
        UNION ALL
        SELECT unit_id, 0, count(*), 1, 0 FROM reads WHERE notice_id = :notice AND counted GROUP BY 1
        UNION ALL
        SELECT unit_id, 0, 0, 0, 1
        FROM answers WHERE notice_id = :notice AND counted AND submitted_at IS NOT NULL
    )
    INSERT INTO receipt_counts AS c (notice_id, path, signed, read, read_units, answered)
    SELECT :notice, subpath(u.path, 0, -1), sum(f.signed), sum(f.read), sum(f.read_units), sum(f.answered)
    FROM facts f JOIN units u ON u.id = f.unit_id AND {_IS_UNCHANGED}
    GROUP BY 2
    -- A row that is here already has receipts that were not committed when this statement began.
    ON CONFLICT (notice_id, path) DO UPDATE SET signed = c.signed + excluded.signed,
        read = c.read + excluded.read, read_units = c.read_units + excluded.read_units,
        answered = c.answered + excluded.answered
"""  # noqa: S608 - our names
_RECOUNT = (
    *map(text, _MARKS),
    text("DELETE FROM receipt_counts WHERE notice_id = :notice"),
    text(_COUNT),
)


_HOUR = """
    INSERT INTO receipt_hours AS h (notice_id, path, hour, signed, answered, people_read)
    SELECT f.notice_id, subpath(u.path, 0, size), :hour, sum(f.signed), sum(f.answered), sum(f.people_read)
    FROM (
        SELECT notice_id, unit_id, count(*) AS signed, 0 AS answered, 0 AS people_read
        FROM signatures WHERE signed_at >= :hour AND signed_at < :end GROUP BY 1, 2
        UNION ALL
        SELECT notice_id, unit_id, 0, 1, 0
        FROM answer_revisions WHERE number = 1 AND submitted_at >= :hour AND submitted_at < :end
        UNION ALL
        SELECT notice_id, unit_id, 0, 0, count(*)
        FROM reads WHERE read_at >= :hour AND read_at < :end GROUP BY 1, 2
    ) f
        JOIN units u ON u.id = f.unit_id
        CROSS JOIN LATERAL generate_series(1, nlevel(u.path) - 1) size
    GROUP BY 1, 2
    ON CONFLICT (notice_id, path, hour) DO UPDATE
    SET signed = excluded.signed, answered = excluded.answered, people_read = excluded.people_read
"""
_ADD_HOUR = text(_HOUR)


class NoticeScope(NamedTuple):
    """A published notice, and where its publisher stood then."""

    notice: UUID
    publisher: UUID
    publisher_path: str
    published_at: datetime


class CounterRepository:
    """Adds to the counters of a notice."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, notice_id: UUID, group: str, **numbers: int) -> None:
        """Add to the counters of the units directly below the path `group`; locks the row."""
        statement = insert(ReceiptCount).values(notice_id=notice_id, path=group, **numbers)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["notice_id", "path"],
                set_={name: getattr(ReceiptCount, name) + statement.excluded[name] for name in numbers},
            )
        )

    async def recount(self, notice: NoticeScope) -> None:
        """Count the receipts of the notice again, with the tree as it is known now."""
        for statement in _RECOUNT:
            values = {name: getattr(notice, name) for name in statement.compile().params}
            await self._session.execute(statement, values)

    async def last_hour(self) -> datetime | None:
        """Return the last hour that has been added up."""
        return await self._session.scalar(select(func.max(ReceiptHour.hour)))

    async def add_hour(self, hour: datetime) -> None:
        """Add up the receipts of the hour, or add them up again."""
        await self._session.execute(_ADD_HOUR, {"hour": hour, "end": hour + timedelta(hours=1)})
