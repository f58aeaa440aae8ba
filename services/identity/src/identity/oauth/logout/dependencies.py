"""The feature's service, built for one request."""

from typing import Annotated

from fastapi import Depends

from identity.oauth.logout.service import Logout
from identity.oauth.state.dependencies import CallContext
from identity.sessions.dependencies import Service as Sessions
from servicekit.db import Session


async def _service(session: Session, context: CallContext, sessions: Sessions) -> Logout:
    return Logout(session, context, sessions)


Service = Annotated[Logout, Depends(_service)]
