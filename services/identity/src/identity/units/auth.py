"""Who may do what with units."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import requires
from authkit.principal import Principal
from contracts.vocabulary import Role

SCOPE = "identity"
"""What a client must have been granted to use this API for a person, beside the audience."""

Member = Annotated[Principal, Depends(requires(scope=SCOPE))]
"""Anybody who belongs to a unit."""

Person = Annotated[Principal, Depends(requires(scope=SCOPE, membership=False))]
"""Anybody with an account."""

UnitAdmin = Annotated[Principal, Depends(requires(scope=SCOPE, roles=(Role.UNIT_ADMIN,)))]
"""A unit's administrator (单位管理员); reaches the unit's subtree."""

DirectoryReader = Annotated[
    Principal, Depends(requires(scope="directory:read", membership=False, clients=True))
]
"""A service that keeps a replica."""
