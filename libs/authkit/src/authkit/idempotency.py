"""`Idempotency-Key` of authenticated callers (`servicekit.idempotency`)."""

from typing import Annotated

from fastapi import Depends, Request

from authkit.dependencies import Authenticated
from servicekit.db import Session
from servicekit.idempotency import Idempotency, Key, claim
from servicekit.lanes import InSession, RequestLane


async def _idempotency(
    request: Request, session: Session, principal: Authenticated, key: Key = None
) -> Idempotency:
    # The principal is a parameter, so that the order of an endpoint's parameters does not matter and an
    # unauthenticated request is rejected before it claims a key.
    return await claim(request, InSession(session), caller=principal.sub, key=key)


Idempotent = Annotated[Idempotency, Depends(_idempotency)]
"""Claims the key of the request, or returns the stored response."""


async def _on_lane(
    request: Request, lane: RequestLane, principal: Authenticated, key: Key = None
) -> Idempotency:
    return await claim(request, lane, caller=principal.sub, key=key)


IdempotentOnLane = Annotated[Idempotency, Depends(_on_lane)]
"""The same for an endpoint whose transaction is a lane."""
