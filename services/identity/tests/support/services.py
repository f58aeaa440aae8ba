"""Services of Identity in a transaction, as the dependencies build them for a request."""

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.revocations.service import Revocations
from identity.sessions.service import Sessions


def sessions_in(app: FastAPI, session: AsyncSession) -> Sessions:
    """The service of browser sessions, with the clock of the application."""
    state = app.state
    revocations = Revocations(session, state.clock, state.settings.access_token_seconds)
    audit = AuditLog(session, state.clock)
    return Sessions(session, state.clock, state.settings, revocations, audit)
