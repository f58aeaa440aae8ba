"""Wait until everything that was begun has come to its end, after the last fault."""

import asyncio
import time
from typing import Any, Final

from bench.chaos.system import Stack
from onebox.services import NAMES
from testkit.backends.postgresql import connect

# Longer than a worker's last heartbeat lasts, and than the retries of jobs and events take.
SETTLE_SECONDS: Final = 240.0
_LOOK_SECONDS: Final = 0.5
_OPEN: Final = {
    "events in the outbox": "SELECT count(*) FROM outbox",
    "jobs": "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
    " AND kind NOT IN (SELECT name FROM periodic_tasks)",
}
_OF_SERVICE: Final = {
    "office": {
        "runs of reminders": "SELECT count(*) FROM reminder_runs WHERE finished_at IS NULL",
        "exports": "SELECT count(*) FROM exports WHERE status = 'running'",
    },
    "identity": {"text messages": "SELECT count(*) FROM sms_messages WHERE sealed IS NOT NULL"},
    "cockpit": {"batches": "SELECT count(*) FROM batches WHERE status = 'receiving'"},
}


class Databases:
    """Queries to the databases of the services and of the witness."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def rows(self, service: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        connection = await connect(self._stack.database(service))
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    async def number(self, service: str, query: str) -> int:
        """Return the only value of a query."""
        [(value,)] = await self.rows(service, query)
        return int(value or 0)

    async def open(self) -> dict[str, int]:
        """Return how much has not come to its end, by what it is."""
        found = {}
        for service in NAMES:
            for what, query in (_OPEN | _OF_SERVICE[service]).items():
                if number := await self.number(service, query):
                    found[f"{what} of {service}"] = number
        return found

    async def unheard(self) -> int:
        """Return how many events the queues still hold: those that a service handles and has not handled."""
        events = await self.rows("witness", "SELECT id, type FROM events")
        return sum(len(missing) for _, missing in await self._missing(events))

    async def missing(self) -> list[tuple[str, list[str]]]:
        """Return, by queue, the events that the queue should have handled and has not."""
        events = await self.rows("witness", "SELECT id, type FROM events")
        return [(queue, found) for queue, found in await self._missing(events) if found]

    async def _missing(self, events: list[tuple[Any, ...]]) -> list[tuple[str, list[str]]]:
        """A queue handles all events of each type of which it has handled one."""
        types = dict(events)
        found = []
        for service in NAMES:
            handled: dict[str, set[Any]] = {}
            for queue, event in await self.rows(service, "SELECT queue, event_id FROM inbox"):
                handled.setdefault(queue, set()).add(event)
            for queue, ids in handled.items():
                taken = {types[event] for event in ids if event in types}
                found.append((queue, [f"{t} {e}" for e, t in types.items() if t in taken and e not in ids]))
        return found


async def settled(databases: Databases) -> float:
    """Wait until nothing is open and nothing more happens; return the seconds that it took."""
    began, before, quiet = time.monotonic(), -1, 0
    while time.monotonic() < began + SETTLE_SECONDS:
        left, unheard = await databases.open(), await databases.unheard()
        events = await databases.number("witness", "SELECT count(*) FROM events")
        quiet = quiet + 1 if not left and not unheard and events == before else 0
        if quiet == 3:
            return time.monotonic() - began
        before = events
        await asyncio.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"after {SETTLE_SECONDS:.0f} s there are still: {left}, {unheard} events not handled")
