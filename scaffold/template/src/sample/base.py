"""The declarative base of Sample, with the tables of messaging, servicekit and authkit."""

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase

from authkit.proofs import make_proof_table
from authkit.revocation import make_revocation_table
from messaging.tables import ServiceTables
from replica.models import ReplicaTables
from servicekit.db import new_metadata

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Base(DeclarativeBase):
    """Declarative base of all Sample tables."""

    metadata = new_metadata()


tables = ServiceTables.of(Base, "sample")
outbox, job_queue = tables.outbox, tables.jobs
revocations = make_revocation_table(Base.metadata)
proofs = make_proof_table(Base.metadata)
replica_tables = ReplicaTables.of(Base.metadata)
