"""Queries for encrypted columns."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import LargeBinary, Row, bindparam, case, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.encryption.fields import Field
from identity.vault import MARK


class FieldRepository:
    """Reads and writes one encrypted column after another."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def batch(self, field: Field, after: Any, limit: int) -> Sequence[Row[Any]]:
        """Return up to `limit` values after a key, in the order of keys, and lock their rows.

        A row has `key`, `sealed`, the columns of the primary key as `pk_…` and the indexes by their names.
        Of rows with the same key all are returned.
        """
        table = field.table
        key, sealed = table.c[field.key], table.c[field.sealed]
        begins = [sealed.is_not(None), *([] if after is None else [key > after])]
        if field.more is None:
            chosen = [*begins]
        else:
            chosen = [key.in_(select(key).where(*begins).order_by(key).limit(limit)), sealed.is_not(None)]
        columns = [column.label(f"pk_{column.name}") for column in field.identity()]
        statement = (
            select(key.label("key"), sealed.label("sealed"), *columns, *(table.c[n] for n in field.indexed()))
            .where(*chosen)
            .order_by(*field.identity())
            .limit(limit if field.more is None else None)
            .with_for_update(key_share=True)
        )
        return (await self._session.execute(statement)).all()

    async def write(self, field: Field, changes: Sequence[dict[str, Any]]) -> None:
        """Write values into rows: `pk_…` select the row, the others are `new_` and the name of a column."""
        table = field.table
        connection = await self._session.connection()
        await connection.execute(
            update(table)
            .where(*(column == bindparam(f"pk_{column.name}") for column in field.identity()))
            .values({name: bindparam(f"new_{name}") for name in (field.sealed, *field.indexed())}),
            changes,
        )

    async def estimate(self, field: Field) -> int:
        """Return about how many values a column has."""
        table = field.table
        return await self._session.scalar(select(func.count(table.c[field.sealed]))) or 0

    async def versions(self, field: Field) -> dict[int, int]:
        """Return the number of values by version of their key. Reads the whole table."""
        sealed = field.table.c[field.sealed]
        size = len(MARK)
        version = case(
            (
                func.substring(sealed, 1, size) == literal(MARK, LargeBinary),
                func.get_byte(sealed, size) * 256 + func.get_byte(sealed, size + 1),
            ),
            else_=1,
        )
        rows = await self._session.execute(
            select(version, func.count()).where(sealed.is_not(None)).group_by(version).order_by(version)
        )
        return dict(rows.all())
