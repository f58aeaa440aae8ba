"""Coverage, counted in the database: `summing`, `blockers` and `missing` have the statements, `counting` the
rules.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import false, func, literal, or_, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from office.counters.models import ReceiptHour
from office.counters.rules import group_of
from office.coverage.blockers import BLOCKERS, waiting_alone
from office.coverage.counting import Scope
from office.coverage.missing import GROUPS, Lack, page
from office.coverage.rules import Increment
from office.coverage.summing import tally
from office.directory.models import Unit
from office.dispatches.models import Forwarding
from office.dispatches.rules import overdue_before
from office.notices.models import Notice
from office.receipts.models import Read, Signature
from servicekit.ltree import beyond


class UnitName(NamedTuple):
    """A unit's identity and name."""

    id: UUID
    code: str
    name: str


class BranchTally(NamedTuple):
    """Figures of one branch directly below the scope; None as `unit` means the scope's own unit."""

    unit: UnitName | None
    total: int
    delivered: int
    signed: int
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

    async def special_places(self, notice_id: UUID, *, limit: int) -> Sequence[str]:
        """Return the paths of units that have dispatched the notice in a special way."""
        statement = (
            select(Unit.path)
            .join(Forwarding, Forwarding.unit_id == Unit.id)
            .where(Forwarding.notice_id == notice_id, ~Forwarding.plain)
            .distinct()
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def tallies(self, notice: Notice, scope: Scope, now: datetime) -> list[BranchTally]:
        """Return the figures of the scope's unit itself and of each branch below it, at `now`."""
        rows = await self._session.execute(tally(notice, scope, now))
        return [BranchTally(_name(*row[:3]), *row[3:]) for row in rows]

    async def increments(self, notice: Notice, scope: Scope) -> list[Increment]:
        """Return what the units of the scope have added in each past hour, in their order."""
        unit_id = scope.unit.id
        own = union_all(
            select(
                Signature.signed_at.label("at"), literal(1).label("signed"), literal(0).label("read")
            ).where(Signature.notice_id == notice.id, Signature.unit_id == unit_id),
            select(Read.read_at, literal(0), literal(1)).where(
                Read.notice_id == notice.id, Read.unit_id == unit_id
            ),
        ).subquery()
        rows = union_all(
            select(ReceiptHour.hour, ReceiptHour.signed, ReceiptHour.people_read).where(
                ReceiptHour.notice_id == notice.id,
                or_(false(), *(ReceiptHour.path == func.text2ltree(path) for path in scope.paths)),
            ),
            select(func.date_trunc("hour", own.c.at), own.c.signed, own.c.read).select_from(own),
        ).subquery()
        statement = (
            select(rows.c.hour, func.sum(rows.c.signed), func.sum(rows.c.people_read))
            .group_by(rows.c.hour)
            .order_by(rows.c.hour)
        )
        return [Increment(*row) for row in await self._session.execute(statement)]

    async def blocking(self, notice: Notice, scope: Scope, *, limit: int) -> tuple[int, list[BlockingUnit]]:
        """Return the number of units that block the notice in `scope`, and the `limit` largest blockers.

        A blocker can be above `scope`; it then blocks the whole scope.
        """
        alone = (await self._session.execute(waiting_alone(notice, scope))).all()
        # Of units that have not changed, none waits for what has been delivered to all.
        root = None if scope.whole else scope.root
        rows = (
            await self._session.execute(
                BLOCKERS,
                {
                    "notice": notice.id,
                    "publisher": notice.publisher_id,
                    "published_at": notice.published_at,
                    "unit": scope.unit.id,
                    "root": root or "",
                    "beyond": "" if root is None else beyond(root),
                    "blockers": [path for path, _ in alone],
                    "units": [units for _, units in alone],
                    "special": list(scope.special),
                    "limit": limit,
                },
            )
        ).all()
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
        wanted = limit
        while True:
            groups, complete = await self._groups(notice, scope, lack, after, now, wanted)
            rows = (
                await self._session.execute(
                    page(notice, scope, lack, groups, after=after, now=now, limit=limit)
                )
            ).all()
            # A counter may be behind, until the receipts are counted again: then look at more groups.
            if complete or len(rows) >= limit:
                return [
                    MissingUnit(UnitName(*row[:3]), row[3], row[4], row[5], _name(*row[6:])) for row in rows
                ]
            wanted *= 8

    async def _groups(
        self, notice: Notice, scope: Scope, lack: Lack, after: str | None, now: datetime, limit: int
    ) -> tuple[list[UUID], bool]:
        """Return superior units of the next `limit` units, and whether these are all."""
        root = scope.root
        if root is None:
            return [], True
        values = {
            "notice": notice.id,
            "published_at": notice.published_at,
            "root": root,
            "beyond": beyond(root),
            "after": "" if after is None else group_of(after),
            "limit": limit,
            "special": list(scope.special),
        }
        if lack is not Lack.SIGNATURE:
            values["whole"] = scope.whole
        if lack is Lack.OVERDUE:
            values |= {"deadline": notice.deadline, "late": overdue_before(now)}
        rows = (await self._session.execute(GROUPS[lack], values)).all()
        return [row[0] for row in rows], not rows or len(rows) == rows[0][1]


def _name(id_: UUID | None, code: str | None, name: str | None) -> UnitName | None:
    return None if id_ is None or code is None or name is None else UnitName(id_, code, name)
