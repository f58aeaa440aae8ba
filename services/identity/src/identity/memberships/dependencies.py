"""The feature's service, assembled for one request."""

from typing import Annotated

from fastapi import Depends

from identity.dependencies import Clock, Settings, Vault
from identity.memberships.service import Memberships
from servicekit.db import Session


async def _service(session: Session, clock: Clock, vault: Vault, settings: Settings) -> Memberships:
    return Memberships(session, clock, vault, settings)


Service = Annotated[Memberships, Depends(_service)]
