"""Admission to pushes: clients that act for themselves with a token that is bound to their key."""

from typing import Annotated

from fastapi import Depends

from authkit.dependencies import REFUSALS as TOKEN_REFUSALS
from authkit.dependencies import Authenticated
from authkit.errors import InsufficientScope
from authkit.principal import Principal
from cockpit.access import rules
from cockpit.access.auth import access
from cockpit.pushes.errors import BoundTokenRequired, ClientRequired
from contracts.vocabulary import Permission

PUSH_REFUSALS = (*TOKEN_REFUSALS, InsufficientScope, ClientRequired, BoundTokenRequired)


async def _pusher(principal: Authenticated) -> Principal:
    if not principal.is_client:
        raise ClientRequired
    if rules.WRITE not in principal.scope:
        raise InsufficientScope
    if principal.jkt is None:
        raise BoundTokenRequired
    return principal


Pusher = Annotated[Principal, Depends(_pusher)]
"""A client of an integration."""

Registrar = Annotated[Principal, Depends(access(rules.WRITE, permissions=(Permission.CLIENTS_MANAGE,)))]
"""Says which clients push for the units of the own subtree."""
