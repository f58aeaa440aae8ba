"""Schemas of the roles API."""

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Open, Permission


class RoleOut(BaseModel):
    """A role in a unit."""

    model_config = ConfigDict(from_attributes=True)

    code: str = Field(description="角色代码", examples=["handler"])
    name: str = Field(description="角色名称", examples=["经办人"])
    permissions: list[Open[Permission]] = Field(description="该角色的权限")
    may_grant: list[Open[Permission]] = Field(description="可以授予他人、自己并不具备的权限")
    built_in: bool = Field(description="是否为内置角色")
