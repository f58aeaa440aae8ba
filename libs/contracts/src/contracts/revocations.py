"""What Identity returns to a service that asks which tokens are revoked."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Revoked(BaseModel):
    """One revocation that still applies; it names a person, a client or a place, as the events do.

    `unit_path` is the `path` of `UnitAccessRevokedV1`; for the other fields see the events in
    `contracts.identity`. `recorded_at` is when Identity stored it.
    """

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: UUID
    sub: UUID | None = None
    client_id: str | None = None
    unit_path: str | None = None
    sid: str | None = None
    grant_id: str | None = None
    audience: str | None = None
    not_before: datetime
    expires_at: datetime
    recorded_at: datetime
