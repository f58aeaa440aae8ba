"""Coverage, counted in the database: `summing`, `blockers` and `missing` have the statements, `places` the
rules.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from office.counters.rules import group_of
from office.coverage.blockers import blockers
from office.coverage.missing import Lack, groups, page
from office.coverage.places import holder, named
from office.coverage.rules import Increment
from office.coverage.scope import Scope
from office.coverage.summing import FIGURES, tally
from office.directory.models import Unit
from office.dispatches.rules import overdue_before
from office.notices.models import Notice
from servicekit.ids import instant_of


class UnitName(NamedTuple):
    """A unit's identity and name."""

    id: UUID
    code: str
    name: str


class BranchUnit(NamedTuple):
    """The unit of a branch: its identity, its name, and where it is in the country."""

    id: UUID
    code: str
    name: str
    level: str
    kind: str
    region_code: str | None


class BranchTally(NamedTuple):
    """Figures of one branch directly below the scope; None as `unit` means the scope's own unit."""

    unit: BranchUnit | None
    total: int
    delivered: int
    signed: int
    answered: int
    returned: int
    overdue: int
    read_units: int
    people: int
    people_read: int


class BlockingUnit(NamedTuple):
    """A unit that has the notice and did not forward it, and the number of active units it blocks."""

    unit: UnitName
    cut_off: int


class MissingUnit(NamedTuple):
    """A unit that lacks something; `blocked_by` is set if the notice has not reached the unit.

    `deadline` is that of the forwarding that reached it.
    """

    unit: UnitName
    path: str
    delivered: bool
    deadline: datetime | None
    blocked_by: UnitName | None


class CountedUnit(NamedTuple):
    """A unit that counts: the deadline of the dispatch that reached it; until then, `blocked_by` is set."""

    deadline: datetime | None
    blocked_by: UnitName | None


class Facts(NamedTuple):
    """`special` and `archived`: of the notice; `changed`: units have changed that stand or stood there."""

    special: bool
    archived: bool
    changed: bool


class CoverageRepository:
    """Query coverage figures of one notice in one subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def see_one_snapshot(self) -> None:
        """Use one snapshot for the rest of the transaction, so that the figures are consistent.

        Call it before the transaction's first query.
        """
        await self._session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))

    async def notice(self, notice_id: UUID) -> Notice | None:
        """Return the notice."""
        return await self._session.get(Notice, notice_id)

    async def published_since(self, since: datetime) -> Sequence[UUID]:
        """Return the notices published since, the latest first, also withdrawn ones."""
        statement = select(Notice.id).where(Notice.published_at >= since).order_by(Notice.id.desc())
        return (await self._session.scalars(statement)).all()

    async def facts(self, notice: Notice, unit: Unit, paths: Sequence[str]) -> Facts:
        """Return what decides how a published notice is counted below `unit`, at its `paths`."""
        values = {
            "notice": notice.id,
            "published_at": notice.published_at,
            "year": instant_of(notice.id).year,
        }
        row = (await self._session.execute(_FACTS, {**values, "path": unit.path, "paths": paths})).one()
        return Facts(*row)

    async def tallies(self, notice: Notice, scope: Scope, now: datetime) -> list[BranchTally]:
        """Return the figures of the scope's unit itself and of each branch below it, at `now`.

        Of an archived notice, the branches are those with units below them; the rest is in the first row.
        """
        if scope.archived:
            rows = await self._session.execute(_ARCHIVED, {"notice": notice.id, "unit": scope.unit.id})
            return [_branch(row) for row in rows]
        rows = await self._session.execute(
            tally(
                special=scope.special,
                cells=scope.cells,
                simple=scope.simple,
                members=scope.members is not None,
            ),
            {**scope.values(notice), "late": overdue_before(now)},
        )
        return [_branch(row) for row in rows]

    async def counted(self, notice: Notice, scope: Scope) -> CountedUnit | None:
        """Return how the only member of the scope counts in it; None if it does not count there."""
        found = await self._session.execute(_counted(special=scope.special), scope.values(notice))
        row = found.first()
        return None if row is None else CountedUnit(row[0], _name(*row[1:]))

    async def increments(self, notice: Notice, scope: Scope) -> list[Increment]:
        """Return what the units of the scope have added in each past hour, in their order."""
        statement = _INCREMENTS if scope.members is None else _increments_of_members(special=scope.special)
        rows = await self._session.execute(statement, scope.values(notice))
        return [Increment(*row) for row in rows]

    async def blocking(self, notice: Notice, scope: Scope, *, limit: int) -> tuple[int, list[BlockingUnit]]:
        """Return the number of units that block the notice in `scope`, and the `limit` largest blockers.

        A blocker can be above `scope`; it then blocks the whole scope.
        """
        if scope.whole or scope.archived:
            return 0, []
        # What is overdue is not asked here.
        values = {**scope.values(notice), "limit": limit, "late": notice.published_at}
        statement = blockers(
            special=scope.special,
            cells=scope.cells,
            simple=scope.simple,
            members=scope.members is not None,
        )
        rows = (await self._session.execute(statement, values)).all()
        blocking = [BlockingUnit(UnitName(*row[:3]), int(row[3])) for row in rows]
        return (rows[0][4] if rows else 0), blocking

    async def missing(
        self,
        notice: Notice,
        scope: Scope,
        *,
        lack: Lack,
        after: str | None,
        now: datetime,
        limit: int,
    ) -> Sequence[MissingUnit]:
        """Return units of `lack`, ordered by the superior unit where they count and by their path."""
        if scope.archived:
            return []
        values = {
            **scope.values(notice),
            "late": overdue_before(now),
            "after": after or "",
            "after_group": group_of(after or ""),
            "limit": limit,
        }
        if scope.members is not None:
            return await self._page(scope, lack, {**values, "groups": [], "last_group": None})
        wanted = limit
        while True:
            found, complete = await self._groups(
                scope, lack, {**values, "after": group_of(after or ""), "limit": wanted}
            )
            # A group that is not among the next ones may have units of the list behind those.
            last = None if complete else found[-1][1]
            rows = await self._page(
                scope, lack, {**values, "groups": [group for group, _ in found], "last_group": last}
            )
            # A counter may be behind, until the receipts are counted again: then look at more groups.
            if complete or len(rows) >= limit:
                return rows
            wanted *= 8

    async def _page(self, scope: Scope, lack: Lack, values: dict[str, Any]) -> list[MissingUnit]:
        statement = page(lack, special=scope.special, simple=scope.simple, members=scope.members is not None)
        rows = await self._session.execute(statement, values)
        return [MissingUnit(UnitName(*row[:3]), row[3], row[4], row[5], _name(*row[6:])) for row in rows]

    async def _groups(
        self, scope: Scope, lack: Lack, values: dict[str, Any]
    ) -> tuple[list[tuple[UUID, str]], bool]:
        """Return id and path of superior units of the next units, and whether these are all."""
        if scope.root is None:
            return [], True
        rows = (await self._session.execute(groups(lack, cells=scope.cells), values)).all()
        return [(row[0], row[1]) for row in rows], not rows or len(rows) == rows[0][2]


_FACTS = text(
    """
    SELECT EXISTS (SELECT FROM forwardings f WHERE f.notice_id = :notice AND NOT f.plain),
           EXISTS (SELECT FROM archived_years y WHERE y.year = :year AND y.dropped_at IS NOT NULL),
           EXISTS (SELECT FROM units u WHERE u.placed_at > :published_at AND u.path <@ text2ltree(:path))
           OR EXISTS (
               SELECT FROM unnest(CAST(:paths AS text[])) s (path)
                    JOIN former_places p ON p.path <@ text2ltree(s.path)
               WHERE p.valid_to > :published_at
           )
    """
)
_ARCHIVED_SUMS = ", ".join(
    f"CASE WHEN c.own THEN 2 * c.{name} - sum(c.{name}) OVER () ELSE c.{name} END" for name in FIGURES
)
_ARCHIVED_SQL = f"""
    WITH own AS (
        SELECT c.path FROM archived_coverage c WHERE c.notice_id = :notice AND c.unit_id = :unit
    )
    SELECT u.id, u.code, u.name, u.level, u.kind, u.region_code, {_ARCHIVED_SUMS}
    FROM (
        SELECT c.*, c.path = own.path AS own
        FROM own JOIN archived_coverage c ON c.notice_id = :notice
             AND (c.path = own.path OR c.path <@ own.path AND nlevel(c.path) = nlevel(own.path) + 1)
    ) c
    LEFT JOIN units u ON u.id = c.unit_id AND NOT c.own
    ORDER BY u.code NULLS FIRST
