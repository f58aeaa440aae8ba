"""Authorization dependencies. Each feature's `auth.py` defines its actor types with them."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from authkit import actors
from authkit.actors import REFUSALS, Actor
from authkit.principal import Principal

__all__ = ["REFUSALS", "SCOPE", "Actor", "Member", "acting_as"]

SCOPE = "office"
"""The scope of every endpoint of Office."""


def acting_as(*permissions: str) -> Callable[[Principal], Awaitable[Actor]]:
    """Return a dependency that admits members of a unit with one of `permissions`; without, any member."""
    return actors.acting_as(*permissions, scope=SCOPE)


Member = Annotated[Actor, Depends(acting_as())]
"""Any member of a unit."""
