"""SQL conditions about the units that the addresses of tasks reach. Runs no queries."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_
from sqlalchemy.sql.selectable import Exists

from contracts.vocabulary import Reach
from office.addressing.predicates import addressed_at, passes
from office.directory.models import Unit
from office.dispatches.predicates import Place, Standing
from office.tasks.models import TaskAddress, TaskAddressUnit
from servicekit.words import inline


def is_picked(unit_id: Any) -> Exists:
    """Return whether the address names the unit."""
    return (
        exists()
        .where(TaskAddressUnit.address_id == TaskAddress.id, TaskAddressUnit.unit_id == unit_id)
        .correlate_except(TaskAddressUnit)
    )


def reaches(standing: Standing) -> ColumnElement[bool]:
    """Return whether `TaskAddress` reaches the unit at any of its places."""
    return and_(
        TaskAddress.sender_id.in_(standing.above),
        passes(TaskAddress, standing.unit),
        or_(false(), *(_reaches_place(standing.unit, place) for place in standing.places)),
    )


def reaches_now(sender: type[Unit], unit: type[Unit]) -> ColumnElement[bool]:
    """Return whether `TaskAddress` of `sender` addresses `unit`, both in the query, at its present place."""
    picked = is_picked(unit.id)
    return and_(
        TaskAddress.sender_id == sender.id,
        addressed_at(TaskAddress, sender, unit, unit.parent_id, unit.path, picked),
    )


def _reaches_place(unit: Unit, place: Place) -> ColumnElement[bool]:
    by_reach = or_(
        and_(TaskAddress.reach == inline(Reach.CHILDREN), TaskAddress.sender_id == place.parent_id),
        and_(TaskAddress.reach == inline(Reach.SUBTREE), TaskAddress.sender_id.in_(place.above)),
        and_(TaskAddress.reach == inline(Reach.PICKED), is_picked(unit.id)),
    )
    return by_reach if place.until is None else and_(by_reach, TaskAddress.sent_at < place.until)
