"""Data of a person for tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.vocabulary import AccountStatus


@dataclass(frozen=True)
class ActingUnit:
    """The unit a person acts for, and their roles there, as token claims."""

    unit: UUID
    path: str
    level: str
    kind: str
    roles: list[str]


@dataclass(frozen=True)
class Subject:
    """Data of a person for tokens; `id` is their `sub`.

    `in_session_since`: start of the grant's session, None after its end.
    """

    id: UUID
    active: bool
    in_session_since: datetime | None
    acting: ActingUnit | None
    entitlements: list[str]

    @classmethod
    def of(cls, row: Any) -> "Subject":
        """Build from the columns of `repository.SUBJECT`."""
        acting = None
        if row.unit_id is not None:
            acting = ActingUnit(row.unit_id, row.unit_path, row.unit_level, row.unit_kind, row.roles)
        since = row.session_begun_at if row.session_ended_at is None else None
        active = row.account_status == AccountStatus.ACTIVE
        return cls(row.person_id, active, since, acting, row.entitlements or [])
