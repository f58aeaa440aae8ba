"""Queries over sessions and their tokens."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, any_, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Audience
from portal.sessions.models import AccessToken, BrowserSession

CHANNEL = "session_ended"
"""PostgreSQL notifies all processes of each session that somebody ended."""
MOST_LISTED = 100
"""Sessions of one person in a list; a person has a few browsers."""


class SessionRepository:
    """Read and change sessions. Locks one session at a time."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: BrowserSession) -> None:
        """Add a session."""
        self._session.add(row)

    async def flush(self) -> None:
        """Write what has been added, before statements that refer to it."""
        await self._session.flush()

    async def by_secret(
        self, secret_hash: bytes, now: datetime, *, wall: bool = False
    ) -> BrowserSession | None:
        """Return a session that has not expired, of a person or of a wall display."""
        found: BrowserSession | None = await self._session.scalar(
            select(BrowserSession).where(
                BrowserSession.secret_hash == secret_hash,
                BrowserSession.expires_at > now,
                BrowserSession.sub.is_(None) if wall else BrowserSession.sub.is_not(None),
            )
        )
        return found

    async def locked(self, id_: UUID, now: datetime) -> BrowserSession | None:
        """Return a session that has not expired, locked until the transaction ends."""
        found: BrowserSession | None = await self._session.scalar(
            select(BrowserSession)
            .where(BrowserSession.id == id_, BrowserSession.expires_at > now)
            .with_for_update()
        )
        return found

    async def of_person(self, sub: UUID, now: datetime) -> Sequence[BrowserSession]:
        """Return the sessions of a person, the newest first."""
        found = await self._session.scalars(
            select(BrowserSession)
            .where(BrowserSession.sub == sub, BrowserSession.expires_at > now)
            .order_by(BrowserSession.created_at.desc(), BrowserSession.id.desc())
            .limit(MOST_LISTED)
        )
        return found.all()

    async def known(self, ids: Collection[UUID], now: datetime) -> set[UUID]:
        """Return those sessions that have not ended."""
        among = BrowserSession.id == any_(literal(list(ids), ARRAY(Uuid)))
        found = await self._session.scalars(
            select(BrowserSession.id).where(among, BrowserSession.expires_at > now)
        )
        return set(found.all())

    async def delete(self, sub: UUID, id_: UUID) -> BrowserSession | None:
        """Delete a session of a person; return it, None if there is none."""
        found = await self._deleted(BrowserSession.id == id_, BrowserSession.sub == sub)
        return found[0] if found else None

    async def delete_one(self, id_: UUID) -> None:
        """Delete a session."""
        await self._deleted(BrowserSession.id == id_)

    async def delete_others(self, sub: UUID, kept: UUID) -> Sequence[BrowserSession]:
        """Delete all sessions of a person but one; return them."""
        return await self._deleted(BrowserSession.sub == sub, BrowserSession.id != kept)

    async def delete_of_issuer(self, sub: UUID | None, sid: str | None) -> int:
        """Delete the sessions that a logout token names; return their number."""
        named = [] if sid is None else [BrowserSession.sid == sid]
        if sub is not None:
            named.append(BrowserSession.sub == sub)
        return len(await self._deleted(*named))

    async def _deleted(self, *which: ColumnElement[bool]) -> Sequence[BrowserSession]:
        """Delete sessions, tell all processes once it is committed, and return them."""
        found = (
            await self._session.scalars(delete(BrowserSession).where(*which).returning(BrowserSession))
        ).all()
        if found:
            ids = cast([str(row.id) for row in found], ARRAY(Text))
            await self._session.execute(select(func.pg_notify(CHANNEL, func.unnest(ids))))
        return found

    async def token(self, session_id: UUID, audience: Audience) -> AccessToken | None:
        """Return the access token of a session for a service."""
        return await self._session.get(AccessToken, (session_id, audience))

    async def put_token(
        self, session_id: UUID, audience: Audience, token: bytes, expires_at: datetime
    ) -> None:
        """Store an access token in place of the one before."""
        statement = insert(AccessToken).values(
            session_id=session_id, audience=audience, token=token, expires_at=expires_at
        )
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["session_id", "audience"],
                set_={"token": statement.excluded.token, "expires_at": statement.excluded.expires_at},
            )
        )

    async def drop_token(self, session_id: UUID, audience: Audience, token: bytes) -> None:
        """Delete an access token that a service has refused, unless it has been replaced."""
        await self._session.execute(
            delete(AccessToken).where(
                AccessToken.session_id == session_id,
                AccessToken.audience == audience,
                AccessToken.token == token,
            )
        )

    async def forget_all(self) -> int:
        """Delete all sessions with their tokens; return how many sessions there were."""
        count = (await self._session.scalars(select(func.count()).select_from(BrowserSession))).one()
        await self._session.execute(delete(BrowserSession))
        return count
