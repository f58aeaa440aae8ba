"""Writes tables of figures as Excel and CSV. Blocks: call it in a thread."""

import io

from cockpit.exports.rules import Table
from filekit.cells import csv_line
from filekit.xlsx_writer import Column, Notes, SheetWriter


def workbook(table: Table) -> bytes:
    """Return a workbook: the table with exact numbers, and a second sheet with the notes."""
    out = io.BytesIO()
    columns = [Column(heading, max(14, 2 * len(heading) + 4)) for heading in table.headings]
    writer = SheetWriter(out, table.title[:31], columns)
    writer.write(table.rows)
    writer.close(Notes("口径与说明", table.notes))
    return out.getvalue()


def csv_text(table: Table) -> bytes:
    """Return CSV in UTF-8 with a byte order mark: the table, an empty line, and the notes."""
    lines = [csv_line(table.headings)]
    lines += [csv_line("" if cell is None else str(cell) for cell in row) for row in table.rows]
    lines += ["\r\n", *(csv_line(note) for note in table.notes)]
    return ("\ufeff" + "".join(lines)).encode()
