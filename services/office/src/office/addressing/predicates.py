"""SQL conditions on rows that address units. Runs no queries."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, Uuid, and_, func, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import Exists

from contracts.vocabulary import Reach, UnitStatus
from office.addressing.models import AddressColumns
from office.addressing.rules import Address
from office.directory.models import FormerPlace, Unit
from servicekit.ltree import under
from servicekit.words import inline

Row = type[AddressColumns]
"""A model with `AddressColumns`, or an alias of it."""


def in_filter(row: Row, place: Any) -> ColumnElement[bool]:
    """Return whether a unit passes the filters of the stored address, with its attributes at a place."""
    return and_(
        or_(func.cardinality(row.levels) == 0, place.level == func.any(row.levels)),
        or_(func.cardinality(row.kinds) == 0, place.kind == func.any(row.kinds)),
        or_(func.cardinality(row.stages) == 0, place.stages.op("&&", is_comparison=True)(row.stages)),
    )


ATTRIBUTES: Final = ("level", "kind", "stages")
"""What filters ask of a unit."""


def then(former: type[FormerPlace], unit: type[Unit], name: str) -> ColumnElement[Any]:
    """Return an attribute of the unit at its former place."""
    return func.coalesce(getattr(former, name), getattr(unit, name)).label(name)


def stands_below(path: Any, code: Any) -> ColumnElement[bool]:
    """Return whether `path` leads below the unit with `code`. Identity never reassigns a code."""
    position = func.index(path, func.text2ltree(code))
    return and_(position >= 0, position < func.nlevel(path) - 1)


def addressed_at(row: Row, sender: type[Unit], place: Any, picked: Exists) -> ColumnElement[bool]:
    """Return whether `row`, sent by `sender`, addresses a unit at a place.

    The place has `parent_id`, `path`, `level`, `kind` and `stages`; a `Unit` is one, too.

    `picked` says whether the row names the unit.
    """
    return and_(
        in_filter(row, place),
        or_(
            and_(row.reach == inline(Reach.CHILDREN), place.parent_id == sender.id),
            and_(row.reach == inline(Reach.SUBTREE), stands_below(place.path, sender.code)),
            and_(row.reach == inline(Reach.PICKED), picked),
        ),
    )


def recipients(sender: Unit, address: Address) -> ColumnElement[bool]:
    """Return whether `Unit` is active and addressed by `sender` now."""
    conditions: list[ColumnElement[bool]] = [Unit.status == UnitStatus.ACTIVE]
    if address.reach is Reach.CHILDREN:
        conditions.append(Unit.parent_id == sender.id)
    else:
        conditions += [under(Unit.path, sender.path), Unit.id != sender.id]
    if address.reach is Reach.PICKED:
        conditions.append(Unit.id == func.any(literal(list(address.picked), ARRAY(Uuid))))
    if address.levels:
        conditions.append(Unit.level.in_(address.levels))
    if address.kinds:
        conditions.append(Unit.kind.in_(address.kinds))
    if address.stages:
        conditions.append(Unit.stages.op("&&", is_comparison=True)(_texts(address.stages)))
    return and_(*conditions)


def _texts(words: Sequence[str]) -> ColumnElement[list[str]]:
    return literal(list(words), ARRAY(Text))
