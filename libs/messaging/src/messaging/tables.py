"""The tables of messaging, jobs and idempotency, declared in one call."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase

from jobs.queue import JobQueue
from messaging.dead_letters import make_dead_letter_table
from messaging.inbox import make_inbox_table
from messaging.outbox import Outbox
from servicekit.idempotency import make_idempotency_table


@dataclass(frozen=True)
class ServiceTables:
    """Created once with the service's declarative base; the service's migrations create the tables."""

    outbox: Outbox
    inbox: Table
    dead_letters: Table
    jobs: JobQueue
    idempotency_keys: Table | None

    @classmethod
    def of(cls, base: type[DeclarativeBase], service: str, *, idempotency: bool = True) -> Self:
        """Declare the tables on `base`; `idempotency` is False in a service without idempotent endpoints."""
        return cls(
            Outbox(base, service),
            make_inbox_table(base.metadata),
            make_dead_letter_table(base.metadata),
            JobQueue(base.metadata),
            make_idempotency_table(base.metadata) if idempotency else None,
        )
