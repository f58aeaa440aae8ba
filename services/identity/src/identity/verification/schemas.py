"""Schemas of real-name checks."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from identity.accounts.models import Account
from identity.verification import rules

ID_NUMBER = Field(
    max_length=40,
    examples=["11010519491231002X"],
    description="公民身份号码（GB 11643），可含空格，末位可为小写 x",
)
CONSENT = Field(description=f"是否单独同意（《个人信息保护法》第二十九条）：{rules.NOTICE}")


class RealNameIn(BaseModel):
    """A request for a real-name check."""

    model_config = ConfigDict(extra="forbid")

    id_number: str = ID_NUMBER
    consent: bool = CONSENT
    name: str | None = Field(
        default=None,
        max_length=100,
        description="更正后的姓名，核验通过后生效；不填则核验现有姓名。已实名核验的，须用原公民身份号码",
        examples=["王小明"],
    )


class RealNameOut(BaseModel):
    """Whether a person's real name is verified."""

    name: str = Field(description="姓名")
    id_number_masked: str | None = Field(
        description="公民身份号码（隐去中间 11 位）", examples=["110***********002X"]
    )
    verified_at: datetime | None = Field(description="核验通过的时间")
    verified_by: str | None = Field(description="核验服务的名称", examples=["http"])

    @classmethod
    def of(cls, account: Account) -> "RealNameOut":
        """Return an account's state."""
        return cls(
            name=account.name,
            id_number_masked=account.id_number_masked,
            verified_at=account.verified_at,
            verified_by=account.verified_by,
        )
