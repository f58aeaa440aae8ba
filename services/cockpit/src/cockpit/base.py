"""The declarative base of Cockpit and the tables that the libraries bring."""

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase

from authkit.revocation import make_revocation_table
from contracts.vocabulary import Audience
from jobs.queue import JobQueue
from messaging.dead_letters import make_dead_letter_table
from messaging.inbox import make_inbox_table
from messaging.outbox import Outbox
from replica.models import ReplicaTables
from servicekit.db import new_metadata

MIGRATIONS = Path(__file__).parents[2] / "migrations"
AUDIENCE = Audience.COCKPIT


class Base(DeclarativeBase):
    """All of Cockpit's tables in PostgreSQL. Facts are in `cockpit.analytics`."""

    metadata = new_metadata()


outbox = Outbox(Base, "cockpit")
inbox = make_inbox_table(Base.metadata)
dead_letters = make_dead_letter_table(Base.metadata)
job_queue = JobQueue(Base.metadata)
revocations = make_revocation_table(Base.metadata)
replica_tables = ReplicaTables.of(Base.metadata)
