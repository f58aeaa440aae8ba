"""Queries over browser sessions and the logout notices that their ends leave."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.models import Client
from identity.grants.models import Grant
from identity.sessions.logout_models import LogoutNotice
from identity.sessions.models import BrowserSession


class SessionRepository:
    """Sessions by id and by account."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, sid: UUID) -> BrowserSession | None:
        """A session by `sid`."""
        return await self._session.get(BrowserSession, sid)

    async def lock(self, sid: UUID) -> BrowserSession | None:
        """A session by `sid`, locked and read anew."""
        return await self._session.get(BrowserSession, sid, with_for_update=True, populate_existing=True)

    def add(self, row: BrowserSession) -> None:
        """Store a new session."""
        self._session.add(row)

    async def live(self, sub: UUID, idle_since: datetime, since: datetime) -> Sequence[BrowserSession]:
        """Sessions of a person that can still be used, latest first."""
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
            )
        ).all()

    async def unended(self, sub: UUID) -> Sequence[BrowserSession]:
        """Sessions of a person that nobody has ended, idle ones included, locked."""
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
        """Clients that were given something in a session."""
        return (
            await self._session.scalars(
                select(Client)
                .where(Client.client_id.in_(select(Grant.client_id).where(Grant.session_id == sid)))
                .order_by(Client.client_id)
            )
        ).all()

    async def revoke_grants(self, sid: UUID, now: datetime) -> None:
        """End what was given in a session."""
        await self._session.execute(
            update(Grant)
            .where(Grant.session_id == sid, Grant.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )

    async def revoke_offline_grants(self, sub: UUID, now: datetime) -> None:
        """End what a person has given that is not of a session: devices with `offline_access`."""
        await self._session.execute(
            update(Grant)
            .where(Grant.account_id == sub, Grant.session_id.is_(None), Grant.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )

    def add_notice(self, row: LogoutNotice) -> None:
        """Store a logout notice to be delivered."""
        self._session.add(row)


class LogoutNotices:
    """Notices that are due."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[LogoutNotice, Client]]:
        """Notices to deliver now with their clients, locked against other processes."""
        rows = await self._session.execute(
            select(LogoutNotice, Client)
            .join(Client, Client.client_id == LogoutNotice.client_id)
            .where(LogoutNotice.dead_at.is_(None), LogoutNotice.next_attempt_at <= now)
            .order_by(LogoutNotice.next_attempt_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=LogoutNotice)
        )
        return [row.tuple() for row in rows]

    async def get(self, notice_id: UUID) -> LogoutNotice | None:
        """A notice by id, locked."""
        return await self._session.get(LogoutNotice, notice_id, with_for_update=True)

    async def delete(self, notice_id: UUID) -> None:
        """Forget a notice that has arrived."""
        await self._session.execute(delete(LogoutNotice).where(LogoutNotice.id == notice_id))
