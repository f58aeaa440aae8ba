"""The declarative base of Sample and the tables that messaging, servicekit and authkit put on it."""

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase

from authkit.revocation import make_revocation_table
from jobs.queue import JobQueue
from messaging.dead_letters import make_dead_letter_table
from messaging.inbox import make_inbox_table
from messaging.outbox import Outbox
from replica.models import ReplicaTables
from servicekit.db import new_metadata
from servicekit.idempotency import make_idempotency_table

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Base(DeclarativeBase):
    """Every table of Sample."""

    metadata = new_metadata()


outbox = Outbox(Base, "sample")
inbox = make_inbox_table(Base.metadata)
dead_letters = make_dead_letter_table(Base.metadata)
job_queue = JobQueue(Base.metadata)
idempotency_keys = make_idempotency_table(Base.metadata)
revocations = make_revocation_table(Base.metadata)
replica_tables = ReplicaTables.of(Base.metadata)
