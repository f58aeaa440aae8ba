"""Coverage computed from the tree and the facts, in the database.

Nothing is kept besides the facts, so the figures are always current; should counting a whole country
become too slow, incremental counters can take this module's place behind the same functions.

A unit *has* a notice when its parent has forwarded it. One that has not is cut off by the nearest unit
above it that has: that unit did not forward.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, exists, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import AccountStatus, UnitStatus
from office.directory.models import Person, Unit
from office.notices.models import Forwarding, Notice
from office.receipts.models import Read, Signature
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

    async def tallies(self, notice: Notice, scope: Unit) -> list[BranchTally]:
        """Return the counts of `scope` itself and of each branch below it, in one pass over its units."""
        signature = aliased(Signature)
        # The path down to the branch: one label more than the scope's own.
        branch = func.subpath(Unit.path, 0, scope.path.count(".") + 2, type_=LTree)
        counted = (
            select(
                branch.label("branch"),
                func.count().label("total"),
                func.count(Forwarding.unit_id).label("delivered"),
                func.count(signature.unit_id).label("signed"),
            )
            .outerjoin(
                Forwarding, and_(Forwarding.notice_id == notice.id, Forwarding.unit_id == Unit.parent_id)
            )
            .outerjoin(signature, and_(signature.notice_id == notice.id, signature.unit_id == Unit.id))
            .where(*_counted(notice, scope))
            .group_by(text("branch"))
            .subquery()
        )
        child = aliased(Unit)
        rows = await self._session.execute(
            select(child.id, child.code, child.name, counted.c.total, counted.c.delivered, counted.c.signed)
            .select_from(counted)
            .outerjoin(child, and_(child.path == counted.c.branch, child.id != scope.id))
            .order_by(counted.c.branch)
        )
        return [BranchTally(_ref(*row[:3]), *row[3:]) for row in rows]

    async def readers(self, notice: Notice, scope: Unit) -> ReaderCount:
        """Return the active people of the units that coverage counts."""
        row = (
            await self._session.execute(
                select(func.count(), func.count(Read.sub))
                .select_from(Person)
                .join(Unit, Unit.id == Person.unit_id)
                .outerjoin(Read, and_(Read.notice_id == notice.id, Read.sub == Person.sub))
                .where(Person.status == AccountStatus.ACTIVE, *_counted(notice, scope))
            )
        ).one()
        return ReaderCount(*row)

    async def blocking(self, notice: Notice, scope: Unit, *, limit: int) -> tuple[int, list[BlockingUnit]]:
        """How many units hold the notice up within `scope`, and the worst `limit` of them.

        One of them may stand above `scope`: then all of `scope` waits for it.
        """
        holder = aliased(Unit)
        first = aliased(Unit)
        # What is cut off at once: the children of units that have it and keep it ...
        kept = (
            select(first.id, first.path, first.status, holder.id.label("blocker"))
            .join(holder, first.parent_id == holder.id)
            .where(
                under(holder.path, scope.path),
                _forwarded(notice, holder.parent_id),
                ~_forwarded(notice, holder.id),
            )
        )
        above = await self._blocker_above(notice, scope)
        if above is None:
            lost = kept.cte("lost", recursive=True)
        else:
            # ... and the scope itself, when it is waiting for a unit above.
            waiting = select(Unit.id, Unit.path, Unit.status, literal(above.id, Uuid).label("blocker")).where(
                Unit.id == scope.id
            )
            start = union_all(kept, waiting).subquery()
            lost = select(start).cte("lost", recursive=True)
        # From there down to whoever has forwarded nevertheless (it had the notice before it was moved here).
        below = aliased(Unit)
        lost = lost.union_all(
            select(below.id, below.path, below.status, lost.c.blocker)
            .join(lost, below.parent_id == lost.c.id)
            .where(~_forwarded(notice, lost.c.id))
        )
        cut_off = func.count().label("cut_off")
        counted = (
            select(lost.c.blocker, cut_off)
            .where(lost.c.status == UnitStatus.ACTIVE, under(lost.c.path, scope.path))
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
        return (rows[0][4] if rows else 0), [BlockingUnit(UnitName(*row[:3]), row[3]) for row in rows]

    async def missing(
        self, notice: Notice, scope: Unit, *, after: str | None, limit: int
    ) -> Sequence[MissingUnit]:
        """Units that have not signed, in the order of their paths, those after the path `after`."""
        statement = (
            select(
                Unit.id, Unit.code, Unit.name, Unit.path, Forwarding.unit_id.is_not(None).label("delivered")
            )
            .outerjoin(
                Forwarding, and_(Forwarding.notice_id == notice.id, Forwarding.unit_id == Unit.parent_id)
            )
            .where(
                *_counted(notice, scope),
                ~exists().where(Signature.notice_id == notice.id, Signature.unit_id == Unit.id),
            )
        )
        if after is not None:
            statement = statement.where(Unit.path > after)
        # The page is cut first, so that blockers are looked up for its rows only.
        cut = statement.order_by(Unit.path).limit(limit).subquery()
        blocker = _nearest_holder(notice, cut.c.path, cut.c.id).lateral()
        rows = await self._session.execute(
            select(
                cut.c.id,
                cut.c.code,
                cut.c.name,
                cut.c.path,
                cut.c.delivered,
                blocker.c.id,
                blocker.c.code,
                blocker.c.name,
            )
            .select_from(cut)
            .outerjoin(blocker, ~cut.c.delivered)
            .order_by(cut.c.path)
        )
        return [MissingUnit(UnitName(*row[:3]), row[3], row[4], _ref(*row[5:])) for row in rows]

    async def _blocker_above(self, notice: Notice, scope: Unit) -> UnitName | None:
        """Whom `scope` waits for; None when it has the notice or has published it."""
        if scope.id == notice.publisher_id:
            return None
        if await self._session.scalar(select(_forwarded(notice, scope.parent_id))):
            return None
        path = literal(scope.path, LTree)
        row = (await self._session.execute(_nearest_holder(notice, path, scope.id))).one_or_none()
        return None if row is None else UnitName(*row)


def _counted(notice: Notice, scope: Unit) -> tuple[ColumnElement[bool], ...]:
    """Return the units that coverage speaks of: active, within `scope`, the publisher itself left out."""
    return Unit.status == UnitStatus.ACTIVE, under(Unit.path, scope.path), Unit.id != notice.publisher_id


def _forwarded(notice: Notice, unit_id: Any) -> ColumnElement[bool]:
    forwarding = aliased(Forwarding)
    return exists().where(forwarding.notice_id == notice.id, forwarding.unit_id == unit_id)


def _nearest_holder(notice: Notice, path: ColumnElement[str], unit_id: Any) -> Select[UUID, str, str]:
    """Return the nearest unit above that has the notice."""
    ancestor = aliased(Unit)
    return (
        select(ancestor.id, ancestor.code, ancestor.name)
        .where(
            ancestor.path.op("@>", is_comparison=True)(path),
            ancestor.id != unit_id,
            _forwarded(notice, ancestor.parent_id),
        )
        .order_by(func.nlevel(ancestor.path).desc())
        .limit(1)
    )


def _ref(id_: UUID | None, code: str | None, name: str | None) -> UnitName | None:
    return None if id_ is None or code is None or name is None else UnitName(id_, code, name)
