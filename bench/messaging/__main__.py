"""Requests to Office while it consumes a burst of events, beside requests without one.

    make bench-messaging ARGS=--quick

A table of Markdown goes to standard output, the progress to standard error; `--write` puts the table into
docs/benchmarks.md.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import uvloop
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from bench.common.http_client import Browser
from bench.common.servers import database_server, wait_for
from bench.common.statistics import Round
from bench.common.tables import machine, number, python_versions, table, write
from contracts.identity import UnitChangedV1
from messaging.envelope import Envelope
from messaging.rabbitmq import RabbitBus
from office.base import MIGRATIONS
from servicekit.clock import SystemClock
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.backends import rabbitmq
from testkit.backends.postgresql import connect
from testkit.backends.process import PrivateProcess, free_port
from testkit.postgres import create_database
from testkit.serving import Served
from testkit.tokens import TokenFactory

UNITS = 1000
CONNECTIONS = 16
PATH = "/api/v1/units?limit=20"
QUEUE = "office.directory"
PROVINCE = "370000"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench-messaging", description=__doc__)
    parser.add_argument("--events", type=int, default=2000, help="events in a burst")
    parser.add_argument("--rate", type=float, default=50, help="requests per second")
    parser.add_argument("--seconds", type=float, default=10, help="seconds of a round without a burst")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, help="events of a queue at once; default: Office's own")
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.events, given.seconds, given.rounds = min(given.events, 200), 2.0, 1
    return given


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


@dataclass
class Office:
    """The service under test, its database, its bus and a caller's token."""

    port: int
    database: str
    bus: RabbitBus
    authorization: str
    units: list[UUID]
    version: int = 0

    async def burst(self, events: int) -> int:
        """Publish changes of units, of which one in twenty is invalid; return the number of valid ones."""
        fine = 0
        for first in range(0, events, UNITS):
            self.version += 1
            envelopes = [self._envelope(n) for n in range(min(UNITS, events - first))]
            fine += sum(1 for n in range(len(envelopes)) if n % 20 != 19)
            assert await self.bus.publish(envelopes) == [None] * len(envelopes)
        return fine

    async def handled(self) -> int:
        """Return the number of processed events."""
        connection = await connect(self.database)
        try:
            query = "SELECT count(*) FROM inbox WHERE queue = $1"
            return int(await connection.fetchval(query, QUEUE))
        finally:
            await connection.close()

    def _envelope(self, number: int) -> Envelope:
        code = f"{number:06}"
        event = UnitChangedV1(
            unit_id=self.units[number],
            code=code,
            name=f"第{number}号学生资助管理中心",
            short_name=f"第{number}号",
            level="county",
            kind="student_aid",
            stages=[],
            region_code=PROVINCE,
            parent_id=None,
            # PostgreSQL rejects the path of one in twenty.
            path=f"100000.{PROVINCE}.{code}" if number % 20 != 19 else f"100000..{code}",
            status="active",
            version=self.version,
        )
        return Envelope(
            id=new_id(),
            source="/zhuxue/bench",
            type=event.type,
            subject=code,
            time=SystemClock().now(),
            data=event.model_dump(mode="json"),
        )


@contextlib.asynccontextmanager
async def office(given: argparse.Namespace, server: str, broker: str, log: Path) -> AsyncIterator[Office]:
    """Start a process of Office, with an issuer that only publishes keys."""
    identity, port = Served(), free_port()
    tokens = TokenFactory(issuer=identity.url)
    units = [uuid4() for _ in range(UNITS)]
    namespace = f"bench{secrets.token_hex(4)}"
    database = await create_database(server, "office")
    await upgrade(MIGRATIONS, database)
    values = {
        "PORT": str(port),
        "ISSUER": identity.url,
        "IDENTITY_URL": identity.url,
        "CLIENT_ID": "office",
        "CLIENT_SECRET": secrets.token_hex(20),
        "DATABASE_URL": database,
        "RABBITMQ_URL": broker,
        "EVENT_NAMESPACE": namespace,
        "LOG_LEVEL": "ERROR",
    }
    if given.concurrency is not None:
        values["CONSUMER_CONCURRENCY"] = str(given.concurrency)
    environment = {f"ZHUXUE_OFFICE_{name}": value for name, value in values.items()}
    process = PrivateProcess(
        [sys.executable, "-m", "office", "serve"], log=log, directories=[], env={**os.environ, **environment}
    )
    bus = RabbitBus(broker, namespace)
    try:
        async with identity.running(_issuer(tokens)):
            await asyncio.to_thread(wait_for, f"http://127.0.0.1:{port}/readyz", process)
            await bus.start()
            token = tokens.access_token(
                unit=str(units[0]), unit_path=f"100000.{PROVINCE}", scope="office", exp=2**33
            )
            found = Office(port, database, bus, f"Authorization: Bearer {token}\r\n", units)
            fine = await found.burst(UNITS)
            await _until(found, fine)
            await _check(found)
            yield found
    finally:
        await bus.close()
        process.stop()
        identity.close()


async def _check(office: Office) -> None:
    browser = Browser("127.0.0.1", office.port)
    answer = await browser.get(PATH, office.authorization)
    browser.close()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.body[:500]!r}")


