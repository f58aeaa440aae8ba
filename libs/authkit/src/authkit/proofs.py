"""DPoP proofs that were accepted, so that none is accepted twice (RFC 9449 §11.1).

Each process remembers its own. All processes of a service share a table besides, in which a proof is written
once: a proof that was sent to one process is refused by the others, too. The table is not logged, because
proofs are good for a minute and a half: writing one waits for no disk, and a crash of PostgreSQL forgets
them. When the database is out, a call with a proof is 503, like all others.
"""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, bindparam
from sqlalchemy.dialects.postgresql import insert

from authkit.dpop import PAST_SECONDS, Proof
from servicekit.db import Database
from servicekit.lanes import Statement
from servicekit.pruning import delete_in_batches


def make_proof_table(metadata: MetaData) -> Table:
    """Declare the table in the metadata of a service."""
    return Table(
        "seen_proofs",
        metadata,
        Column("digest", LargeBinary, primary_key=True),
        Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
        prefixes=["UNLOGGED"],
    )


class SeenProofs:
    """The proofs that this process has accepted, kept until they expire."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}
        self._sweep_at = 0.0

    async def first(self, proof: Proof, now: float) -> bool:
        """Record a proof; return False if it was recorded before. `now` is in Unix seconds."""
        if now >= self._sweep_at:
            self._seen = {key: until for key, until in self._seen.items() if until >= now}
            self._sweep_at = now + PAST_SECONDS
        key = (proof.jkt, proof.jti)
        if key in self._seen:
            return False
        self._seen[key] = proof.good_until
        return True

    def forget(self, proof: Proof) -> None:
        """Drop a proof that was not accepted after all."""
        self._seen.pop((proof.jkt, proof.jti), None)


class SharedProofs:
    """The proofs that all processes of a service have accepted."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table
        self._own = SeenProofs()
        inserted = insert(table).values(digest=bindparam("digest"), expires_at=bindparam("until"))
        self._once = Statement(inserted.on_conflict_do_nothing().returning(table.c.digest))

    async def first(self, proof: Proof, now: float) -> bool:
        """Record a proof; return False if any process has recorded it. Raises `DatabaseBusy`."""
        if not await self._own.first(proof, now):
            return False
        # No thumbprint contains a space.
        digest = hashlib.sha256(f"{proof.jkt} {proof.jti}".encode()).digest()
        until = datetime.fromtimestamp(proof.good_until, UTC)
        try:
            async with self._database.lanes.single() as lane:
                return await lane.first(self._once, {"digest": digest, "until": until}) is not None
        except BaseException:
            # It was not accepted: the same request may come again.
            self._own.forget(proof)
            raise

    async def forget(self) -> None:
        """Delete the proofs that have expired."""
        expired = self._table.c.expires_at < datetime.now(UTC)
        await delete_in_batches(self._database, self._table, expired)
