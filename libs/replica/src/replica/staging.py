"""The staging table of a rebuild, and the swap of its rows into the replica.

A row is a unit or a person as JSON, with the fields that have a column in this service; during the swap,
PostgreSQL converts it to a row of the replica's table. A new field of an event needs no change here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, exists, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import PersonChangedV1, RoleChangedV1, UnitChangedV1
from jobs.kinds import PermanentFailure
from replica.models import FormerPlaceColumns, PersonColumns, RoleColumns, UnitColumns
from replica.upsert import put
from servicekit.ids import new_id

Row = tuple[str, UUID, str]

_NAME = "replica_staging"


class Staging:
    """Copies pages into the staging table of one service and swaps them in."""

    def __init__(
        self,
        unit: type[UnitColumns],
        person: type[PersonColumns] | None,
        former_place: type[FormerPlaceColumns] | None,
        snapshots: Table,
        role: type[RoleColumns] | None = None,
    ) -> None:
        self._unit = _table(unit)
        self._person = None if person is None else _table(person)
        self._former_place = None if former_place is None else _table(former_place)
        self._snapshots = snapshots
        self._role = role
        self._unit_fields = {*self._unit.c.keys(), *(["former_places"] if former_place else [])}
        self._person_fields = set(self._person.c.keys()) if self._person is not None else set()

    @property
    def keeps_people(self) -> bool:
        """Return whether this service replicates people."""
        return self._person is not None

    @property
    def keeps_roles(self) -> bool:
        """Return whether this service replicates roles."""
        return self._role is not None

    def unit_rows(self, units: Sequence[UnitChangedV1]) -> list[Row]:
        """Return units as rows of the staging table."""
        return [("units", unit.unit_id, unit.model_dump_json(include=self._unit_fields)) for unit in units]

    def person_rows(self, people: Sequence[PersonChangedV1]) -> list[Row]:
        """Return people as rows of the staging table."""
        return [
            ("people", person.sub, person.model_dump_json(include=self._person_fields)) for person in people
        ]

    async def clear(self, session: AsyncSession) -> None:
        """Empty the staging table."""
        await session.execute(text(f"TRUNCATE {_NAME}"))

    async def copy(self, session: AsyncSession, rows: Sequence[Row]) -> None:
        """Add rows with COPY. Call it after another statement, because the transaction must have begun."""
        connection = await (await session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        await driver.copy_records_to_table(_NAME, records=rows, columns=["what", "id", "data"])

    async def put_roles(self, session: AsyncSession, roles: Sequence[RoleChangedV1]) -> None:
        """Put the roles into the replica. They are few, and Identity keeps those that have ended."""
        if self._role is not None:
            await put(session, self._role, "code", [role.model_dump() for role in roles])

    async def swap(self, session: AsyncSession, begun_at: datetime) -> None:
        """Swap in the staged rows: newer versions win, and rows missing from the snapshot are deleted.

        Rows that an event has written since `begun_at` are kept, because the snapshot may have passed their
        position before. Raises `PermanentFailure` if the swap would empty the replica.
        """
        await self._merge(session, self._unit, "id", "units")
        if self._former_place is not None:
            await self._replace_former_places(session, self._former_place)
        await self._remove(session, self._unit, "id", "units", begun_at)
        if self._person is not None:
            await self._merge(session, self._person, "sub", "people")
            await self._remove(session, self._person, "sub", "people", begun_at)
        count = (
            await session.execute(text(f"SELECT count(*) FROM {_NAME} WHERE what = 'units'"))  # noqa: S608 - our name
        ).scalar_one()
        await session.execute(insert(self._snapshots).values(id=new_id(), units=count))
        await self.clear(session)

    async def analyze(self, session: AsyncSession) -> None:
        """Update the planner's statistics for the new rows."""
        for table in (self._unit, self._person, self._former_place):
            if table is not None:
                await session.execute(text(f"ANALYZE {table.name}"))

    async def _merge(self, session: AsyncSession, table: Table, key: str, what: str) -> None:
        name = table.name
        columns = [column.name for column in table.c if column.name not in (key, "replicated_at")]
        stored = ", ".join(f"{name}.{column}" for column in columns)
        staged, excluded = _list("r", columns), _list("excluded", columns)
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
        # Equal versions say the same, unless the stored row lacks a field that is new.
        newer = "{0}.version < {1}.version OR ({0}.version = {1}.version AND ({2}) IS DISTINCT FROM ({3}))"
        await session.execute(
            text(
                f"INSERT INTO {name} ({key}, {', '.join(columns)}) SELECT s.id, {staged} "  # noqa: S608 - our names
                f"FROM {_NAME} s CROSS JOIN LATERAL jsonb_populate_record(NULL::{name}, s.data) r "
                # Unchanged rows are not locked.
                f"LEFT JOIN {name} ON {name}.{key} = s.id WHERE s.what = :what "
                f"AND ({name}.{key} IS NULL OR {newer.format(name, 'r', stored, staged)}) "
                f"ON CONFLICT ({key}) DO UPDATE SET {changes}, replicated_at = now() "
                f"WHERE {newer.format(name, 'excluded', stored, excluded)}"
            ),
            {"what": what},
        )

    async def _replace_former_places(self, session: AsyncSession, table: Table) -> None:
        """Replace the former places of units whose staged state is current, if this service has them."""
        name, unit = table.name, self._unit.name
        in_force = (
            f"{_NAME} s JOIN {unit} u ON u.id = s.id AND u.version = (s.data->>'version')::bigint "
            "AND s.what = 'units' AND (s.data->'former_places' <> '[]'::jsonb "
            f"OR EXISTS (SELECT FROM {name} f WHERE f.unit_id = s.id))"  # nosec B608 - our names
        )
        # An event about one of them waits until the swap ends.
        await session.execute(text(f"SELECT FROM {in_force} ORDER BY u.id FOR UPDATE OF u"))  # nosec B608 - our names
        await session.execute(
            text(f"DELETE FROM {name} USING {in_force} WHERE {name}.unit_id = s.id")  # noqa: S608 - our names
        )
        columns = [column.name for column in table.c if column.name != "unit_id"]
        await session.execute(
            text(
                f"INSERT INTO {name} (unit_id, {', '.join(columns)}) "  # noqa: S608 - our names
                f"SELECT s.id, {_list('p', columns)} FROM {in_force} "
                f"CROSS JOIN LATERAL jsonb_populate_recordset(NULL::{name}, s.data->'former_places') p"
            )
        )

    async def _remove(
        self, session: AsyncSession, table: Table, key: str, what: str, begun_at: datetime
    ) -> None:
        """Delete the rows that are missing from the snapshot."""
        staged = select(text("1")).select_from(text(_NAME)).where(text("what = :what").bindparams(what=what))
        if not await session.scalar(select(exists(staged))) and await session.scalar(
            select(exists(select(table)))
        ):
            raise PermanentFailure(f"the snapshot has no {what}, the replica has some")
        await session.execute(
            text(
                f"DELETE FROM {table.name} t WHERE t.replicated_at < :begun_at AND NOT EXISTS "  # noqa: S608 - our names
                f"(SELECT FROM {_NAME} s WHERE s.what = :what AND s.id = t.{key})"
            ),
            {"what": what, "begun_at": begun_at},
        )


def _list(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _table(model: type[Any]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
