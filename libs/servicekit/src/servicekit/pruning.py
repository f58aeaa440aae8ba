"""Deletes rows in small transactions: no long locks, and an interrupted deletion keeps its progress."""

from sqlalchemy import ColumnClause, ColumnElement, Table, column, delete, select

from servicekit.db import Database

_BATCH = 5_000


async def delete_in_batches(
    database: Database, table: Table, condition: ColumnElement[bool], batch: int = _BATCH
) -> int:
    """Delete the rows of `table` that match `condition`; return the number of deleted rows.

    Locked rows are skipped and left for the next run.
    """
    ctid: ColumnClause[str] = column("ctid")
    chosen = select(ctid).select_from(table).where(condition).limit(batch).with_for_update(skip_locked=True)
    deleted = 0
    while True:
        async with database.transaction() as session:
            result = await session.execute(delete(table).where(ctid.in_(chosen)).returning(ctid))
            count = len(result.all())
        deleted += count
        if count < batch:
            return deleted
