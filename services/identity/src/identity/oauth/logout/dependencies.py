"""Builds the feature's service for one request."""

from typing import Annotated

from fastapi import Depends

from identity.oauth.logout.service import Logout
from identity.oauth.state.dependencies import CallContext
from identity.sessions.dependencies import SessionService
from servicekit.db import Session


async def _logout(session: Session, context: CallContext, sessions: SessionService) -> Logout:
    return Logout(session, context, sessions)


LogoutService = Annotated[Logout, Depends(_logout)]
