"""The rejected rows of a batch while it is being received."""

from collections import Counter
from typing import Any

KEPT_ROWS = 10_000
"""Rows of a batch in quarantine. All are counted; who has corrected these sends the file again."""


class Rejected:
    """Counts all rejected rows, and buffers the first `KEPT_ROWS` for the next transaction."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self.count = 0
        self.reasons: Counter[str] = Counter()
        """Rows by code; a row with several errors counts for each."""
        self.files: list[dict[str, Any]] | None = None
        """The files of an archive, with their rows (`cockpit.intake.members`)."""

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Count rows, and buffer those that are kept."""
        self._rows += rows[: max(0, KEPT_ROWS - self.count)]
        self.count += len(rows)
        for row in rows:
            self.reasons.update({error["code"] for error in row["errors"]})

    def take(self, least: int) -> list[dict[str, Any]]:
        """Return the buffered rows if there are at least that many, else none."""
        if len(self._rows) < least:
            return []
        rows, self._rows = self._rows, []
        return rows
