"""Who acts in a request. A feature's `auth.py` names its kinds of actor."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from authkit import actors
from authkit.actors import REFUSALS, Actor
from authkit.principal import Principal

__all__ = ["REFUSALS", "SCOPE", "Actor", "Member", "acting_as"]

SCOPE = "office"
"""The scope of every endpoint of Office."""


def acting_as(*roles: str) -> Callable[[Principal], Awaitable[Actor]]:
    """A dependency that lets in members of a unit who hold one of `roles` there; none: any member."""
    return actors.acting_as(*roles, scope=SCOPE)


Member = Annotated[Actor, Depends(acting_as())]
"""Any member of a unit."""
