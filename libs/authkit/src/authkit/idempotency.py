"""`Idempotency-Key` of authenticated callers (`servicekit.idempotency`)."""

from typing import Annotated

from fastapi import Depends, Request

from authkit.dependencies import Authenticated
from servicekit.db import Session
from servicekit.idempotency import Idempotency, Key, claim


async def _idempotency(
    request: Request, session: Session, principal: Authenticated, key: Key = None
) -> Idempotency:
    # The principal is a parameter, so that the order of an endpoint's parameters does not matter and an
    # unauthenticated request is rejected before it claims a key.
    return await claim(request, session, caller=principal.sub, key=key)


Idempotent = Annotated[Idempotency, Depends(_idempotency)]
"""Claims the key of the request, or returns the stored response."""
