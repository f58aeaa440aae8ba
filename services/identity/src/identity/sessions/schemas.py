"""Schemas of the sessions API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class SessionOut(BaseModel):
    """A session: a browser in which the person is signed in."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sid": "01930000-0000-7000-8000-0000000000bb",
                "authenticated_at": "2026-11-22T02:00:00Z",
                "last_seen_at": "2026-11-22T02:05:00Z",
                "acr": "urn:zhuxue:acr:sms",
                "amr": ["sms", "otp"],
            }
        }
    )

    sid: UUID
    authenticated_at: datetime
    last_seen_at: datetime
    acr: str
    amr: list[str]
