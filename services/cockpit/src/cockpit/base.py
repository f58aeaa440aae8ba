"""The declarative base of Cockpit, with the tables of the libraries."""

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase

from authkit.proofs import make_proof_table
from authkit.revocation import make_revocation_table
from contracts.vocabulary import Audience
from messaging.tables import ServiceTables
from replica.models import ReplicaTables
from servicekit.db import new_metadata

MIGRATIONS = Path(__file__).parents[2] / "migrations"
AUDIENCE = Audience.COCKPIT


class Base(DeclarativeBase):
    """Declarative base of Cockpit's PostgreSQL tables. Facts are in `cockpit.analytics`."""

    metadata = new_metadata()


tables = ServiceTables.of(Base, "cockpit", idempotency=False)
outbox, job_queue = tables.outbox, tables.jobs
revocations = make_revocation_table(Base.metadata)
proofs = make_proof_table(Base.metadata)
replica_tables = ReplicaTables.of(Base.metadata)
