"""The declarative base of Identity and the tables that the libraries bring."""

from pathlib import Path

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase

from authkit.revocation import make_revocation_table
from contracts.vocabulary import Audience
from messaging.tables import ServiceTables
from servicekit.db import new_metadata
from servicekit.migrations import exclude_tables

MIGRATIONS = Path(__file__).parents[2] / "migrations"
AUDIENCE = Audience.IDENTITY


class Base(DeclarativeBase):
    """All of Identity's tables."""

    metadata = new_metadata()


# Kept for processes of the release before while this one is deployed; the next one drops it.
exclude_tables(Base.metadata, ["logout_notices"])

tables = ServiceTables.of(Base, "identity")
outbox, job_queue = tables.outbox, tables.jobs
revocations = make_revocation_table(Base.metadata)
# Introspection looks them up; other services have them in memory.
Index("ix_revocations_sub", revocations.c.sub)
Index(
    "ix_revocations_client_id", revocations.c.client_id, postgresql_where=revocations.c.client_id.is_not(None)
)


class Revocation(Base):
    """Identity's own row of the table, written with the fact: it needs no broker to learn of itself."""

    __table__ = revocations
