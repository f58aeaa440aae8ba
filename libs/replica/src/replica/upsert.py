"""The statement that puts what Identity says into a replica."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession


async def put(session: AsyncSession, model: Any, key: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows or update those that are not newer; fields without a column in this service are ignored."""
    if not rows:
        return
    columns = model.__mapper__.column_attrs.keys()
    rows = [{name: value for name, value in row.items() if name in columns} for row in rows]
    statement = insert(model)
    newer = {name: statement.excluded[name] for name in rows[0] if name != key}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[key],
            set_={**newer, "replicated_at": func.now()},
            # Equal versions have the same content, unless the stored row lacks a new field.
            where=model.version <= statement.excluded.version,
        ),
        rows,
    )
