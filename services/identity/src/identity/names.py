"""Fields of answers that have the name of what another field has the id of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel


@dataclass(frozen=True)
class PersonName:
    """Marks a field: the name of the person whose id is in the field `of`; None for a closed account."""

    of: str


@dataclass(frozen=True)
class UnitName:
    """Marks a field: the name of the unit whose id is in the field `of`."""

    of: str


@dataclass(frozen=True)
class Unnamed:
    """A field of an item that is to have a name, and the id of what it names."""

    item: BaseModel
    field: str
    kind: type[PersonName | UnitName]
    id: UUID


def unnamed(items: Iterable[BaseModel]) -> Iterator[Unnamed]:
    """Yield the marked fields of the items whose ids are there."""
    for item in items:
        for field, info in type(item).model_fields.items():
            for mark in info.metadata:
                if isinstance(mark, (PersonName, UnitName)):
                    named = getattr(item, mark.of)
                    if named is not None:
                        yield Unnamed(item, field, type(mark), named)
