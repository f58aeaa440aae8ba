"""How a unit has a notice, as one query with the parameters `notice` and `unit`. Runs no queries."""

from typing import Any, Final

from sqlalchemy import DateTime, Select, Text, Uuid, and_, bindparam, cast, func, null, or_, select, union_all
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
    above = (
        select(
            func.unnest(
                func.string_to_array(func.ltree2text(func.subpath(line.c.path, 0, -1), type_=Text), ".")
            ).label("code")
        )
        .distinct()
        .subquery("above")
    )
    return (
        select(*columns, places.c.path)
        .select_from(unit)
        .join(above, above.c.code.is_not(None))
        .join(sender, sender.code == above.c.code)
        .join(Forwarding, and_(Forwarding.notice_id == NOTICE, Forwarding.unit_id == sender.id))
        .join(
            places,
            and_(
                or_(places.c.until.is_(None), Forwarding.forwarded_at < places.c.until),
                reached_by(Forwarding, sender, unit, places.c.parent_id, places.c.path),
            ),
        )
        .where(unit.id == UNIT)
        .order_by(places.c.since.asc().nulls_last(), Forwarding.forwarded_at, Forwarding.id)
        .limit(1)
    )
