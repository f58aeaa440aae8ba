"""The rules of visibility as conditions of queries."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from contracts.documents import ContactField, ContactRelation
from contracts.vocabulary import AccountStatus
from office.contacts import rules
from office.directory.models import Person, Unit
from servicekit.ltree import under
from servicekit.words import inline


@dataclass(frozen=True)
class Viewer:
    """Who looks: the unit that they act for as it stands now, and what they may do there."""

    sub: UUID
    unit_id: UUID
    parent_id: UUID | None
    path: str
    permissions: Collection[str]

    def sees(self, relation: ContactRelation, field: ContactField) -> bool:
        """Return whether the field is visible in the relation."""
        return rules.sees(relation, field, self.permissions)


def _condition(viewer: Viewer, relation: ContactRelation) -> ColumnElement[bool]:
    own = func.text2ltree(viewer.path)
    match relation:
        case ContactRelation.OWN:
            return Unit.id == viewer.unit_id
        case ContactRelation.BELOW:
            return and_(under(Unit.path, viewer.path), Unit.id != viewer.unit_id)
        case ContactRelation.PARENT:
            return false() if viewer.parent_id is None else Unit.id == viewer.parent_id
        case ContactRelation.SUPERIOR:
            above = and_(Unit.path.op("@>", is_comparison=True)(own), Unit.id != viewer.unit_id)
            return above if viewer.parent_id is None else and_(above, Unit.id != viewer.parent_id)
        case ContactRelation.SIBLING:
            if viewer.parent_id is None:
                return false()
            return and_(Unit.parent_id == viewer.parent_id, Unit.id != viewer.unit_id)
        case _:
            return false()


def relation(viewer: Viewer) -> ColumnElement[str]:
    """Return the relation of `Unit` to the viewer's unit."""
    known = [one for one in ContactRelation if one is not ContactRelation.OTHER]
    return case(
        *((_condition(viewer, one), literal(one.value)) for one in known),
        else_=literal(ContactRelation.OTHER.value),
    )


def visible(viewer: Viewer, field: ContactField) -> ColumnElement[bool]:
    """Return the condition that the field of `Unit`, or of a person there, is visible."""
    seen = rules.relations(field, viewer.permissions)
    return or_(false(), *(_condition(viewer, one) for one in ContactRelation if one in seen))


def shown(viewer: Viewer, field: ContactField, column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """Return the column, NULL where the field is not visible."""
    return case((visible(viewer, field), column), else_=None)


def belongs(sub: Any, unit_id: Any) -> ColumnElement[bool]:
    """Return the condition that `Person` is the active person `sub` and belongs to the unit now.

    Rows of `PersonSearch` may be some seconds old.
    """
    unit = func.jsonb_build_array(func.jsonb_build_object(literal_column("'unit_id'"), unit_id))
    return and_(
        Person.sub == sub,
        Person.status == inline(AccountStatus.ACTIVE),
        or_(Person.memberships.op("@>", is_comparison=True)(unit), Person.unit_id == unit_id),
    )


def posts(unit_id: Any) -> ScalarSelect[Any]:
    """Return the posts of `Person` in the unit, as JSON; NULL if none are known."""
    held = func.jsonb_array_elements(Person.memberships).table_valued("value", name="held")
    return (
        select(held.c.value.op("->")(literal_column("'posts'")))
        .where(held.c.value.op("->>")(literal_column("'unit_id'")) == cast(unit_id, Text))
        .limit(1)
        .scalar_subquery()
    )
