"""Insert-only access to the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from identity.audit.statements import COLUMNS, INSERT_MANY
from servicekit.lanes import Lane


class AuditRepository:
    """Insert-only access to audit rows on a lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows in one statement, which is the same for any number of them."""
        columns: dict[str, list[Any]] = {c.name: [row[c.name] for row in rows] for c in COLUMNS}
        columns["details"] = [to_json(value).decode() for value in columns["details"]]
        await self._lane.all(INSERT_MANY, columns)
