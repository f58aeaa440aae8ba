"""The quarantined rows of a batch as a CSV file for spreadsheets."""

from collections.abc import AsyncIterator

from cockpit.intake.models import Batch, QuarantinedRow
from cockpit.intake.repository import BatchRepository
from cockpit.intake.steps import REPORT_COLUMNS
from filekit.cells import csv_line
from servicekit.db import Database

PAGE_ROWS = 1000


class Quarantine:
    """Read quarantined rows in separate transactions, because a download outlives the request's one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def csv(self, batch: Batch) -> AsyncIterator[str]:
        """Yield the rows with line number and reason, page by page, after a BOM for spreadsheets."""
        yield "\ufeff" + csv_line([*REPORT_COLUMNS, *batch.columns])
        line = kept = 0
        while True:
            async with self._database.transaction() as session:
                rows = await BatchRepository(session).quarantined(batch.id, line, PAGE_ROWS)
            if not rows:
                break
            yield "".join(_line_of(row) for row in rows)
            line = rows[-1].line
            kept += len(rows)
        if kept < batch.rejected:
            yield csv_line(["", "", unkept(batch.rejected, kept), *("" for _ in batch.columns)])


def unkept(rejected: int, kept: int) -> str:
    """Return the words for a batch of which more rows were rejected than are kept."""
    return f"共隔离 {rejected} 行，仅保存前 {kept} 行，其余 {rejected - kept} 行只计数；请改正后重新上传。"


def _line_of(row: QuarantinedRow) -> str:
    codes = [row.code] if row.errors is None else [error["code"] or "" for error in row.errors]
    return csv_line([str(row.line), ";".join(dict.fromkeys(codes)), row.reason, *row.raw])
