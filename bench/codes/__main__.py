"""Do requests for codes take the same time for numbers with an account and for those without?

    make bench-codes ARGS=--quick

Identity runs in this process on a durable PostgreSQL with world S. Requests for known and for unknown
numbers alternate, each from a browser and an address of its own. Beside the medians stands how often a
request for a known number takes longer than the one for an unknown number next to it: 50 % if nobody can tell
them apart.
`--write` puts the table into docs/benchmarks.md.
"""

import argparse
import asyncio
import itertools
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from bench.common.servers import database_server
from bench.common.statistics import percentile
from bench.common.tables import machine, python_versions, table, write
from identity import bootstrap
from identity.app import build
from identity.base import MIGRATIONS
from identity.policies.rules import REQUIRED
from identity.settings import Settings
from messaging.inprocess import InProcessBus
from servicekit import logs
from servicekit.clock import SystemClock
from servicekit.migrations import upgrade
from testkit.postgres import create_database

CLOCK = SystemClock()
WRONG = "000000"
Ask = Callable[[httpx.AsyncClient, str], Awaitable[float]]


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one kind of request, in pairs."""

    name: str
    known: Sequence[float]
    unknown: Sequence[float]

    def longer(self) -> float:
        """Return the share of pairs in which the known number took longer."""
        pairs = list(zip(self.known, self.unknown, strict=True))
        return sum(known > unknown for known, unknown in pairs) / len(pairs)

    def chance(self) -> float:
        """Return how far from one half the share is in 95 of 100 runs if there is no difference."""
        return 1.96 * math.sqrt(0.25 / len(self.known))


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench-codes", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000, help="pairs of requests of each kind (1000)")
    parser.add_argument("--quick", action="store_true", help="100 pairs")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.pairs = 100
    return given


async def sent(http: httpx.AsyncClient, path: str, body: dict[str, Any], status: int) -> float:
    """Send a request. Return milliseconds. Raises RuntimeError for an unexpected status."""
    began = time.perf_counter()
    answer = await http.post(f"/api/v1{path}", json=body)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != status:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
    return took


def code_for(purpose: str) -> Ask:
    """Return a request for a code."""

    async def ask(http: httpx.AsyncClient, phone: str) -> float:
        return await sent(http, "/sms-codes", {"phone": phone, "purpose": purpose}, 202)

    return ask


async def wrong_code(http: httpx.AsyncClient, phone: str) -> float:
    """Register with a wrong code."""
    asked = await http.post("/api/v1/sms-codes", json={"phone": phone, "purpose": "register"})
    kinds = [kind.value for kind in REQUIRED]
    agreed = {kind: (await http.get(f"/api/v1/policies/{kind}")).json()["version"] for kind in kinds}
    body = {
        "phone": phone,
        "ticket": asked.json()["ticket"],
        "code": WRONG,
        "name": "王小明",
        "agreed": agreed,
    }
    return await sent(http, "/accounts", body, 400)


async def challenge(http: httpx.AsyncClient, phone: str) -> float:
    """Ask what to send from the phone."""
    return await sent(http, "/text-challenges", {"phone": phone, "purpose": "sign_in"}, 201)


KINDS: dict[str, Ask] = {
    "code for signing in": code_for("sign_in"),
    "code for registering": code_for("register"),
    "code for recovering": code_for("recover"),
    "registering with a wrong code": wrong_code,
    "text challenge": challenge,
}


async def measure(server: str, pairs: int) -> list[Measured]:
    """Fill a database and measure each kind."""
    url = await create_database(server, "bench_codes")
    await upgrade(MIGRATIONS, url)
    many = 10_000_000
    settings = Settings(
        mode="dev",
        database_url=url,
        issuer="http://bench",
        encryption_key="e1" * 32,
        index_key="1d" * 32,
        log_level="ERROR",
        run_jobs=False,
        sms_budget_per_number=many,
        sms_budget_per_number_and_address=many,
        sms_budget_total=many,
        sms_inbound_number="106900001234",
        sms_inbound_secret="1b" * 32,
    )
    app = build(settings, InProcessBus(), CLOCK)
    world = bootstrap.world("s", dev=True)
    try:
        async with app.state.database.transaction() as session:
            await bootstrap.load_world(session, CLOCK, app.state.vault, settings, world)
        known = itertools.cycle([person.phone for person in world.people])
        unknown = (f"138{number:08d}" for number in itertools.count())
        return [await _pairs(app, name, ask, pairs, (known, unknown)) for name, ask in KINDS.items()]
    finally:
        await app.state.database.close()


async def _pairs(app: FastAPI, name: str, ask: Ask, pairs: int, phones: Any) -> Measured:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(-20, pairs):
        # First one, then the other, so that neither always follows.
        for which in (0, 1) if number % 2 else (1, 0):
            address = f"2001:db8:{number & 0xFFFF:x}:{which}::1"
            transport = httpx.ASGITransport(app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://bench") as http:
                took = await ask(http, next(phones[which]))
            if number >= 0:
                taken[which].append(took)
    found = Measured(name, *taken)
    sys.stderr.write(f"{name}: {found.longer():.1%}\n")
    return found


def markdown(found: Sequence[Measured]) -> str:
    """Return the result as a section of a document."""
    versions = ", ".join(python_versions("fastapi", "sqlalchemy"))
    rows = [
        (
            one.name,
            f"{percentile(one.known, 0.5):.2f}",
            f"{percentile(one.unknown, 0.5):.2f}",
            f"{one.longer():.1%}",
        )
        for one in found
    ]
    heading = ["request", "known number p50 (ms)", "unknown number p50 (ms)", "known took longer"]
    chance = found[0].chance()
    what = f"{len(found[0].known):,} pairs of each kind; {machine()}; {versions}."
    last = f"Without a difference, 95 of 100 runs are between {0.5 - chance:.1%} and {0.5 + chance:.1%}."
    return "\n".join([what, "", *table(heading, rows), "", last])


def main() -> None:
    """Measure and print the results."""
    given = arguments()
    logs.configure(json=True, level="ERROR")
    with database_server() as server:
        result = markdown(asyncio.run(measure(server, given.pairs)))
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("codes", result)


if __name__ == "__main__":
    main()
