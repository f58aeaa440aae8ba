"""The standards that come with the package, put into the database at the start of the service.

Each row of the file has a key. What has been loaded once is never loaded again or changed: from then on the
centre administers it. A row that overlaps what the centre has entered is left out.
"""

import csv
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.standards.models import StandardAction, StandardChange, recorded
from cockpit.standards.repository import StandardRepository
from cockpit.standards.rules import Basis, Certainty, Tier
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id

log = structlog.get_logger("standards")

_REASON = "随系统载入，请核对文号与来源"


def rows() -> list[dict[str, Any]]:
    """Return the rows of the file, as columns of `Standard`."""
    text = files("cockpit").joinpath("data/standards/standards.csv").read_text(encoding="utf-8")
    return [_values(row) for row in csv.DictReader(text.splitlines())]


async def plant(database: Database, clock: Clock) -> int:
    """Load the rows that have not been loaded yet; return their number. Two processes may do so at once."""
    async with database.transaction() as session:
        return await _plant(session, clock)


async def _plant(session: AsyncSession, clock: Clock) -> int:
    standards = StandardRepository(session)
    known, now = await standards.seeds(), clock.now()
    new = [
        {**values, "version": 1, "created_at": now, "changed_at": now}
        for values in rows()
        if values["seed"] not in known
    ]
    if not new:
        return 0
    planted = await standards.plant(new)
    for values in new:
        if values["id"] not in planted:
            log.warning("standard of the package not loaded: it overlaps another", seed=values["seed"])
            continue
        standards.record(
            StandardChange(
                standard_id=values["id"],
                version=1,
                action=StandardAction.LOADED,
                at=now,
                by=None,
                client_id=None,
                reason=_REASON,
                before=None,
                after=recorded(values),
                correlation_id=None,
            )
        )
    return len(planted)


def _values(row: dict[str, str]) -> dict[str, Any]:
    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    def yuan(text: str) -> Decimal | None:
        return Decimal(text) if text else None

    return {
        "id": new_id(),
        "seed": row["key"],
        "programme": row["programme"],
        "stage": row["stage"],
        "tier": Tier(row["tier"]),
        "region": row["region"],
        "valid_from": day(row["valid_from"]),
        "valid_to": day(row["valid_to"]),
        "basis": Basis(row["basis"]),
        "days": int(row["days"]) if row["days"] else None,
        "amount": yuan(row["amount"]),
        "lowest": yuan(row["lowest"]),
        "highest": yuan(row["highest"]),
        "document_number": row["document_number"],
        "certainty": Certainty(row["certainty"]),
        "source": row["source"],
        "note": row["note"],
    }
