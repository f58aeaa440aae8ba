"""Who may do what in the directory."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.principal import Principal

Member = Annotated[Principal, Depends(requires())]
"""Anybody who belongs to a unit."""

Person = Annotated[Principal, Depends(requires(membership=False))]
"""Anybody with an account."""

UnitAdmin = Annotated[Principal, Depends(requires(roles=("unit_admin",)))]
"""A unit's administrator (单位管理员); reaches the unit's subtree."""

DirectoryReader = Annotated[Principal, Depends(requires(scope="directory:read", membership=False))]
"""A service that keeps a replica."""
