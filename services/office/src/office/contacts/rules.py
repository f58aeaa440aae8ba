"""Who sees what of whom in the address book.

By office practice: the own unit, the units above and below it, and the duty phones of units beside it. A
mobile number is shown masked only. Where the caller may have the complete one, Identity shows it for a reason
and records that.
"""

from collections.abc import Collection, Mapping
from typing import Final

from contracts.documents import ContactField, ContactRelation
from contracts.vocabulary import Permission

MAX_EXPORTED: Final = 5000
"""People in one export."""

ANYONE: Final = ""
"""No permission is needed: any member of a unit."""

_READ, _UNMASK = Permission.MEMBERS_READ, Permission.MEMBERS_UNMASK
MATRIX: Final[Mapping[ContactRelation, Mapping[ContactField, str]]] = {
    ContactRelation.OWN: {
        ContactField.UNIT: ANYONE,
        ContactField.DUTY: ANYONE,
        ContactField.PEOPLE: ANYONE,
        ContactField.PHONE: ANYONE,
        ContactField.TAIL: _READ,
        ContactField.EXPORT: _READ,
        ContactField.FULL_PHONE: _UNMASK,
    },
    ContactRelation.BELOW: {
        ContactField.UNIT: ANYONE,
        ContactField.DUTY: ANYONE,
        ContactField.PEOPLE: ANYONE,
        ContactField.PHONE: _READ,
        ContactField.TAIL: _READ,
        ContactField.EXPORT: _READ,
        ContactField.FULL_PHONE: _UNMASK,
    },
    ContactRelation.PARENT: {
        ContactField.UNIT: ANYONE,
        ContactField.DUTY: ANYONE,
        ContactField.PEOPLE: ANYONE,
        ContactField.PHONE: _READ,
    },
    ContactRelation.SUPERIOR: {ContactField.UNIT: ANYONE, ContactField.DUTY: ANYONE},
    ContactRelation.SIBLING: {ContactField.UNIT: ANYONE, ContactField.DUTY: ANYONE},
    ContactRelation.OTHER: {},
}
"""What is seen of a unit by its relation, and the permission that it takes; what is missing nobody sees."""


def relations(field: ContactField, permissions: Collection[str]) -> frozenset[ContactRelation]:
    """Return the relations in which a person with these permissions sees a field."""
    return frozenset(
        relation
        for relation, fields in MATRIX.items()
        if field in fields and (fields[field] == ANYONE or fields[field] in permissions)
    )


def sees(relation: ContactRelation, field: ContactField, permissions: Collection[str]) -> bool:
    """Return whether a person with these permissions sees the field."""
    return relation in relations(field, permissions)


def relation_of(own: str, other: str) -> ContactRelation:
    """Return the relation of the unit at the path `other`, seen from the one at `own`.

    The query has the same by identifiers (`predicates.relation`).
    """
    if own == other:
        return ContactRelation.OWN
    if other.startswith(f"{own}."):
        return ContactRelation.BELOW
    above = own.rpartition(".")[0]
    if above and other == above:
        return ContactRelation.PARENT
    if own.startswith(f"{other}."):
        return ContactRelation.SUPERIOR
    if above and other.rpartition(".")[0] == above:
        return ContactRelation.SIBLING
    return ContactRelation.OTHER


def matrix() -> str:
    """Return the matrix as a table in Markdown."""
    head = ["关系", *(field.label for field in ContactField)]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for relation, fields in MATRIX.items():
        cells = [_cell(fields.get(field)) for field in ContactField]
        lines.append(f"| {relation.label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(needed: str | None) -> str:
    if needed is None:
        return "—"
    return "所有成员" if needed == ANYONE else f"有“{Permission(needed).label}”权限的"
