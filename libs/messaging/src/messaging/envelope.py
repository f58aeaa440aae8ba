"""The CloudEvents 1.0 envelope in structured JSON mode (CloudEvents §3, JSON format §2)."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts import EventModel, registry


class UnknownEvent(Exception):
    """No model of this release has the type of the event."""


class Envelope(BaseModel):
    """One event on the wire. `sequence` is the version of the resource that `subject` names."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: int | None = None
    correlationid: str | None = None
    # The extension Distributed Tracing of CloudEvents. Events of earlier releases do not have it.
    traceparent: str | None = None
    data: dict[str, Any]

    def event(self) -> EventModel:
        """Return the typed event. Raises `UnknownEvent`, or `ValidationError` for invalid data."""
        model = registry.get(self.type)
        if model is None:
            raise UnknownEvent(self.type)
        return model.model_validate(self.data)
