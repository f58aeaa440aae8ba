"""API schemas of groups and favourites."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from contracts.documents import ContactStatus, GroupScope
from office.contacts.picking import Picked
from office.directory.schemas import UnitRef
from office.grouping.service import GroupView
from office.groups.models import Favourite, Group
from office.groups.rules import MAX_MEMBERS, Pick

_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class PickIn(BaseModel):
    """A unit, or a person in a unit."""

    model_config = ConfigDict(extra="forbid")

    unit_id: UUID = Field(description="单位的标识")
    sub: UUID | None = Field(default=None, description="该单位的人员；为空时指单位本身", examples=[None])

    def pick(self) -> Pick:
        """Return what is picked."""
        return Pick(self.unit_id, self.sub)


class GroupContentIn(BaseModel):
    """A group's name and all its members."""

    model_config = ConfigDict(extra="forbid")

    name: _Name = Field(description="分组名称", examples=["山东片区"])
    members: list[PickIn] = Field(
        default=[], max_length=MAX_MEMBERS, description="单位和人员，按顺序，最多 1000 个"
    )

    @field_validator("members")
    @classmethod
    def _distinct(cls, value: list[PickIn]) -> list[PickIn]:
        if len({one.pick() for one in value}) < len(value):
            raise PydanticCustomError("repeated", "成员不能重复")
        return value

    def picks(self) -> list[Pick]:
        """Return the members."""
        return [one.pick() for one in self.members]


class GroupIn(GroupContentIn):
    """A new group."""

    scope: GroupScope = Field(default=GroupScope.OWN, description="个人分组或单位共享分组", examples=["own"])


class GroupLine(BaseModel):
    """A group in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    scope: GroupScope = Field(description="个人分组或单位共享分组", examples=["own"])
    name: str = Field(description="分组名称", examples=["山东片区"])
    size: int = Field(description="成员数", examples=[12])
    updated_at: datetime = Field(description="最近修改时间")
    version: int = Field(description="版本，即 ETag 引号内的数字", examples=[1])

    @classmethod
    def of_group(cls, group: Group) -> Self:
        """Convert a group."""
        return cls(
            id=group.id,
            scope=group.scope,
            name=group.name,
            size=group.members,
            updated_at=group.updated_at,
            version=group.version,
        )


class PickedOut(BaseModel):
    """A member as it is now."""

    unit_id: UUID = Field(description="单位的标识")
    sub: UUID | None = Field(description="该单位的人员；为空时指单位本身", examples=[None])
    name: str = Field(description="名称；不可见时为加入时的名称", examples=["历下区学生资助管理中心"])
    unit_name: str | None = Field(description="人员所在单位的名称；不可见时为空", examples=[None])
    status: ContactStatus = Field(description="现状", examples=["present"])
    merged_into: UnitRef | None = Field(description="单位撤销后承接其工作的单位")
    duty_phone: str | None = Field(description="值班电话", examples=["0531-12345678"])

    @classmethod
    def of(cls, picked: Picked) -> Self:
        """Convert a member."""
        return cls(
            unit_id=picked.pick.unit_id,
            sub=picked.pick.sub,
            name=picked.name,
            unit_name=picked.unit_name,
            status=picked.status,
            merged_into=None if picked.merged_into is None else UnitRef.model_validate(picked.merged_into),
            duty_phone=picked.duty_phone,
        )


class GroupOut(GroupLine):
    """A group with its members."""

    members: list[PickedOut] = Field(description="成员，按顺序")
    addressable: int = Field(
        description="用作主送时的收文单位数：其中正常状态的下级单位；人员不作为收文单位", examples=[12]
    )

    @classmethod
    def of(cls, view: GroupView) -> Self:
        """Convert a group with its members."""
        return cls(
            **GroupLine.of_group(view.group).model_dump(),
            members=[PickedOut.of(one) for one in view.members],
            addressable=view.addressable,
        )


class GroupsOut(BaseModel):
    """Groups, the own ones first."""

    items: list[GroupLine] = Field(description="分组，个人分组在前")


class FavouriteOut(PickedOut):
    """A favourite."""

    id: UUID
    added_at: datetime = Field(description="加入时间")

    @classmethod
    def of_favourite(cls, favourite: Favourite, picked: Picked) -> Self:
        """Convert a favourite."""
        return cls(
            id=favourite.id, added_at=favourite.added_at, **PickedOut.of(picked).model_dump(by_alias=True)
        )


class FavouritesOut(BaseModel):
    """Favourites, the latest first."""

    items: list[FavouriteOut] = Field(description="常用联系人，新加入的在前")
