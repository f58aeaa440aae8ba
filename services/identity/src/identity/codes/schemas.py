"""Schemas of the codes API."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CodeRequestIn(BaseModel):
    """A request for an SMS code."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"phone": "13800000000", "purpose": "register"}}
    )

    phone: str = Field(min_length=11, max_length=20)
    purpose: Literal["register", "sign_in"]


class CodeSentOut(BaseModel):
    """The response to any request for a code; it does not depend on the number."""

    expires_in: int = Field(examples=[300], description="有效秒数")
    resend_after: int = Field(examples=[60], description="多少秒后可重新获取")
