"""SQL for the lists of units that lack something. Runs no queries.

The list is in the order of superior units, and below each of them in the order of the paths. A page reads
only groups of siblings in which something is missing: `tree_counts` and `receipt_counts` say which.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, TextClause, exists, func, or_, select, text, tuple_, union_all

from office.counters.rules import group_of
from office.coverage.blockers import nearest_holder
from office.coverage.counting import Counted, Scope, changed, is_special, unchanged
from office.coverage.summing import is_due
from office.directory.models import Unit
from office.notices.models import Notice
from office.receipts.models import Read


class Lack(StrEnum):
    """What the units of a list lack."""

    SIGNATURE = "not_signed"
    DELIVERY = "not_delivered"
    READ = "not_read"
    OVERDUE = "overdue"


_DONE: Final = {
    Lack.SIGNATURE: ("true", "signed"),
    Lack.DELIVERY: ("f.unit_id IS NULL AND NOT CAST(:whole AS boolean)", "signed"),
    Lack.READ: ("(f.unit_id IS NOT NULL OR CAST(:whole AS boolean))", "read_units"),
    Lack.OVERDUE: (
        "coalesce(CASE WHEN CAST(:whole AS boolean) THEN NULL ELSE f.deadline END, :deadline) <= :late",
        "signed",
    ),
}
"""Which groups are looked at, and what each of their units should have done."""

_FACTS: Final = {"signed": "signatures", "read_units": "reads"}

_GROUPS = """
    WITH arrived AS MATERIALIZED (
        SELECT ltree2text(subpath(u.path, 0, -1)) AS path, count(*) AS units
        FROM units u
        WHERE u.placed_at > :published_at AND u.status = 'active' AND u.path <@ text2ltree(:root)
        GROUP BY 1
    ), counted AS MATERIALIZED (
        -- Those of the counters that have changed since.
        SELECT ltree2text(subpath(p.path, 0, -1)) AS path, count(*) AS units
        FROM former_places p
        WHERE p.valid_from <= :published_at AND p.valid_to > :published_at AND p.path <@ text2ltree(:root)
          AND EXISTS (SELECT FROM {facts} r
                      WHERE r.notice_id = :notice AND r.unit_id = p.unit_id AND r.counted)
        GROUP BY 1
    ), groups AS (
        SELECT c.unit_id, c.path,
               c.children - coalesce(a.units, 0) - coalesce(r.{done}, 0) + coalesce(x.units, 0) AS missing
        FROM tree_counts c
             LEFT JOIN forwardings f ON f.notice_id = :notice AND f.unit_id = c.unit_id AND f.plain
             LEFT JOIN receipt_counts r ON r.notice_id = :notice AND r.path = c.path
             LEFT JOIN arrived a ON a.path = ltree2text(c.path)
             LEFT JOIN counted x ON x.path = ltree2text(c.path)
        WHERE c.level = '' AND c.path >= text2ltree(:root) AND c.path < text2ltree(:beyond)
          AND c.path >= text2ltree(:after) AND {looked_at}
          AND NOT c.path <@ CAST(:special AS ltree[])
    ), ordered AS (
        SELECT unit_id, path, CASE WHEN path > text2ltree(:after) THEN missing ELSE 0 END AS missing
        FROM groups WHERE missing > 0
    ), summed AS (
        SELECT unit_id, path, sum(missing) OVER (ORDER BY path) - missing AS before,
               count(*) OVER () AS number
        FROM ordered
    )
    SELECT unit_id, number FROM summed WHERE before < :limit ORDER BY path LIMIT :limit + 1
"""

_STATEMENTS = {
    lack: _GROUPS.format(facts=_FACTS[done], done=done, looked_at=looked_at)
    for lack, (looked_at, done) in _DONE.items()
}
GROUPS: Final[dict[Lack, TextClause]] = {lack: text(_STATEMENTS[lack]) for lack in Lack}
"""The superior units below which the next `limit` units of the list stand, if they have not changed, and the
number of all superior units with such units.
"""


def page(
    notice: Notice,
    scope: Scope,
    lack: Lack,
    groups: Sequence[UUID],
    *,
    after: str | None,
    now: datetime,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    """Return the next units: id, code, name, path, delivered, deadline, blocker's id, code and name."""
    here = unchanged(notice, scope).where(
        or_(Unit.parent_id.in_(groups), Unit.id == scope.unit.id, is_special(Unit.path, scope))
    )
    parts = [_lacking(notice, part, lack, after, now, limit) for part in (here, *changed(notice, scope))]
    units = union_all(*parts).subquery()
    # Limit the page first, so that blockers are looked up only for its rows.
    rows = select(units).order_by(_group(units.c.path), units.c.path).limit(limit).subquery()
    holder = nearest_holder(notice, rows.c.path).lateral()
    return (
        select(
            rows.c.id,
            rows.c.code,
            rows.c.name,
            rows.c.path,
            rows.c.delivered,
            rows.c.deadline,
            holder.c.id,
            holder.c.code,
            holder.c.name,
        )
        .select_from(rows)
        .outerjoin(holder, ~rows.c.delivered)
        .order_by(_group(rows.c.path), rows.c.path)
    )


def _lacking(
    notice: Notice, part: Counted, lack: Lack, after: str | None, now: datetime, limit: int
) -> Select[*tuple[Any, ...]]:
    rows = part.subquery()
    has_read = exists().where(Read.notice_id == notice.id, Read.unit_id == rows.c.id)
    lacks: dict[Lack, tuple[ColumnElement[bool], ...]] = {
        Lack.SIGNATURE: (~rows.c.signed,),
        Lack.DELIVERY: (~rows.c.signed, ~rows.c.delivered),
        Lack.READ: (rows.c.delivered, ~has_read),
        Lack.OVERDUE: (~rows.c.signed, is_due(notice, rows.c.delivered, rows.c.deadline, now)),
    }
    statement = select(rows).where(*lacks[lack])
    if after is not None:
        key = tuple_(_group(rows.c.path), rows.c.path)
        statement = statement.where(key > tuple_(func.text2ltree(group_of(after)), func.text2ltree(after)))
    return select(statement.order_by(_group(rows.c.path), rows.c.path).limit(limit).subquery())


def _group(path: ColumnElement[str]) -> ColumnElement[str]:
    return func.subpath(path, 0, -1)
