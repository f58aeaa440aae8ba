"""Schemas of documents and agreements."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import PolicyKind

_KIND = Field(description="文件：privacy_policy 隐私政策，terms 使用条款，id_number 公民身份号码处理告知书")


class PolicyOut(BaseModel):
    """A current document."""

    model_config = ConfigDict(from_attributes=True)

    kind: PolicyKind = _KIND
    version: str = Field(description="版本", examples=["1.0"])
    title: str = Field(description="标题", examples=["隐私政策"])
    text: str = Field(description="全文（Markdown：标题、段落、列表）", examples=["# 隐私政策\n\n……"])


class AgreementIn(BaseModel):
    """An agreement to a version."""

    model_config = ConfigDict(extra="forbid")

    kind: PolicyKind = _KIND
    version: str = Field(max_length=20, description="所阅读的版本，须为最新", examples=["1.0"])


class AgreedIn(BaseModel):
    """The versions of the documents that somebody who registers has read and agrees to."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"privacy_policy": "1.3", "terms": "1.0"}}
    )

    privacy_policy: str = Field(max_length=20, description="所同意的《隐私政策》的版本，须为最新")
    terms: str = Field(max_length=20, description="所同意的《使用条款》的版本，须为最新")

    def versions(self) -> dict[PolicyKind, str]:
        """Return the versions by document."""
        return {PolicyKind.PRIVACY_POLICY: self.privacy_policy, PolicyKind.TERMS: self.terms}


AGREED: AgreedIn = Field(
    description="本人已阅读并同意的文件的版本；全文和最新版本见 `GET /api/v1/policies/{kind}`"
)


class AgreementOut(BaseModel):
    """An agreement of the caller."""

    model_config = ConfigDict(from_attributes=True)

    kind: PolicyKind = _KIND
    version: str = Field(description="版本", examples=["1.0"])
    at: datetime = Field(description="同意时间")
    withdrawn_at: datetime | None = Field(description="撤回同意的时间；未撤回的为空")


class AgreementsOut(BaseModel):
    """What the caller has agreed to, and what is missing."""

    agreed: list[AgreementOut] = Field(description="已同意的版本，从早到晚")
    missing: list[PolicyKind] = Field(description="须重新确认的文件：最新版本尚未同意")
