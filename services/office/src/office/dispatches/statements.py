"""How a unit has a notice: a query with the parameters `notice` and `unit`. It is the same for everybody, so
that it is built once. Runs no queries.

All notices of a unit: `office.receipts.inbox_statements`.
"""

from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import BindParameter

from office.addressing.predicates import ATTRIBUTES, then
from office.directory.models import FormerPlace, Unit
from office.dispatches.models import Forwarding
from office.dispatches.predicates import reached_by

NOTICE: Final[BindParameter[Any]] = bindparam("notice", type_=Uuid)
UNIT: Final[BindParameter[Any]] = bindparam("unit", type_=Uuid)
"""The parameters."""


def delivered(*names: str) -> Select[Any]:
    """Return the query of the dispatch by which the unit has the notice, and the unit's path at that time.

    That is the dispatch that reached it at the earliest place, and there the earliest one. Its columns with
    these names are returned before the path, all of it without names.
    """
    reaching, found, places = _reaching()
    columns = [getattr(found, name) for name in names] or [found]
    return reaching.with_only_columns(*columns, places.c.path).order_by(*_first(found, places)).limit(1)


def _first(found: type[Forwarding], places: CTE) -> tuple[ColumnElement[Any], ...]:
    return places.c.since.asc().nulls_last(), found.forwarded_at.asc(), found.id.asc()


def _reaching() -> tuple[Select[Any], type[Forwarding], CTE]:
    """Return the query of the dispatches that reach the unit, once for each of its places."""
    here, sender = aliased(Unit), aliased(Unit)
    never = cast(null(), DateTime(timezone=True))
    places = union_all(
        select(
            FormerPlace.valid_from.label("since"),
            FormerPlace.valid_to.label("until"),
            FormerPlace.parent_id.label("parent_id"),
            FormerPlace.path.label("path"),
            *(then(FormerPlace, here, name) for name in ATTRIBUTES),
        )
        .join(here, here.id == FormerPlace.unit_id)
        .where(FormerPlace.unit_id == UNIT),
        select(never, never, here.parent_id, here.path, here.level, here.kind, here.stages).where(
            here.id == UNIT
        ),
    ).cte("places")
    line = places.alias("line")
    codes = func.string_to_array(func.ltree2text(func.subpath(line.c.path, 0, -1), type_=Text), ".")
    above = select(func.unnest(codes).label("code")).distinct().subquery("above")
    # Looked up for each sender (OFFSET keeps PostgreSQL from joining it otherwise): just after a publication
    # nothing is known of the notice's rows, and all of its dispatches would be read.
    sent = select(Forwarding).where(Forwarding.notice_id == NOTICE, Forwarding.unit_id == sender.id)
    found = aliased(Forwarding, sent.correlate(sender).offset(0).lateral("sent"))
    reaching = (
        select(found.id)
        .select_from(above)
        .join(sender, sender.code == above.c.code)
        .join(found, true())
        .join(
            places,
            and_(
                or_(places.c.until.is_(None), found.forwarded_at < places.c.until),
                reached_by(found, sender, UNIT, places.c),
            ),
        )
    )
    return reaching, found, places
