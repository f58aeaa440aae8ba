"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.roles.service import Roles
from servicekit.db import Session


async def _roles(session: Session) -> Roles:
    return Roles(session)


RoleService = Annotated[Roles, Depends(_roles)]
