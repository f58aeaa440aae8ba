"""SQL conditions about what dispatches reach, for the units of a query. Runs no queries."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import Exists

from office.addressing.predicates import addressed_at
from office.directory.models import Unit
from office.dispatches.models import Forwarding, PickedUnit


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
            reached_by(special, sender, unit.id, unit),
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
    forwarding: type[Forwarding], sender: type[Unit], unit_id: Any, place: Any
) -> ColumnElement[bool]:
    """Return whether the dispatch of `sender` addresses the unit at a place (see `addressed_at`)."""
    picked = is_picked(forwarding, unit_id)
    return and_(forwarding.unit_id == sender.id, addressed_at(forwarding, sender, place, picked))