def _issuer(tokens: TokenFactory) -> FastAPI:
    app = FastAPI()

    @app.get("/jwks")
    async def jwks() -> JSONResponse:
        return JSONResponse(tokens.jwks())

    return app


async def _until(office: Office, handled: int) -> None:
    while await office.handled() < handled:  # noqa: ASYNC110 - another process handles them
        await asyncio.sleep(0.1)


async def requests(office: Office, rate: float, while_: Callable[[], bool]) -> tuple[Round, int]:
    """Send requests at a constant rate while `while_` is true; return the round and the number of failures.

    Each is timed from when it was due, so that a stalled server makes every later one slower too.
    """
    due: asyncio.Queue[float] = asyncio.Queue()
    durations: list[float] = []
    failed = 0

    async def work() -> None:
        nonlocal failed
        browser = Browser("127.0.0.1", office.port)
        try:
            while True:
                since = await due.get()
                try:
                    answer = await browser.get(PATH, office.authorization)
                    failed += answer.status != 200
                except OSError:
                    failed += 1
                durations.append(time.perf_counter() - since)
                due.task_done()
        finally:
            browser.close()

    workers = [asyncio.create_task(work()) for _ in range(CONNECTIONS)]
    began, made = time.perf_counter(), 0
    try:
        while while_():
            await asyncio.sleep(max(0.0, began + made / rate - time.perf_counter()))
            due.put_nowait(began + made / rate)
            made += 1
        await due.join()
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return Round.of(durations, time.perf_counter() - began), failed


@dataclass
class Result:
    """The rounds of one kind; `events` per second if there was a burst."""

    name: str
    rounds: list[Round]
    failed: int = 0
    events: float | None = None

    @property
    def p99(self) -> float:
        """Return the p99 of the median round."""
        return statistics.median(one.p99 for one in self.rounds)

    def row(self) -> list[str]:
        """Return the row of the table."""
        middle = [statistics.median(getattr(one, name) for one in self.rounds) for name in ("rate", "p50")]
        return [
            self.name,
            number(middle[0]),
            f"{middle[1]:.1f}",
            f"{self.p99:.1f}",
            str(self.failed),
            "" if self.events is None else number(self.events),
        ]


async def quiet(office: Office, given: argparse.Namespace) -> tuple[Round, int, float]:
    """Send requests without events."""
    until = time.perf_counter() + given.seconds
    round_, failed = await requests(office, given.rate, lambda: time.perf_counter() < until)
    return round_, failed, 0.0


async def burst(office: Office, given: argparse.Namespace) -> tuple[Round, int, float]:
    """Send requests from the publication of a burst until all valid events are processed."""
    before = await office.handled()
    began = time.perf_counter()
    fine = await office.burst(given.events)
    waiting = asyncio.create_task(_until(office, before + fine))
    round_, failed = await requests(office, given.rate, lambda: not waiting.done())
    await waiting
    return round_, failed, fine / (time.perf_counter() - began)


KINDS: dict[str, Callable[[Office, argparse.Namespace], Awaitable[tuple[Round, int, float]]]] = {
    "no events": quiet,
    "during a burst": burst,
}


async def main(given: argparse.Namespace, log: Path) -> None:
    """Start all servers, measure, print the results."""
    results = {name: Result(name, []) for name in KINDS}
    speeds: list[float] = []
    broker = rabbitmq.start()
    try:
        with database_server() as server:
            async with office(given, server, broker.url, log) as service:
                for _ in range(given.rounds):
                    for name, kind in KINDS.items():
                        round_, failed, speed = await kind(service, given)
                        results[name].rounds.append(round_)
                        results[name].failed += failed
                        if speed:
                            speeds.append(speed)
                        say(f"{name:<15} p50 {round_.p50:.1f} ms, p99 {round_.p99:.1f} ms, {failed} failed")
    finally:
        broker.stop()
    results["during a burst"].events = statistics.median(speeds)
    text = markdown(given, list(results.values()))
    sys.stdout.write(text + "\n")
    if given.write:
        write("messaging", text)


def markdown(given: argparse.Namespace, results: list[Result]) -> str:
    """Return the table and the environment of the measurement."""
    words = " ".join(sys.argv[1:])
    command = f"make bench-messaging ARGS={shlex.quote(words)}" if words else "make bench-messaging"
    versions = ", ".join(python_versions("uvicorn", "sqlalchemy", "aio-pika"))
    load = f"{given.rate:.0f} requests a second, bursts of {given.events:,} events"
    quiet_, burst_ = results
    lines = [
        f"`{command}`: {machine()}; {versions}.",
        f"{load}; medians of {given.rounds} rounds of each kind.",
        "",
        *table(
            ["", "requests per second", "p50 (ms)", "p99 (ms)", "failed", "events per second"],
            [result.row() for result in results],
        ),
        "",
        f"p99 during a burst is {burst_.p99 / quiet_.p99:.1f} times p99 without (target: at most 2).",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    logs = Path(tempfile.mkdtemp(prefix="zhuxue-bench-"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(main(arguments(), logs / "office.log"))
        except Exception:
            say(f"the service's log is in {logs}")
            raise
    shutil.rmtree(logs, ignore_errors=True)
