"""SQL conditions about what dispatches reach. Runs no queries.

For one unit whose places are known, `reaches` and `first`; for the units of a query, `reached_by`.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, literal, or_, select, tuple_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import Exists

from contracts.vocabulary import Reach
from office.addressing.predicates import addressed_at, passes
from office.addressing.standing import Place, Standing
from office.directory.models import Unit
from office.dispatches.models import Forwarding, PickedUnit
from servicekit.words import inline


def has_here(notice_id: Any, unit: type[Unit]) -> ColumnElement[bool]:
    """Return whether a dispatch addresses the unit at its present place.

    A unit that has moved may have the notice from a former place besides.
    """
    plain, special, sender = aliased(Forwarding), aliased(Forwarding), aliased(Unit)
    plainly = (
        exists()
        .where(plain.notice_id == notice_id, plain.unit_id == unit.parent_id, plain.plain)
        .correlate_except(plain)
    )
    specially = (
        select(special.id)
        .join(sender, sender.id == special.unit_id)
        .where(
            special.notice_id == notice_id,
            ~special.plain,
            reached_by(special, sender, unit, unit.parent_id, unit.path),
        )
        .correlate_except(special, sender)
        .exists()
    )
    return or_(plainly, specially)


def is_picked(forwarding: type[Forwarding], unit_id: Any) -> Exists:
    """Return whether the dispatch names the unit."""
    return (
        exists()
        .where(
            PickedUnit.notice_id == forwarding.notice_id,
            PickedUnit.forwarding_id == forwarding.id,
            PickedUnit.unit_id == unit_id,
        )
        .correlate_except(PickedUnit)
    )


def reached_by(
    forwarding: type[Forwarding], sender: type[Unit], unit: type[Unit], parent_id: Any, path: Any
) -> ColumnElement[bool]:
    """Return whether the dispatch of `sender` addresses `unit` at the place with `parent_id` and `path`."""
    picked = is_picked(forwarding, unit.id)
    return and_(
        forwarding.unit_id == sender.id, addressed_at(forwarding, sender, unit, parent_id, path, picked)
    )


def place_reached(forwarding: type[Forwarding], standing: Standing) -> ColumnElement[int | None]:
    """Return the index of the first place where the dispatch reaches the unit; None for nowhere."""
    return case(
        *(
            (_reaches_place(forwarding, standing.unit, place), literal(index))
            for index, place in enumerate(standing.places)
        ),
        else_=None,
    )


def reaches(forwarding: type[Forwarding], standing: Standing) -> ColumnElement[bool]:
    """Return whether the dispatch reaches the unit at any of its places."""
    return and_(
        forwarding.unit_id.in_(standing.above),
        passes(forwarding, standing.unit),
        or_(false(), *(_reaches_place(forwarding, standing.unit, place) for place in standing.places)),
    )


def first(standing: Standing) -> ColumnElement[bool]:
    """Return whether the dispatch in `Forwarding` is the one by which the unit has the notice.

    That is the one that reached it at the earliest place, and there the earliest one.
    """
    earlier = aliased(Forwarding)

    def order(forwarding: type[Forwarding]) -> Any:
        return tuple_(place_reached(forwarding, standing), forwarding.forwarded_at, forwarding.id)

    return and_(
        reaches(Forwarding, standing),
        ~exists().where(
            earlier.notice_id == Forwarding.notice_id,
            reaches(earlier, standing),
            order(earlier) < order(Forwarding),
        ),
    )


def _reaches_place(forwarding: type[Forwarding], unit: Unit, place: Place) -> ColumnElement[bool]:
    by_reach = or_(
        and_(forwarding.reach == inline(Reach.CHILDREN), forwarding.unit_id == place.parent_id),
        and_(forwarding.reach == inline(Reach.SUBTREE), forwarding.unit_id.in_(place.above)),
        and_(forwarding.reach == inline(Reach.PICKED), is_picked(forwarding, unit.id)),
    )
    return by_reach if place.until is None else and_(by_reach, forwarding.forwarded_at < place.until)
