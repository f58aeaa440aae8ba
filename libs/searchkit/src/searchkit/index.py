"""What units and people are found by: the rows, and the queries of the indexer that writes them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Protocol
from uuid import UUID

from sqlalchemy import (
    Index,
    Select,
    SmallInteger,
    Text,
    delete,
    insert,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from contracts.vocabulary import Level, UnitStatus
from searchkit.queue import QueueColumns
from searchkit.words import UNIT, tokens_of

NAME: Final = Text(collation="C")
"""Sorted by code points: a range of names is what begins with the same characters."""
_RANKS: Final[dict[str, int]] = {level.value: rank for rank, level in enumerate(Level)}


class UnitSearchColumns:
    """An active unit: tokens of its names and the codes of the units above. `rank` is its level, the
    ministry first.
    """

    __tablename__ = "units_search"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        """Return the indexes, for each service its own objects."""
        return (
            Index("ix_units_search_rank", "rank", "name", "unit_id"),
            Index("ix_units_search_code", "code"),
            Index("ix_units_search_tokens", "tokens", postgresql_using="gin"),
        )

    unit_id: Mapped[UUID] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(NAME)
    code: Mapped[str] = mapped_column(NAME)
    path: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))


class SearchedUnit(Protocol):
    """A unit, as far as it is searched; services map these columns in their own ways."""

    id: Any
    name: Any
    short_name: Any
    code: Any
    path: Any
    level: Any


def unit_row(unit: SearchedUnit) -> dict[str, Any]:
    """Return the row of a unit; a level of a later release comes last."""
    codes = {UNIT + code for code in unit.path.split(".")}
    return {
        "unit_id": unit.id,
        "rank": _RANKS.get(unit.level, len(_RANKS)),
        "name": unit.name,
        "code": unit.code,
        "path": unit.path,
        "words": f"{unit.name}\n{unit.short_name}".lower(),
        "tokens": sorted(tokens_of(unit.name, unit.short_name) | codes),
    }


class IndexRepository(ABC):
    """The queue, the sources and the indexed rows of a service, which names its tables."""

    queue: ClassVar[type[QueueColumns]]
    unit: ClassVar[type[Any]]
    unit_search: ClassVar[type[UnitSearchColumns]]
    person_search: ClassVar[type[Any]]
    person_key: ClassVar[tuple[str, ...]]
    """The primary key of `person_search`: the person's column first."""
    people_first: ClassVar[bool] = False
    """Whether people may be known before their unit, as in a replica."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @abstractmethod
    def everybody(self) -> Select[Any]:
        """Return the query of the ids of all people."""

    @abstractmethod
    def members(self, unit_ids: Sequence[UUID]) -> Select[Any]:
        """Return the query of the ids of the people of units."""

    async def queue_members(self, unit_ids: Sequence[UUID]) -> None:
        """Queue the people of units."""
        if unit_ids:
            await self._queue(self.members(unit_ids).add_columns(literal("person").label("kind")))

    async def queue_everything(self) -> None:
        """Queue all units and people."""
        units = select(self.unit.id, literal("unit").label("kind"))
        await self._queue(union_all(units, self.everybody().add_columns(literal("person").label("kind"))))

    async def _queue(self, entries: Any) -> None:
        await self._session.execute(insert(self.queue).from_select(["id", "kind"], entries))

    async def units(self, ids: Sequence[UUID]) -> Sequence[Any]:
        """Return the active ones of these units."""
        active = select(self.unit).where(self.unit.id.in_(ids), self.unit.status == UnitStatus.ACTIVE)
        return (await self._session.scalars(active)).all()

    async def replace_units(self, ids: Sequence[UUID]) -> list[UUID]:
        """Write what these units are found by, as far as they are active; the others are not found any more.

        Returns the units whose people must be indexed anew, because path or words of the unit have changed.
        """
        rows = [unit_row(unit) for unit in await self.units(ids)]
        model = self.unit_search
        found = await self._session.execute(
            select(model.unit_id, model.path, model.words).where(model.unit_id.in_(ids))
        )
        before = {row.unit_id: (row.path, row.words) for row in found}
        await self._replace(model, ("unit_id",), ids, rows)
        return [
            row["unit_id"]
            for row in rows
            if (row["unit_id"] in before or self.people_first)
            and before.get(row["unit_id"]) != (row["path"], row["words"])
        ]

    async def replace_people(self, ids: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
        """Write what people are found by; those without a row are not found any more."""
        await self._replace(self.person_search, self.person_key, ids, rows)

    async def _replace(
        self, model: type[Any], key: tuple[str, ...], ids: Sequence[UUID], rows: Sequence[dict[str, Any]]
    ) -> None:
        """Write the rows of `ids`, which are values of the key's first column, and delete their others."""
        columns = [getattr(model, name) for name in key]
        gone = delete(model).where(columns[0].in_(ids))
        if rows:
            gone = gone.where(tuple_(*columns).not_in([tuple(row[name] for name in key) for row in rows]))
        await self._session.execute(gone)
        if rows:
            statement = pg_insert(model)
            new = {name: statement.excluded[name] for name in rows[0] if name not in key}
            connection = await self._session.connection()
            await connection.execute(
                statement.on_conflict_do_update(index_elements=list(key), set_=new), rows
            )
