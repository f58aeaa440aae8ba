"""Fields that a spreadsheet would read as formulas, made harmless and read back."""

import csv
import io
from collections.abc import Iterable

_FORMULA = frozenset("=+-@\t\r\n")
_SPACES = " \t\r\n\u00a0\u3000\ufeff"


def escaped(field: str) -> str:
    """Put an apostrophe before a field that a spreadsheet would read as a formula (CWE-1236)."""
    return f"'{field}" if field[:1] in _FORMULA else field


def cleaned(field: str) -> str:
    """Return a field without the spaces around it, a byte order mark, and the apostrophe of `escaped`."""
    field = field.strip(_SPACES)
    return field[1:] if field[:1] == "'" and field[1:2] in _FORMULA else field


def csv_line(fields: Iterable[str]) -> str:
    """Format one line of CSV, each field `escaped`."""
    out = io.StringIO()
    csv.writer(out).writerow(map(escaped, fields))
    return out.getvalue()