"""  # noqa: S608 - our names
_ARCHIVED = text(_ARCHIVED_SQL)
"""The figures of a unit and of the branches below it. All rows sum up to those of the unit."""
_INCREMENTS = text(
    """
    SELECT hour, sum(signed), sum(answered), sum(people_read)
    FROM (
        SELECT h.hour, h.signed, h.answered, h.people_read
        FROM receipt_hours h
        WHERE h.notice_id = :notice AND h.path = ANY(CAST(CAST(:paths AS text[]) AS ltree[]))
        UNION ALL
        SELECT date_trunc('hour', signed_at), 1, 0, 0
        FROM signatures WHERE notice_id = :notice AND unit_id = :unit
        UNION ALL
        SELECT date_trunc('hour', submitted_at), 0, 1, 0
        FROM answer_revisions WHERE notice_id = :notice AND unit_id = :unit AND number = 1
        UNION ALL
        SELECT date_trunc('hour', read_at), 0, 0, 1
        FROM reads WHERE notice_id = :notice AND unit_id = :unit
    ) added
    GROUP BY hour ORDER BY hour
    """
)


@cache
def _increments_of_members(*, special: bool) -> TextClause:
    statement = f"""
        {named(special=special)}
        SELECT hour, sum(signed), sum(answered), sum(people_read)
        FROM (
            SELECT date_trunc('hour', signed_at) AS hour, 1 AS signed, 0 AS answered, 0 AS people_read
            FROM signatures JOIN counting c ON c.id = unit_id WHERE notice_id = :notice
            UNION ALL
            SELECT date_trunc('hour', submitted_at), 0, 1, 0
            FROM answer_revisions JOIN counting c ON c.id = unit_id WHERE notice_id = :notice AND number = 1
            UNION ALL
            SELECT date_trunc('hour', read_at), 0, 0, 1
            FROM reads JOIN counting c ON c.id = unit_id WHERE notice_id = :notice
        ) added
        GROUP BY hour ORDER BY hour
    """  # noqa: S608 - our names
    return text(statement)


@cache
def _counted(*, special: bool) -> TextClause:
    statement = f"""
        {named(special=special)}
        SELECT c.deadline, h.id, h.code, h.name
        FROM counting c LEFT JOIN {holder("c.path", special=special)} h ON c.deadline IS NULL
    """  # noqa: S608 - our names
    return text(statement)


_UNIT = len(BranchUnit._fields)


def _branch(row: Sequence[Any]) -> BranchTally:
    """Convert a row of the unit's fields, which are null of the scope's own unit, and of the figures."""
    return BranchTally(None if row[0] is None else BranchUnit(*row[:_UNIT]), *row[_UNIT:])


def _name(id_: UUID | None, code: str | None, name: str | None) -> UnitName | None:
    return None if id_ is None or code is None or name is None else UnitName(id_, code, name)
