"""The declarative base of Identity and the tables that the libraries bring."""

from pathlib import Path

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase

from authkit.revocation import make_revocation_table
from contracts.vocabulary import Audience
from jobs.queue import JobQueue
from messaging.dead_letters import make_dead_letter_table
from messaging.inbox import make_inbox_table
from messaging.outbox import Outbox
from servicekit.db import new_metadata
from servicekit.idempotency import make_idempotency_table
from servicekit.migrations import exclude_tables

MIGRATIONS = Path(__file__).parents[2] / "migrations"
AUDIENCE = Audience.IDENTITY


class Base(DeclarativeBase):
    """All of Identity's tables."""

    metadata = new_metadata()


# Kept for processes of the release before while this one is deployed; the next one drops it.
exclude_tables(Base.metadata, ["logout_notices"])

outbox = Outbox(Base, "identity")
inbox = make_inbox_table(Base.metadata)
dead_letters = make_dead_letter_table(Base.metadata)
job_queue = JobQueue(Base.metadata)
idempotency_keys = make_idempotency_table(Base.metadata)
revocations = make_revocation_table(Base.metadata)
# Introspection looks them up; other services have them in memory.
Index("ix_revocations_sub", revocations.c.sub)
Index(
    "ix_revocations_client_id", revocations.c.client_id, postgresql_where=revocations.c.client_id.is_not(None)
)


class Revocation(Base):
    """Identity's own row of the table, written with the fact: it needs no broker to learn of itself."""

    __table__ = revocations
