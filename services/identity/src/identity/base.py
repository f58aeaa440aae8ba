"""Declarative base of Identity and the tables provided by libraries."""

from pathlib import Path

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase

from authkit.proofs import make_proof_table
from authkit.revocation import make_revocation_table
from contracts.vocabulary import Audience
from messaging.tables import ServiceTables
from servicekit.db import new_metadata
from servicekit.migrations import exclude_tables

MIGRATIONS = Path(__file__).parents[2] / "migrations"
AUDIENCE = Audience.IDENTITY


class Base(DeclarativeBase):
    """Base class of all tables of Identity."""

    metadata = new_metadata()


# Kept for running processes of the previous release during deployment; the next release drops it.
exclude_tables(Base.metadata, ["logout_notices"])

tables = ServiceTables.of(Base, "identity")
outbox, job_queue = tables.outbox, tables.jobs
revocations = make_revocation_table(Base.metadata)
proofs = make_proof_table(Base.metadata)
# Read by introspection; other services keep revocations in memory.
Index("ix_revocations_sub", revocations.c.sub)
Index(
    "ix_revocations_client_id", revocations.c.client_id, postgresql_where=revocations.c.client_id.is_not(None)
)
Index(
    "ix_revocations_unit_path", revocations.c.unit_path, postgresql_where=revocations.c.unit_path.is_not(None)
)


class Revocation(Base):
    """Insert Identity's own row together with the event, so that Identity does not depend on the broker."""

    __table__ = revocations
