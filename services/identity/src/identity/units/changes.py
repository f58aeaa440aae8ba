"""What a change of a unit is recorded with: its date, reason and document, and who made it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from contracts.vocabulary import UnitChangeKind
from identity.units.errors import EffectiveInFuture
from identity.units.schemas import ChangeIn
from servicekit.clock import SHANGHAI


def day_of(instant: datetime) -> date:
    """Return the date in Beijing time."""
    return instant.astimezone(SHANGHAI).date()


@dataclass(frozen=True)
class Occasion:
    """When, by whom, why and with which document (文号) units change."""

    now: datetime
    by: UUID | None
    effective_on: date
    reason: str | None = None
    document_number: str | None = None

    @classmethod
    def of(cls, now: datetime, by: UUID | str, asked: ChangeIn) -> "Occasion":
        """Return the occasion that a request names. Raises `EffectiveInFuture`."""
        today = day_of(now)
        effective_on = asked.effective_on or today
        if effective_on > today:
            raise EffectiveInFuture
        return cls(now, UUID(str(by)), effective_on, asked.reason, asked.document_number)


@dataclass(frozen=True)
class What:
    """The kind of a change, and the other unit that it concerns."""

    kind: UnitChangeKind
    related_unit_id: UUID | None = None
