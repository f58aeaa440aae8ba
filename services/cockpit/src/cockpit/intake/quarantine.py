"""The quarantined rows of a batch as a CSV file for spreadsheets."""

from collections.abc import AsyncIterator, Sequence

from cockpit.intake import members
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
        files = members.restored(batch.files)
        first = [members.REPORT_FILE] if files else []
        yield "\ufeff" + csv_line([*first, *REPORT_COLUMNS, *batch.columns])
        line = kept = 0
        while True:
            async with self._database.transaction() as session:
                rows = await BatchRepository(session).quarantined(batch.id, line, PAGE_ROWS)
            if not rows:
                break
            yield "".join(_line_of(row, files) for row in rows)
            line = rows[-1].line
            kept += len(rows)
        if kept < batch.rejected:
            empty = ["" for _ in batch.columns]
            yield csv_line([*("" for _ in first), "", "", unkept(batch.rejected, kept), *empty])


def unkept(rejected: int, kept: int) -> str:
    """Return the words for a batch of which more rows were rejected than are kept."""
    return f"共隔离 {rejected} 行，仅保存前 {kept} 行，其余 {rejected - kept} 行只计数；请改正后重新上传。"


def _line_of(row: QuarantinedRow, files: Sequence[members.MemberFile]) -> str:
    file, line = members.place_of(files, row.line)
    place = [str(line)] if file is None else [file, str(line)]
    codes = [row.code] if row.errors is None else [error["code"] or "" for error in row.errors]
    return csv_line([*place, ";".join(dict.fromkeys(codes)), row.reason, *row.raw])
