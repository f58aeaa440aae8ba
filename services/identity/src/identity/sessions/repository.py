"""Queries for browser sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.models import Client
from identity.grants.models import Grant
from identity.sessions import statements
from identity.sessions.models import BrowserSession, SignInRecord
from servicekit.ids import first_id
from servicekit.lane_sessions import runner_of
from servicekit.lists import Listed, by_id, listed_one
from servicekit.paging import PageRequest

_FORGET = text(
    "TRUNCATE sessions, grants, authorization_codes, refresh_tokens, device_codes, pushed_requests"
)
MOST_LIVE = 200
"""Live sessions of one person that are shown, the latest."""


class SessionRepository:
    """Sessions by id and by account."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._runner = runner_of(session)

    async def get(self, sid: UUID) -> BrowserSession | None:
        """Return a session by `sid`."""
        return await self._session.get(BrowserSession, sid)

    async def lock(self, sid: UUID) -> BrowserSession | None:
        """Return a session by `sid`, locked and refreshed."""
        return await self._session.get(BrowserSession, sid, with_for_update=True, populate_existing=True)

    async def add(self, row: BrowserSession) -> None:
        """Insert a session."""
        await self._runner.ahead(statements.ADD_SESSION, statements.parameters(row))

    async def live(self, sub: UUID, idle_since: datetime, since: datetime) -> Sequence[BrowserSession]:
        """Return a person's active sessions, latest first."""
        return (
            await self._session.scalars(
                select(BrowserSession)
                .where(
                    BrowserSession.account_id == sub,
                    BrowserSession.ended_at.is_(None),
                    BrowserSession.last_seen_at > idle_since,
                    BrowserSession.begun_at > since,
                )
                .order_by(BrowserSession.authenticated_at.desc(), BrowserSession.id.desc())
                .limit(MOST_LIVE)
            )
        ).all()

    async def add_sign_in(self, row: SignInRecord) -> None:
        """Insert a row of the sign-in history."""
        await self._runner.ahead(statements.ADD_SIGN_IN, statements.parameters(row))

    async def signed_in_since(self, sub: UUID, since: datetime) -> bool:
        """Return whether a person has signed in after a time."""
        values = {"sub": sub, "after": first_id(since)}
        return await self._runner.first(statements.SIGNED_IN, values) is not None

    async def sign_ins(
        self, sub: UUID, since: datetime, paging: PageRequest, *, refused: bool | None
    ) -> Listed[SignInRecord]:
        """Return a person's sign-ins since a time, latest first; with `refused` only those that were, or
        were not.
        """
        statement = select(SignInRecord).where(
            SignInRecord.account_id == sub, SignInRecord.id > first_id(since)
        )
        if refused is not None:
            failed = SignInRecord.refused.is_not(None)
            statement = statement.where(failed if refused else ~failed)
        return await listed_one(self._session, statement, by_id(SignInRecord.id, latest_first=True), paging)

    async def unended(self, sub: UUID) -> Sequence[BrowserSession]:
        """Return a person's sessions that have not ended, including idle ones, locked."""
        return (
            await self._session.scalars(
                select(BrowserSession)
                .where(BrowserSession.account_id == sub, BrowserSession.ended_at.is_(None))
                .order_by(BrowserSession.id)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
        ).all()

    async def clients(self, sid: UUID) -> Sequence[Client]:
        """Return the clients that have grants in a session."""
        return (
            await self._session.scalars(
                select(Client)
                .where(Client.client_id.in_(select(Grant.client_id).where(Grant.session_id == sid)))
                .order_by(Client.client_id)
            )
        ).all()

    async def revoke_grants(self, sid: UUID, now: datetime) -> None:
        """Revoke the grants of a session."""
        await self._session.execute(
            update(Grant)
            .where(Grant.session_id == sid, Grant.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )

    async def revoke_offline_grants(self, sub: UUID, now: datetime) -> None:
        """Revoke a person's grants without a session: devices with `offline_access`."""
        await self._session.execute(
            update(Grant)
            .where(Grant.account_id == sub, Grant.session_id.is_(None), Grant.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )

    async def client(self, client_id: str) -> Client | None:
        """Return a client by id."""
        return await self._session.get(Client, client_id)

    async def forget_all(self) -> int:
        """Delete all sessions with what was issued to them; return how many sessions there were."""
        count = (await self._session.scalars(select(func.count()).select_from(BrowserSession))).one()
        await self._session.execute(_FORGET)
        return count
