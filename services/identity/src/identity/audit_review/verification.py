"""Verification of the audit log against its seals."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from identity.audit.models import AuditSeal
from identity.audit_review.repository import AuditReader
from identity.audit_review.rules import OVERDUE, Chain, month_of
from identity.audit_review.sealing import signed_by_us
from identity.keys.ring import KeyRing
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import first_id, instant_of

_SEALS = 200


@dataclass(frozen=True)
class Finding:
    """What is wrong; `number` names the batch, None if it concerns none."""

    number: int | None
    what: str


@dataclass
class Summary:
    """What was verified."""

    seals: int = 0
    rows: int = 0
    archived: int = 0
    """Seals whose rows have been dropped, after their months were kept long enough."""
    unsealed: int = 0
    """Rows that are too young to be sealed."""
    last: AuditSeal | None = field(default=None, repr=False)


class Verifier:
    """Reads all seals and rows once, in order, a few thousand rows at a time."""

    def __init__(self, database: Database, ring: KeyRing, clock: Clock) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self.summary = Summary()

    async def findings(self, since: datetime | None = None) -> AsyncIterator[Finding]:
        """Yield what is wrong, in the order of batches. Rows before `since` are not read, their seals are."""
        async with self._database.transaction() as session:
            reader = AuditReader(session)
            keys = await session.run_sync(self._ring.own)
            kept = _first_kept(await reader.partitions())
            dropped = await reader.dropped()
            previous: AuditSeal | None = None
            expected: set[str] = set()
            while seals := await reader.seals(0 if previous is None else previous.number, _SEALS):
                for seal in seals:
                    for what in _link(seal, previous, keys):
                        yield Finding(seal.number, what)
                    previous = seal
                    self.summary.seals += 1
                    month = f"{instant_of(_last_id(seal)):%Y%m}"
                    if kept is not None and month < kept:
                        self.summary.archived += 1
                        if month not in dropped and month not in expected:
                            expected.add(month)
                            yield Finding(seal.number, f"the rows of {month} are gone without a record")
                    elif since is None or seal.until_id > first_id(since):
                        async for what in self._rows(reader, seal):
                            yield Finding(seal.number, what)
                session.expunge_all()
            self.summary.last = previous
            async for finding in self._outside(reader, previous):
                yield finding

    async def _rows(self, reader: AuditReader, seal: AuditSeal) -> AsyncIterator[str]:
        chain = Chain(seal.previous_digest, seal.from_id, seal.until_id)
        async for row in reader.rows(seal.from_id, seal.until_id):
            chain.add(row._mapping)
        self.summary.rows += chain.rows
        if chain.rows < seal.rows:
            yield f"{seal.rows - chain.rows} rows are missing"
        elif chain.rows > seal.rows:
            yield f"{chain.rows - seal.rows} rows were added after the seal"
        elif chain.digest() != seal.digest:
            yield "rows were changed"

    async def _outside(self, reader: AuditReader, last: AuditSeal | None) -> AsyncIterator[Finding]:
        overdue = first_id(self._clock.now() - OVERDUE)
        if last is not None:
            (first,) = await reader.seals(0, 1)
            if await reader.any_before(first.from_id):
                yield Finding(first.number, "rows were added before the first seal")
        begin = UUID(int=0) if last is None else last.until_id
        unsealed = await reader.first_from(begin)
        if unsealed is not None and unsealed < overdue:
            yield Finding(None, f"rows from {instant_of(unsealed):%Y-%m-%dT%H:%M:%SZ} on have no seal")
        self.summary.unsealed = await reader.count(begin)


def _link(seal: AuditSeal, previous: AuditSeal | None, keys: dict[str, Any]) -> list[str]:
    """Return what is wrong with a seal itself and with its place in the chain."""
    found = []
    number = 0 if previous is None else previous.number
    if seal.number != number + 1:
        found.append(f"the seals {number + 1} to {seal.number - 1} are missing")
    elif previous is not None and (seal.from_id, seal.previous_digest) != (
        previous.until_id,
        previous.digest,
    ):
        found.append("the seal does not continue the one before")
    if not signed_by_us(seal, keys):
        found.append("the seal is not signed by a key of this issuer")
    return found


def _last_id(seal: AuditSeal) -> UUID:
    return UUID(int=seal.until_id.int - (1 << 80))


def _first_kept(partitions: list[str]) -> str | None:
    months = sorted(month for name in partitions if (month := month_of(name)) is not None)
    return months[0] if months else None
