"""SQL conditions about the units that the addresses of tasks reach. Runs no queries."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    exists,
    func,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import Exists
from sqlalchemy.types import TypeEngine

from contracts.vocabulary import Reach
from office.addressing.predicates import addressed_at
from office.addressing.standing import Standing
from office.directory.models import Unit
from office.tasks.models import TaskAddress, TaskAddressUnit
from servicekit.words import inline

_ABOVE: Final[dict[str, TypeEngine[Any]]] = {
    "unit": Uuid(),
    "sender": Uuid(),
    "direct": Boolean(),
    "until": DateTime(timezone=True),
    "level": Text(),
    "kind": Text(),
    "stages": Text(),
}
_BETWEEN: Final = ","

ABOVE: Final = (
    func.unnest(*(bindparam(f"above_{name}", type_=ARRAY(type_)) for name, type_ in _ABOVE.items()))
    .table_valued(*(column(name, type_) for name, type_ in _ABOVE.items()), name="above")
    .render_derived()
)
"""The units above each place of some units, with what addresses ask of a unit.

The values of `above_values` are its parameters: a statement with it is the same for everybody, so it is built
once.
"""


def above_values(standings: Iterable[Standing]) -> dict[str, list[Any]]:
    """Return the parameters of `ABOVE`."""
    values: dict[str, list[Any]] = {f"above_{name}": [] for name in _ABOVE}
    for standing in standings:
        unit = standing.unit
        for place in standing.places:
            stages = _BETWEEN.join(place.stages)
            for sender in place.above:
                direct = sender == place.parent_id
                row = (unit.id, sender, direct, place.until, place.level, place.kind, stages)
                for name, value in zip(values, row, strict=True):
                    values[name].append(value)
    return values


def is_picked(unit_id: Any) -> Exists:
    """Return whether the address names the unit."""
    return (
        exists()
        .where(TaskAddressUnit.address_id == TaskAddress.id, TaskAddressUnit.unit_id == unit_id)
        .correlate_except(TaskAddressUnit)
    )


def reaches_below() -> ColumnElement[bool]:
    """Return whether `TaskAddress` reaches the unit of a row of `ABOVE` at that place."""
    stages = func.string_to_array(ABOVE.c.stages, _BETWEEN)
    return and_(
        TaskAddress.sender_id == ABOVE.c.sender,
        or_(ABOVE.c.until.is_(None), TaskAddress.sent_at < ABOVE.c.until),
        or_(func.cardinality(TaskAddress.levels) == 0, ABOVE.c.level == func.any(TaskAddress.levels)),
        or_(func.cardinality(TaskAddress.kinds) == 0, ABOVE.c.kind == func.any(TaskAddress.kinds)),
        or_(
            func.cardinality(TaskAddress.stages) == 0,
            TaskAddress.stages.op("&&", is_comparison=True)(stages),
        ),
        or_(
            TaskAddress.reach == inline(Reach.SUBTREE),
            and_(TaskAddress.reach == inline(Reach.CHILDREN), ABOVE.c.direct),
            and_(TaskAddress.reach == inline(Reach.PICKED), is_picked(ABOVE.c.unit)),
        ),
    )


def reaches_now(sender: type[Unit], unit: type[Unit]) -> ColumnElement[bool]:
    """Return whether `TaskAddress` of `sender` addresses `unit`, both in the query, at its present place."""
    picked = is_picked(unit.id)
    return and_(
        TaskAddress.sender_id == sender.id,
        addressed_at(TaskAddress, sender, unit, picked),
    )
