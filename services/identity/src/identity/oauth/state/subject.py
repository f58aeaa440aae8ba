"""Data of a person for tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.vocabulary import AccountStatus
from identity.platform import rules as platform


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

    `in_session_since`: start of the grant's session, None after its end. `acting_since`: when the session's
    acting unit was last chosen. `delegated_until`: when the first of the delegated roles ends.
    """

    id: UUID
    active: bool
    in_session_since: datetime | None
    acting: ActingUnit | None
    entitlements: list[str]
    permissions: list[str]
    platform_role: str | None
    acting_since: datetime | None
    delegated_until: datetime | None

    @classmethod
    def standing(cls, row: Any) -> "Subject":
        """Build from the columns of `repository.STANDING`: without what tokens say of the person."""
        return cls(
            id=row.person_id,
            active=row.account_status == AccountStatus.ACTIVE,
            in_session_since=row.session_begun_at if row.session_ended_at is None else None,
            acting=None,
            entitlements=[],
            permissions=[],
            platform_role=None,
            acting_since=None,
            delegated_until=None,
        )

    @classmethod
    def of(cls, row: Any) -> "Subject":
        """Build from the columns of `repository.SUBJECT`."""
        if row.platform_role is not None:
            # 三员分立: whatever else is recorded, an administrator of the platform acts for no unit.
            return cls(
                id=row.person_id,
                active=row.account_status == AccountStatus.ACTIVE,
                in_session_since=row.session_begun_at if row.session_ended_at is None else None,
                acting=None,
                entitlements=[],
                permissions=sorted(platform.PERMISSIONS.get(row.platform_role, ())),
                platform_role=row.platform_role,
                acting_since=row.session_acting_since,
                delegated_until=None,
            )
        acting = None
        if row.unit_id is not None:
            roles = sorted({*row.roles, *(row.delegated_roles or [])})
            acting = ActingUnit(row.unit_id, row.unit_path, row.unit_level, row.unit_kind, roles)
        return cls(
            id=row.person_id,
            active=row.account_status == AccountStatus.ACTIVE,
            in_session_since=row.session_begun_at if row.session_ended_at is None else None,
            acting=acting,
            entitlements=row.entitlements or [],
            permissions=sorted(set(row.permissions or [])),
            platform_role=None,
            acting_since=row.session_acting_since,
            delegated_until=row.delegated_until,
        )
