"""A workbook of 300,000 rows is read a bounded step at a time; the bench imports twice as many to the end."""

import io

from contracts.vocabulary import FileFormat
from filekit.threads import ParsingThreads
from filekit.xlsx_rows import STEP_ROWS
from identity.unit_imports.reading import table_of
from identity.unit_imports.rules import HEADINGS
from services.identity.tests.support.workbooks import large

from .test_import_files import school

ROWS = 300_000


async def test_a_workbook_of_300000_rows_is_read_in_small_steps() -> None:
    # Every thousandth one has no level.
    lines = (
        school(0, code=f"S37010{number:07d}", level="学校" if number % 1000 else None)
        for number in range(ROWS)
    )
    content = large(HEADINGS, lines)
    count = wrong = largest = 0
    async with table_of(io.BytesIO(content), FileFormat.XLSX, ParsingThreads()) as table:
        async for step in table.steps():
            count += len(step)
            largest = max(largest, len(step))
            wrong += sum(row.errors == ["缺少“层级”"] for row in step)
    assert (count, wrong) == (ROWS, ROWS // 1000)
    assert largest < 2 * STEP_ROWS
