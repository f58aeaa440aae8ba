"""Schemas of the roles API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import Open, Permission

RoleCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,31}$", examples=["handler"])]
"""The code of a role, built in or defined by the platform."""


class RoleOut(BaseModel):
    """A role in a unit."""

    model_config = ConfigDict(from_attributes=True)

    code: str = Field(description="角色代码", examples=["handler"])
    name: str = Field(description="角色名称", examples=["经办人"])
    permissions: list[Open[Permission]] = Field(description="该角色的权限")
    may_grant: list[Open[Permission]] = Field(description="可以授予他人、自己并不具备的权限")
    built_in: bool = Field(description="是否为内置角色，不能变更")
    retired_at: datetime | None = Field(description="停用时间；停用的角色不再有任何权限，代码不再使用")
