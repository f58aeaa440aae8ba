"""How a unit has a notice, or all of its notices: queries with the parameters `notice` and `unit`. They are
the same for everybody, so that each is built once. Runs no queries.
"""

from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    Select,
    Subquery,
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
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import BindParameter

from office.directory.models import FormerPlace, Unit
from office.dispatches.models import Forwarding
from office.dispatches.predicates import reached_by

NOTICE: Final[BindParameter[Any]] = bindparam("notice", type_=Uuid)
UNIT: Final[BindParameter[Any]] = bindparam("unit", type_=Uuid)
"""The parameters."""


def delivered(*columns: Any) -> Select[Any]:
    """Return the query of the dispatch by which the unit has the notice, and the unit's path at that time.

    That is the dispatch that reached it at the earliest place, and there the earliest one; `columns` of
    `Forwarding` are returned before the path.
    """
    reaching, places = _reaching(Forwarding.notice_id == NOTICE)
    return reaching.with_only_columns(*columns, places.c.path).order_by(*_first(places)).limit(1)


def received() -> Subquery:
    """Return the dispatches by which the unit has notices, one for each: its `notice_id` and `id`."""
    reaching, places = _reaching(true())
    return (
        reaching.with_only_columns(Forwarding.notice_id, Forwarding.id)
        .ext(distinct_on(Forwarding.notice_id))
        .order_by(Forwarding.notice_id, *_first(places))
        .subquery("received")
    )


def _first(places: CTE) -> tuple[ColumnElement[Any], ...]:
    return places.c.since.asc().nulls_last(), Forwarding.forwarded_at.asc(), Forwarding.id.asc()


def _reaching(notices: ColumnElement[bool]) -> tuple[Select[Any], CTE]:
    """Return the query of the dispatches of some notices that reach the unit, once for each of its places."""
    unit, here, sender = aliased(Unit), aliased(Unit), aliased(Unit)
    never = cast(null(), DateTime(timezone=True))
    places = union_all(
        select(
            FormerPlace.valid_from.label("since"),
            FormerPlace.valid_to.label("until"),
            FormerPlace.parent_id.label("parent_id"),
            FormerPlace.path.label("path"),
        ).where(FormerPlace.unit_id == UNIT),
        select(never, never, here.parent_id, here.path).where(here.id == UNIT),
    ).cte("places")
    line = places.alias("line")
    codes = func.string_to_array(func.ltree2text(func.subpath(line.c.path, 0, -1), type_=Text), ".")
    above = select(func.unnest(codes).label("code")).distinct().subquery("above")
    reaching = (
        select(Forwarding.id)
        .select_from(unit)
        .join(above, above.c.code.is_not(None))
        .join(sender, sender.code == above.c.code)
        .join(Forwarding, and_(notices, Forwarding.unit_id == sender.id))
        .join(
            places,
            and_(
                or_(places.c.until.is_(None), Forwarding.forwarded_at < places.c.until),
                reached_by(Forwarding, sender, unit, places.c.parent_id, places.c.path),
            ),
        )
        .where(unit.id == UNIT)
    )
    return reaching, places
