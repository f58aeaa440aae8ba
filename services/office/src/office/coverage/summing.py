"""SQL expressions for the tallies of a notice, branch by branch. Runs no queries.

Units that have not changed since the notice was published are not looked at one by one: `tree_counts` has
their number below each superior unit (a *group* of siblings, delivered to by one forwarding),
`receipt_counts` what they have signed and read. The parts, whose sum is exact:

- `near`: one by one, the scope's unit and the units directly below it, because each is a branch of its own,
  and units below those who have dispatched the notice in a special way (`Scope.special`);
- `groups`: all units that stand in deeper groups now;
- `standing`: minus those of them that have changed since;
- `varied`: plus the changed units that count, where they count (`counting.changed`);
- `receipts`: what the units of deeper groups have signed and read.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from contracts.vocabulary import UnitStatus
from office.counters.models import ReceiptCount, TreeCount, UnitPeople
from office.coverage.counting import Scope, changed, is_special, label, position, unchanged
from office.directory.models import Unit
from office.dispatches.models import Forwarding
from office.dispatches.rules import overdue_before
from office.notices.models import Notice
from office.receipts.models import Read
from servicekit.ltree import between, under

FIGURES = ("total", "delivered", "signed", "overdue", "read_units", "people", "people_read")
"""The figures of a tally."""

Part = Select[*tuple[Any, ...]]
"""The branch and the figures, one row for each branch or for each unit."""


def tally(notice: Notice, scope: Scope, now: datetime) -> Select[*tuple[Any, ...]]:
    """Return the branches with their figures at `now`; `counting.Counted` says what a branch is."""
    root = scope.root
    parts = [near(notice, scope, now), varied(notice, scope, now), receipts(notice, scope)]
    if root is not None:
        parts += [groups(notice, scope, root, now), standing(notice, scope, root, now)]
    rows = union_all(*parts).subquery()
    figures = [func.coalesce(func.sum(rows.c[name]), 0).cast(Integer).label(name) for name in FIGURES]
    summed = select(rows.c.branch, *figures).group_by(rows.c.branch).subquery()
    return (
        select(Unit.id, Unit.code, Unit.name, *(summed.c[name] for name in FIGURES))
        .select_from(summed)
        .outerjoin(Unit, Unit.code == summed.c.branch)
        .where(or_(summed.c.branch.is_(None), Unit.id.is_not(None)), summed.c.total > 0)
        .order_by(summed.c.branch)
    )


def forwardings(notice: Notice) -> CTE:
    """Return the units that have forwarded to all units directly below, with the deadlines they have set."""
    statement = select(Forwarding.unit_id, Forwarding.deadline).where(
        Forwarding.notice_id == notice.id, Forwarding.plain
    )
    return statement.cte("forwarded")


def near(notice: Notice, scope: Scope, now: datetime) -> Part:
    """Return the units that no group has, and that have not changed."""
    units = unchanged(notice, scope).where(
        or_(Unit.id == scope.unit.id, Unit.parent_id == scope.unit.id, is_special(Unit.path, scope))
    )
    return _one_by_one(notice, units.subquery("near"), now)


def varied(notice: Notice, scope: Scope, now: datetime) -> Part:
    """Return the units that count and have changed."""
    return _one_by_one(notice, union_all(*changed(notice, scope)).subquery("varied"), now)


def _one_by_one(notice: Notice, units: Subquery, now: datetime) -> Part:
    """Return the figures of single units, without the receipts that `receipts` has of deeper units."""
    has_read = (
        select(
            func.count().filter(or_(units.c.alone, ~Read.counted)).label("people"),
            func.count().filter(Read.counted).label("counted"),
            func.count().label("any"),
        )
        .where(Read.notice_id == notice.id, Read.unit_id == units.c.id)
        .lateral()
    )
    due = is_due(notice, units.c.delivered, units.c.deadline, now)
    deep = ~units.c.alone
    return select(
        units.c.branch,
        literal(1).label("total"),
        _number(units.c.delivered).label("delivered"),
        _number(and_(units.c.signed, ~and_(deep, units.c.in_counters))).label("signed"),
        # `groups` subtracts the signatures that the counters have.
        _number(and_(due, or_(~units.c.signed, and_(deep, units.c.in_counters)))).label("overdue"),
        _number(and_(has_read.c.any > 0, ~and_(deep, has_read.c.counted > 0))).label("read_units"),
        func.coalesce(UnitPeople.people, 0).label("people"),
        has_read.c.people.label("people_read"),
    ).select_from(units.join(has_read, literal(True)).outerjoin(UnitPeople, UnitPeople.unit_id == units.c.id))


def groups(notice: Notice, scope: Scope, root: str, now: datetime) -> Part:
    """Return the units that stand now in the groups below the scope's unit, without their receipts."""
    forwarded = forwardings(notice)
    delivered: ColumnElement[bool] = true() if scope.whole else forwarded.c.unit_id.is_not(None)
    due = is_due(notice, delivered, literal(notice.deadline) if scope.whole else forwarded.c.deadline, now)
    waiting = TreeCount.children - func.coalesce(ReceiptCount.signed, 0)
    return (
        select(
            label(TreeCount.path, literal(scope.depth)).label("branch"),
            TreeCount.children.label("total"),
            case((delivered, TreeCount.children), else_=0).label("delivered"),
            literal(0).label("signed"),
            case((due, waiting), else_=0).label("overdue"),
            literal(0).label("read_units"),
            TreeCount.people_children.label("people"),
            literal(0).label("people_read"),
        )
        .outerjoin(forwarded, forwarded.c.unit_id == TreeCount.unit_id)
        .outerjoin(
            ReceiptCount, and_(ReceiptCount.notice_id == notice.id, ReceiptCount.path == TreeCount.path)
        )
        .where(*sums(root), func.nlevel(TreeCount.path) > scope.depth, ~in_special(TreeCount.path, scope))
    )


