"""Schemas of searches."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import AccountStatus
from identity.memberships.models import Profile


class FoundPersonOut(BaseModel):
    """A person that was found."""

    model_config = ConfigDict(from_attributes=True)

    sub: UUID
    name: str = Field(description="姓名", examples=["王小明"])
    unit_id: UUID = Field(description="所属单位的标识")
    unit_name: str = Field(description="所属单位的名称", examples=["历下区学生资助管理中心"])
    posts: list[str] = Field(description="职务")
    phone_masked: str | None = Field(description="隐去中间四位的手机号；没有查看人员权限时为空")


class PhoneIn(BaseModel):
    """A complete phone number."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"phone": "13800000000"}})

    phone: str = Field(min_length=1, max_length=50, description="完整的手机号码")


class PersonByPhoneOut(BaseModel):
    """The person with a phone number."""

    sub: UUID
    name: str = Field(description="姓名", examples=["王小明"])
    phone_masked: str
    status: AccountStatus
    units: list["UnitOfPersonOut"] = Field(description="可以看到的所属单位，主要单位在前；不属于单位的为空")


class UnitOfPersonOut(BaseModel):
    """A unit that a person belongs to."""

    unit_id: UUID
    unit_name: str = Field(description="单位名称", examples=["历下区学生资助管理中心"])
    posts: list[str] = Field(description="职务")


class FoundByPhoneOut(BaseModel):
    """What was found."""

    person: PersonByPhoneOut | None = Field(description="没有这样的人员，或不在管辖范围内时为空")

    @classmethod
    def of(cls, found: Profile | None) -> "FoundByPhoneOut":
        """Return the schema of a person with their units."""
        if found is None:
            return cls(person=None)
        account = found.account
        return cls(
            person=PersonByPhoneOut(
                sub=account.id,
                name=account.name,
                phone_masked=account.phone_masked,
                status=account.status,
                units=[
                    UnitOfPersonOut(unit_id=unit.id, unit_name=unit.name, posts=list(one.posts))
                    for one, unit in found.memberships
                ],
            )
        )
