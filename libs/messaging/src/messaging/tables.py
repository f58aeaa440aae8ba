"""The tables that messaging, jobs and idempotency bring to a service, declared in one call."""

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
    """Made once beside the service's declarative base; its migrations create them."""

    outbox: Outbox
    inbox: Table
    dead_letters: Table
    jobs: JobQueue
    idempotency_keys: Table | None

    @classmethod
    def of(cls, base: type[DeclarativeBase], service: str, *, idempotency: bool = True) -> Self:
        """Declare them on `base`; `idempotency` is False in a service without idempotent endpoints."""
        return cls(
            Outbox(base, service),
            make_inbox_table(base.metadata),
            make_dead_letter_table(base.metadata),
            JobQueue(base.metadata),
            make_idempotency_table(base.metadata) if idempotency else None,
        )
