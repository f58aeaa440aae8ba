"""Coverage computed from the tree and the facts, in the database.

Nothing is stored besides the facts, so the figures are always current; if counting a whole country becomes
too slow, incremental counters can take this module's place behind the same functions. `counting` says which
units count. A unit that does not have the notice is cut off by the nearest unit above it that has: that unit
did not forward.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, Uuid, and_, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import AccountStatus, UnitStatus
from office.coverage.counting import Counted, Scope, former, forwarded, had, has, owed, present
from office.directory.models import Person, Unit
from office.notices.models import Notice
from office.receipts.models import Read
from servicekit.ltree import LTree, under


class UnitName(NamedTuple):
    """A unit's identity and name."""

    id: UUID
    code: str
    name: str


class BranchTally(NamedTuple):
    """Counts of one branch directly below the scope; `unit` None is the scope's own unit."""

    unit: UnitName | None
    total: int
    delivered: int
    signed: int


class BlockingUnit(NamedTuple):
    """A unit that has the notice and did not forward it, and how many active units that cuts off."""

    unit: UnitName
    cut_off: int


class MissingUnit(NamedTuple):
    """A unit that has not signed; `blocked_by` when the notice has not even reached it."""

    unit: UnitName
    path: str
    delivered: bool
    blocked_by: UnitName | None


class ReaderCount(NamedTuple):
    """How many people there are, and how many of them have read the notice."""

    total: int
    read: int


