"""Queries of the token endpoint and its neighbours, on the sync face of the request's session."""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from identity.base import Base, revocations
from identity.oauth.models import Grant
from identity.oauth.stored.models import OnceOnly, PushedRequest, RefreshToken


class TokenRepository:
    """Refresh tokens, pushed requests, and what may be used once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: Base) -> None:
        """Store a new row."""
        self._session.add(row)

    def refresh_token(self, token_hash: bytes) -> RefreshToken | None:
        """A refresh token and its grant, both locked: a family is refreshed by one request at a time."""
        found: RefreshToken | None = self._session.scalar(
            select(RefreshToken)
            .where(RefreshToken.token_hash == token_hash)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return found

    def refresh_token_unlocked(self, token_hash: bytes) -> RefreshToken | None:
        """The same to read only."""
        found: RefreshToken | None = self._session.scalar(
            select(RefreshToken).where(RefreshToken.token_hash == token_hash)
        )
        return found

    def grant(self, grant_id: UUID, *, lock: bool = False) -> Grant | None:
        """A grant."""
        return self._session.get(Grant, grant_id, with_for_update=lock or None)

    def pushed(self, reference_hash: bytes) -> PushedRequest | None:
        """A pushed request, locked: it leads to one answer only."""
        return self._session.get(PushedRequest, reference_hash, with_for_update=True)

    def once(self, *words: str, expires_at: datetime) -> bool:
        """Note something that may be seen once; False if it has been seen."""
        statement = insert(OnceOnly).values(key_hash=_key(words), expires_at=expires_at)
        result = self._session.execute(statement.on_conflict_do_nothing().returning(OnceOnly.key_hash))
        return result.first() is not None

    def seen(self, *words: str) -> bool:
        """Whether it has been noted."""
        return self._session.get(OnceOnly, _key(words)) is not None

    def withdrawn(
        self, sub: UUID, sid: str | None, grant_id: str | None, audiences: list[str], issued_at: datetime
    ) -> bool:
        """Whether an access token has been withdrawn by an event (the rule of `authkit.revocation`)."""
        table = revocations.c
        statement = select(table.id).where(
            table.sub == sub,
            table.not_before > issued_at,
            or_(table.sid.is_(None), table.sid == sid),
            or_(table.grant_id.is_(None), table.grant_id == grant_id),
            or_(table.audience.is_(None), table.audience.in_(audiences)),
        )
        return self._session.execute(statement.limit(1)).first() is not None

    def prune(self, now: datetime) -> None:
        """Delete what can no longer be presented; ranges of time, each found by an index."""
        self._session.execute(delete(OnceOnly).where(OnceOnly.expires_at < now))
        self._session.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))
        day = timedelta(days=1)
        self._session.execute(delete(PushedRequest).where(PushedRequest.issued_at < now - day))


def _key(words: tuple[str, ...]) -> bytes:
    return sha256("\0".join(words).encode()).digest()
