"""Schemas of the API of custom roles."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Open, Permission, PlatformRole, ProposalStatus
from identity.names import PersonName
from identity.role_changes.kinds import RoleChangeKind
from identity.roles.schemas import RoleCode

_Permissions = Annotated[list[Permission], Field(max_length=len(Permission))]


class RoleIn(BaseModel):
    """What a role is to be called and to allow."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "数据报送员",
                "permissions": ["figures.contribute"],
                "may_grant": [],
                "reason": "专人报送资助数据",
            }
        },
    )

    name: str = Field(
        min_length=2,
        max_length=20,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="角色名称，在用的角色不能重名",
    )
    permissions: _Permissions = Field(
        min_length=1, max_length=len(Permission), description="该角色的权限，只能是单位的权限"
    )
    may_grant: _Permissions = Field(default=[], description="可以授予他人、自己并不具备的权限")
    reason: str = Field(min_length=2, max_length=200)


class NewRoleIn(RoleIn):
    """A new role."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "code": "data_reporter",
                "name": "数据报送员",
                "permissions": ["figures.contribute"],
                "may_grant": [],
                "reason": "专人报送资助数据",
            }
        }
    )

    code: RoleCode = Field(description="角色代码，以后不能改变，停用后不能再用")


class RoleChangeOut(BaseModel):
    """A change of a role."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: RoleChangeKind = Field(description="变更的种类")
    code: str = Field(description="角色代码", examples=["data_reporter"])
    name: str = Field(description="角色名称", examples=["数据报送员"])
    permissions: list[Open[Permission]] = Field(description="变更后的权限；停用时为停用前的")
    may_grant: list[Open[Permission]] = Field(description="变更后可以授予他人、自己并不具备的权限")
    reason: str
    proposed_by: UUID = Field(description="提议人的标识")
    proposed_by_name: Annotated[str | None, PersonName("proposed_by")] = None
    proposed_role: PlatformRole = Field(description="提议人的角色")
    proposed_at: datetime = Field(description="提议时间")
    status: ProposalStatus
    decided_by: UUID | None = Field(description="确认人或否决人的标识")
    decided_by_name: Annotated[str | None, PersonName("decided_by")] = None
    decided_at: datetime | None
