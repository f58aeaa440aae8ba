"""Seals of the audit log: each window of time becomes a batch with a digest that includes the one before."""

from datetime import datetime
from typing import Any
from uuid import UUID

from joserfc import jws
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.models import AuditSeal
from identity.audit_review.repository import AuditReader
from identity.audit_review.rules import GRACE, LONGEST_TRANSACTION, Chain, statement, window_of
from identity.keys.ring import KeyRing
from servicekit.clock import Clock
from servicekit.ids import first_id, instant_of

_TYPE = "audit-seal"


class Sealer:
    """Seals within one transaction."""

    def __init__(self, session: AsyncSession, ring: KeyRing, clock: Clock) -> None:
        self._session = session
        self._ring = ring
        self._clock = clock
        self._rows = AuditReader(session)

    async def next_seal(self) -> AuditSeal | None:
        """Seal the next window that has rows, if it is due and nobody else seals; None otherwise.

        Raises `NoSigningKey`.
        """
        if not await self._rows.try_lock():
            return None
        last = await self._rows.last_seal()
        first = await self._rows.first_from(UUID(int=0) if last is None else last.until_id)
        if first is None:
            return None
        start, end = window_of(instant_of(first))
        if end > await self._ended():
            return None
        until_id = first_id(end)
        from_id = first_id(start) if last is None else last.until_id
        previous = None if last is None else last.digest
        chain = Chain(previous, from_id, until_id)
        async for row in self._rows.rows(from_id, until_id):
            chain.add(row._mapping)
        seal = AuditSeal(
            number=1 if last is None else last.number + 1,
            from_id=from_id,
            until_id=until_id,
            rows=chain.rows,
            digest=chain.digest(),
            previous_digest=previous,
            sealed_at=self._clock.now(),
        )
        seal.signature = await self._sign(columns_of(seal))
        self._rows.add(seal)
        return seal

    async def _ended(self) -> datetime:
        """Return the time before which no transaction writes any more."""
        now = self._clock.now()
        oldest = await self._rows.oldest_transaction()
        latest = now - GRACE
        if oldest is None or oldest < now - LONGEST_TRANSACTION:
            return latest
        return min(latest, oldest)

    async def _sign(self, seal: dict[str, Any]) -> str:
        key = await self._session.run_sync(lambda sync: self._ring.active(sync))
        header = {"alg": "ES256", "kid": key.kid, "typ": _TYPE}
        return jws.serialize_compact(header, statement(seal), key)


def columns_of(seal: AuditSeal) -> dict[str, Any]:
    """Return the columns of a seal."""
    return {column.name: getattr(seal, column.name) for column in AuditSeal.__table__.columns}


def signed_by_us(seal: AuditSeal, keys: dict[str, Any]) -> bool:
    """Return whether one of the issuer's keys has signed exactly this seal."""
    if seal.signature is None:
        return False
    try:
        parsed = jws.extract_compact(seal.signature.encode())
        header = parsed.headers()
        key = keys.get(str(header.get("kid")))
        if key is None or header.get("typ") != _TYPE:
            return False
        found = jws.deserialize_compact(seal.signature, key, algorithms=["ES256"])
    except Exception:
        return False
    return found.payload == statement(columns_of(seal))
