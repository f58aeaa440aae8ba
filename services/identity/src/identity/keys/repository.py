"""Queries for signing keys."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from identity.keys.models import SigningKey

# Any constant, the same for all processes of Identity on one database.
_LOCK = 0x5A58_4B45_5953


class KeyRepository:
    """Rows of `signing_keys`, newest first. An advisory lock serializes changes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self) -> None:
        """Wait for concurrent rotations. Holds the lock until the transaction ends."""
        self._session.execute(select(func.pg_advisory_xact_lock(_LOCK)))

    def try_lock(self) -> bool:
        """Try to take the same lock. Return False if another transaction holds it."""
        return bool(self._session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))

    def all(self) -> Sequence[SigningKey]:
        """Return all keys, including withdrawn ones."""
        return self._session.scalars(
            select(SigningKey).order_by(SigningKey.activates_at.desc(), SigningKey.kid)
        ).all()

    def get(self, kid: str) -> SigningKey | None:
        """Return a key by id."""
        return self._session.get(SigningKey, kid)

    def signing(self, now: datetime) -> Sequence[SigningKey]:
        """Return current and future signing keys, latest activation first."""
        return self._session.scalars(
            select(SigningKey)
            .where(or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > now))
            .order_by(SigningKey.activates_at.desc(), SigningKey.kid)
        ).all()

    def published(self, now: datetime) -> Sequence[SigningKey]:
        """Return the keys to publish in the JWKS."""
        return self._session.scalars(
            select(SigningKey)
            .where(or_(SigningKey.withdrawn_at.is_(None), SigningKey.withdrawn_at > now))
            .order_by(SigningKey.alg, SigningKey.activates_at.desc(), SigningKey.kid)
        ).all()

    def trusted(self) -> Sequence[SigningKey]:
        """Return all keys that were never compromised, including withdrawn ones."""
        return self._session.scalars(select(SigningKey).where(SigningKey.compromised.is_(False))).all()

    def add(self, key: SigningKey) -> None:
        """Insert a key unless its id exists."""
        names = ("kid", "alg", "public_jwk", "private_jwk_sealed", "created_at", "activates_at")
        values = {name: getattr(key, name) for name in names}
        self._session.execute(insert(SigningKey).values(values).on_conflict_do_nothing())