class CoverageRepository:
    """Figures of one notice in one subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def see_one_snapshot(self) -> None:
        """Have all that follows in this transaction see the same facts, so that the figures add up.

        Call it before the transaction's first query.
        """
        await self._session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))

    async def tallies(self, notice: Notice, scope: Scope) -> list[BranchTally]:
        """Return the counts of the scope's unit itself and of each branch below it."""
        counted = union_all(present(notice, scope), former(notice, scope)).subquery()
        branches = (
            select(
                counted.c.branch,
                func.count().label("total"),
                func.count().filter(counted.c.delivered).label("delivered"),
                func.count().filter(counted.c.signed).label("signed"),
            )
            .group_by(counted.c.branch)
            .subquery()
        )
        rows = await self._session.execute(
            select(Unit.id, Unit.code, Unit.name, branches.c.total, branches.c.delivered, branches.c.signed)
            .select_from(branches)
            .outerjoin(Unit, Unit.code == branches.c.branch)
            .order_by(branches.c.branch)
        )
        return [BranchTally(_name(*row[:3]), *row[3:]) for row in rows]

    async def readers(self, notice: Notice, scope: Scope) -> ReaderCount:
        """Return the active people of the units that coverage counts."""
        counted = union_all(present(notice, scope), former(notice, scope)).subquery()
        row = (
            await self._session.execute(
                select(func.count(), func.count(Read.sub))
                .select_from(Person)
                .join(counted, counted.c.id == Person.unit_id)
                .outerjoin(Read, and_(Read.notice_id == notice.id, Read.sub == Person.sub))
                .where(Person.status == AccountStatus.ACTIVE)
            )
        ).one()
        return ReaderCount(*row)

    async def blocking(self, notice: Notice, scope: Scope, *, limit: int) -> tuple[int, list[BlockingUnit]]:
        """How many units hold the notice up within `scope`, and the worst `limit` of them.

        One of them may stand above `scope`: then all of `scope` waits for it.
        """
        holder, first, below = aliased(Unit), aliased(Unit), aliased(Unit)
        # What is cut off directly: children of units that have the notice and have not forwarded it ...
        held = (
            select(first.id, holder.id.label("blocker"))
            .join(holder, first.parent_id == holder.id)
            .where(
                under(holder.path, scope.unit.path),
                has(notice, holder),
                ~forwarded(notice, holder.id),
                ~had(notice, first.id),
            )
        )
        above = await self._blocker_above(notice, scope.unit)
        if above is None:
            lost = held.cte("lost", recursive=True)
        else:
            # ... and the scope itself, when it is waiting for a unit above.
            waiting = select(Unit.id, literal(above.id, Uuid).label("blocker")).where(
                Unit.id == scope.unit.id
            )
            lost = select(union_all(held, waiting).subquery()).cte("lost", recursive=True)
        # From there down to units that have the notice (it reached them where they stood before).
        lost = lost.union_all(
            select(below.id, lost.c.blocker)
            .join(lost, below.parent_id == lost.c.id)
            .where(~forwarded(notice, lost.c.id), ~had(notice, below.id))
        )
        counted = (
            select(lost.c.blocker, func.count().label("cut_off"))
            .join(Unit, Unit.id == lost.c.id)
            .where(
                Unit.status == UnitStatus.ACTIVE,
                under(Unit.path, scope.unit.path),
                Unit.id != notice.publisher_id,
                owed(notice, Unit, scope.publisher_path),
            )
            .group_by(lost.c.blocker)
            .subquery()
        )
        rows = (
            await self._session.execute(
                select(Unit.id, Unit.code, Unit.name, counted.c.cut_off, func.count().over())
                .join(counted, counted.c.blocker == Unit.id)
                .order_by(counted.c.cut_off.desc(), Unit.path)
                .limit(limit)
            )
        ).all()
        blocking = [BlockingUnit(UnitName(*row[:3]), row[3]) for row in rows]
        return (rows[0][4] if rows else 0), blocking

    async def missing(
        self, notice: Notice, scope: Scope, *, after: str | None, limit: int
    ) -> Sequence[MissingUnit]:
        """Units that have not signed, in the order of the paths they count at, those after `after`."""
        # The page is cut first, so that blockers are looked up for its rows only.
        pages = [select(_unsigned(counted(notice, scope), after, limit)) for counted in (present, former)]
        both = union_all(*pages).subquery()
        page = select(both).order_by(both.c.path).limit(limit).subquery()
        blocker = _nearest_holder(notice, page.c.path, page.c.id).lateral()
        rows = await self._session.execute(
            select(
                page.c.id,
                page.c.code,
                page.c.name,
                page.c.path,
                page.c.delivered,
                blocker.c.id,
                blocker.c.code,
                blocker.c.name,
            )
            .select_from(page)
            .outerjoin(blocker, ~page.c.delivered)
            .order_by(page.c.path)
        )
        return [MissingUnit(UnitName(*row[:3]), row[3], row[4], _name(*row[5:])) for row in rows]

    async def _blocker_above(self, notice: Notice, unit: Unit) -> UnitName | None:
        """The unit that `unit` waits for; None when it has the notice or has published it."""
        if unit.id == notice.publisher_id:
            return None
        if await self._session.scalar(select(has(notice, Unit)).where(Unit.id == unit.id)):
            return None
        nearest = _nearest_holder(notice, literal(unit.path, LTree), literal(unit.id, Uuid))
        row = (await self._session.execute(nearest)).one_or_none()
        return None if row is None else UnitName(*row)


def _unsigned(counted: Counted, after: str | None, limit: int) -> Subquery:
    rows = counted.subquery()
    statement = select(rows).where(~rows.c.signed)
    if after is not None:
        statement = statement.where(rows.c.path > func.text2ltree(after))
    return statement.order_by(rows.c.path).limit(limit).subquery()


def _nearest_holder(
    notice: Notice, path: ColumnElement[str], unit_id: ColumnElement[UUID]
) -> Select[UUID, str, str]:
    """Return the nearest unit above that has the notice."""
    ancestor = aliased(Unit)
    return (
        select(ancestor.id, ancestor.code, ancestor.name)
        .where(
            ancestor.path.op("@>", is_comparison=True)(path),
            ancestor.id != unit_id,
            has(notice, ancestor),
        )
        .order_by(func.nlevel(ancestor.path).desc())
        .limit(1)
    )


def _name(id_: UUID | None, code: str | None, name: str | None) -> UnitName | None:
    return None if id_ is None or code is None or name is None else UnitName(id_, code, name)