def standing(notice: Notice, scope: Scope, root: str, now: datetime) -> Part:
    """Return minus the units of `groups` that have changed."""
    forwarding = aliased(Forwarding)
    delivered: ColumnElement[bool] = true() if scope.whole else forwarding.unit_id.is_not(None)
    due = is_due(notice, delivered, literal(notice.deadline) if scope.whole else forwarding.deadline, now)
    return (
        select(
            label(Unit.path, literal(scope.depth)).label("branch"),
            literal(-1).label("total"),
            (-_number(delivered)).label("delivered"),
            literal(0).label("signed"),
            (-_number(due)).label("overdue"),
            literal(0).label("read_units"),
            (-func.coalesce(UnitPeople.people, 0)).label("people"),
            literal(0).label("people_read"),
        )
        .outerjoin(
            forwarding,
            and_(forwarding.notice_id == notice.id, forwarding.unit_id == Unit.parent_id, forwarding.plain),
        )
        .outerjoin(UnitPeople, UnitPeople.unit_id == Unit.id)
        .where(
            Unit.placed_at > notice.published_at,
            Unit.status == UnitStatus.ACTIVE,
            under(Unit.path, root),
            func.nlevel(Unit.path) > max(scope.depth, root.count(".")) + 1,
            ~is_special(Unit.path, scope),
        )
    )


def receipts(notice: Notice, scope: Scope) -> Part:
    """Return what the units of deeper groups have signed and read, where they did."""
    place = position(ReceiptCount.path, scope.unit.code)
    return select(
        label(ReceiptCount.path, place + 1).label("branch"),
        literal(0).label("total"),
        literal(0).label("delivered"),
        ReceiptCount.signed.label("signed"),
        literal(0).label("overdue"),
        ReceiptCount.read_units.label("read_units"),
        literal(0).label("people"),
        ReceiptCount.read.label("people_read"),
    ).where(
        ReceiptCount.notice_id == notice.id,
        or_(false(), *(between(ReceiptCount.path, path) for path in scope.paths)),
        func.nlevel(ReceiptCount.path) > place + 1,
        ~in_special(ReceiptCount.path, scope),
    )


def sums(root: str) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that `TreeCount` has the sum of a group at or below `root`."""
    return (TreeCount.level == "", between(TreeCount.path, root))


def in_special(path: Any, scope: Scope) -> ColumnElement[bool]:
    """Return whether the group at `path` is that of a unit with a special dispatch, or below one."""
    return or_(false(), *(under(path, special) for special in scope.special))


def is_due(
    notice: Notice, delivered: ColumnElement[bool], deadline: Any, now: datetime
) -> ColumnElement[bool]:
    """Return whether the deadline has passed: that of the sender, or of the notice until it is delivered."""
    own = null() if notice.deadline is None else literal(notice.deadline)
    return func.coalesce(case((delivered, deadline), else_=own) <= overdue_before(now), false())


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
