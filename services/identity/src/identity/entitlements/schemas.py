"""Schemas of the entitlements API."""

from pydantic import BaseModel, ConfigDict, Field


class EntitlementIn(BaseModel):
    """A permission for a person to use a system."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=50, examples=["cockpit"])
