"""All rows of an import with their results, as a file."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from filekit.cells import csv_line
from identity.unit_imports.models import UnitImportRow
from identity.unit_imports.repository import ImportRepository
from identity.unit_imports.rules import HEADING_OF, NUMBER, REASON, RESULT
from servicekit.db import Database

_PAGE = 1_000


class Report:
    """Reads rows in transactions of its own, because a download outlives the one of the request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def csv(self, import_id: UUID, headings: Sequence[str]) -> AsyncIterator[str]:
        """Yield all rows page by page, after a byte order mark for spreadsheets."""
        yield "\ufeff" + csv_line([NUMBER, RESULT, REASON, *headings])
        number = 0
        while True:
            async with self._database.transaction() as session:
                rows = await ImportRepository(session).rows(import_id, number, _PAGE)
            if not rows:
                return
            yield "".join(csv_line([str(row.number), _result(row), _reason(row), *row.raw]) for row in rows)
            number = rows[-1].number


def _result(row: UnitImportRow) -> str:
    if row.result is None:
        return ""
    return f"已{row.result.label}" if row.applied else row.result.label


def _reason(row: UnitImportRow) -> str:
    return "；".join(row.errors) or "、".join(HEADING_OF[name] for name in row.changes)
