"""Lookup by the two columns of a unique blind index."""

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

from identity.vault import Slots

Indexed = InstrumentedAttribute[bytes | None]


def found_by(slots: Slots, odd: Indexed, even: Indexed) -> ColumnElement[bool]:
    """Return the condition that a row has a value, given by its indexes, in one of the columns.

    With one key it reads one index, during a rotation two.
    """
    pairs = ((odd, slots.odd), (even, slots.even))
    return or_(*(column == index for column, index in pairs if index is not None))
