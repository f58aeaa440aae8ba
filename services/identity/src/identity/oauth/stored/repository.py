"""Queries of the token endpoint and its neighbours, on the sync face of the request's session."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import LargeBinary, exists, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from identity.base import Base, revocations
from identity.oauth.models import Grant, secret_hash
from identity.oauth.stored.handles import id_of
from identity.oauth.stored.models import OnceOnly, PushedRequest, RefreshToken


class TokenRepository:
    """Refresh tokens, pushed requests, and what may be used once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: Base) -> None:
        """Store a new row."""
        self._session.add(row)

    def refresh_token(self, value: str, *, lock: bool = True) -> RefreshToken | None:
        """A refresh token and its grant, both locked: a family is refreshed by one request at a time."""
        row_id = id_of(value)
        if row_id is None:
            return None
        found = self._session.get(RefreshToken, row_id, with_for_update=lock or None, populate_existing=True)
        return found if found is not None and found.token_hash == secret_hash(value) else None

    def successor(self, row: RefreshToken) -> RefreshToken | None:
        """What a refresh token was exchanged for."""
        return None if row.successor_id is None else self._session.get(RefreshToken, row.successor_id)

    def grant(self, grant_id: UUID, *, lock: bool = False) -> Grant | None:
        """A grant."""
        return self._session.get(Grant, grant_id, with_for_update=lock or None)

    def pushed(self, reference: str) -> PushedRequest | None:
        """A pushed request, locked: it leads to one answer only."""
        row_id = id_of(reference)
        row = None if row_id is None else self._session.get(PushedRequest, row_id, with_for_update=True)
        return row if row is not None and row.reference_hash == secret_hash(reference) else None

    def once(self, *words: str, expires_at: datetime) -> bool:
        """Note something that may be seen once; False if it has been seen.

        The same thing always expires at the same time, so the key keeps two processes apart; something
        else of the same name is found by looking.
        """
        key = _key(words)
        new = select(literal(key, LargeBinary), literal(expires_at)).where(
            ~exists().where(OnceOnly.key_hash == key)
        )
        statement = insert(OnceOnly).from_select(["key_hash", "expires_at"], new)
        result = self._session.execute(statement.on_conflict_do_nothing().returning(OnceOnly.key_hash))
        return result.first() is not None

    def seen(self, *words: str) -> bool:
        """Whether it has been noted."""
        return self._session.scalar(select(exists().where(OnceOnly.key_hash == _key(words)))) is True

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


def _key(words: tuple[str, ...]) -> bytes:
    return sha256("\0".join(words).encode()).digest()
