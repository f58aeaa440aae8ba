"""Builds the context of the protocol core for one request."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.consents.service import Consents
from identity.grants.service import Grants
from identity.oauth.state.context import Context, Parts, Services
from identity.oauth.state.transactions import InSession
from identity.revocations.service import Revocations
from servicekit.db import Session


def make_context(session: AsyncSession, parts: Parts) -> Context:
    """Build the context for calls in one transaction."""
    revocations = Revocations(session, parts.clock, parts.settings.access_token_seconds)
    audit = AuditLog(session, parts.clock)
    services = Services(
        audit,
        Grants(parts.clock, revocations, audit),
        Consents(session, parts.clock, revocations, audit),
    )
    return Context(InSession(session), parts, services)


async def _context(request: Request, session: Session) -> Context:
    return make_context(session, request.app.state.parts)


CallContext = Annotated[Context, Depends(_context)]
