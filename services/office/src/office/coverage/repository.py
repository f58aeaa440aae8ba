"""Coverage, computed in the database from the tree and the facts.

Only facts are stored, so the figures are always current. If counting a whole country becomes too slow,
incremental counters can replace this module behind the same functions. `counting` defines which units count.
A unit that is owed the notice and does not have it is blocked by its nearest superior that has it.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    cast,
    func,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from contracts.vocabulary import AccountStatus
from office.coverage.counting import Counted, Scope, counted, former, has, present
from office.directory.models import Person, Unit
from office.notices.models import Notice
from office.receipts.models import Read
from servicekit.ltree import between


class UnitName(NamedTuple):
    """A unit's identity and name."""

    id: UUID
    code: str
    name: str


class BranchTally(NamedTuple):
    """Counts of one branch directly below the scope; None as `unit` means the scope's own unit."""

    unit: UnitName | None
    total: int
    delivered: int
    signed: int


class BlockingUnit(NamedTuple):
    """A unit that has the notice and did not forward it, and the number of active units it blocks."""

    unit: UnitName
    cut_off: int


class MissingUnit(NamedTuple):
    """A unit that has not signed; `blocked_by` is set if the notice has not reached the unit."""

    unit: UnitName
    path: str
    delivered: bool
    blocked_by: UnitName | None


class ReaderCount(NamedTuple):
    """The number of people, and the number of people who have read the notice."""

    total: int
    read: int


class CoverageRepository:
    """Query coverage figures of one notice in one subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def see_one_snapshot(self) -> None:
        """Use one snapshot for the rest of the transaction, so that the figures are consistent.

        Call it before the transaction's first query.
        """
        await self._session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))

    async def tallies(self, notice: Notice, scope: Scope) -> list[BranchTally]:
        """Return the counts of the scope's unit itself and of each branch below it."""
        units = union_all(*counted(notice, scope)).subquery()
        branches = (
            select(
                units.c.branch,
                func.count().label("total"),
                func.count().filter(units.c.delivered).label("delivered"),
                func.count().filter(units.c.signed).label("signed"),
            )
            .group_by(units.c.branch)
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
        units = union_all(*counted(notice, scope)).subquery()
        row = (
            await self._session.execute(
                select(func.count(), func.count(Read.sub))
                .select_from(Person)
                .join(units, units.c.id == Person.unit_id)
                .outerjoin(Read, and_(Read.notice_id == notice.id, Read.sub == Person.sub))
                .where(Person.status == AccountStatus.ACTIVE)
            )
        ).one()
        return ReaderCount(*row)

    async def blocking(self, notice: Notice, scope: Scope, *, limit: int) -> tuple[int, list[BlockingUnit]]:
        """Return the number of units that block the notice in `scope`, and the `limit` largest blockers.

        A blocker can be above `scope`; it then blocks the whole scope.
        """
        waiting = union_all(*present(notice, scope)).subquery()
        # Siblings have the same blocker, so compute them per parent: there are far fewer parents than units.
        groups = (
            select(waiting.c.parent_id, func.count().label("cut_off"))
            .where(~waiting.c.delivered)
            .group_by(waiting.c.parent_id)
            .subquery()
        )
        parent = aliased(Unit)
        blocker = _nearest_holder(notice, parent.path).lateral()
        cut_off = cast(func.sum(groups.c.cut_off), BigInteger)
        rows = (
            await self._session.execute(
                select(blocker.c.id, blocker.c.code, blocker.c.name, cut_off, func.count().over())
                .select_from(groups)
                .join(parent, parent.id == groups.c.parent_id)
                .join(blocker, true())
                .group_by(blocker.c.id, blocker.c.code, blocker.c.name, blocker.c.path)
                .order_by(cut_off.desc(), blocker.c.path)
                .limit(limit)
            )
        ).all()
        blocking = [BlockingUnit(UnitName(*row[:3]), row[3]) for row in rows]
        return (rows[0][4] if rows else 0), blocking

    async def missing(
        self, notice: Notice, scope: Scope, *, after: str | None, limit: int
    ) -> Sequence[MissingUnit]:
        """Return units that have not signed, ordered by the path they count at, starting after `after`."""
        # Limit the page first, so that blockers are looked up only for its rows.
        standing = [part.where(between(Unit.path, scope.unit.path)) for part in present(notice, scope)]
        parts = [_unsigned(part, after, limit) for part in (*standing, former(notice, scope))]
        units = union_all(*map(select, parts)).subquery()
        page = select(units).order_by(units.c.path).limit(limit).subquery()
        blocker = _nearest_holder(notice, page.c.path).lateral()
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


def _unsigned(part: Counted, after: str | None, limit: int) -> Subquery:
    rows = part.subquery()
    statement = select(rows).where(~rows.c.signed)
    if after is not None:
        statement = statement.where(rows.c.path > func.text2ltree(after))
    return statement.order_by(rows.c.path).limit(limit).subquery()


def _nearest_holder(
    notice: Notice, path: ColumnElement[str] | InstrumentedAttribute[str]
) -> Select[UUID, str, str, str]:
    """Return the nearest unit that has the notice, at `path` or above."""
    unit = aliased(Unit)
    return (
        select(unit.id, unit.code, unit.name, unit.path)
        .where(unit.path.op("@>", is_comparison=True)(path), has(notice, unit))
        .order_by(func.nlevel(unit.path).desc())
        .limit(1)
    )


def _name(id_: UUID | None, code: str | None, name: str | None) -> UnitName | None:
    return None if id_ is None or code is None or name is None else UnitName(id_, code, name)
