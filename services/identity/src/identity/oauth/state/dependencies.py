"""Builds the context of the protocol core for one request or call."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.consents.service import Consents
from identity.grants.service import Grants
from identity.oauth.state.context import Context, Parts, Services
from identity.oauth.state.transactions import InSession, OnLane
from identity.revocations.service import Revocations
from servicekit.db import Database, Session
from servicekit.lanes import Lane


def make_context(session: AsyncSession, parts: Parts) -> Context:
    """Build the context for calls in one transaction."""
    transaction = InSession(session)
    revocations = Revocations(session, parts.clock, parts.settings.access_token_seconds)
    audit = AuditLog(session, parts.clock)
    services = Services(
        audit,
        Grants(transaction, parts.clock, revocations, audit),
        Consents(session, parts.clock, revocations, audit),
    )
    return Context(transaction, parts, services)


def make_context_on_lane(lane: Lane, database: Database, parts: Parts) -> Context:
    """Build the context for a call on a lane: the same, without what only a session can do."""
    transaction = OnLane(lane, database)
    revocations = Revocations(lane, parts.clock, parts.settings.access_token_seconds)
    audit = AuditLog(lane, parts.clock)
    services = Services(audit, Grants(transaction, parts.clock, revocations, audit), None)
    return Context(transaction, parts, services)


async def _context(request: Request, session: Session) -> Context:
    return make_context(session, request.app.state.parts)


CallContext = Annotated[Context, Depends(_context)]
