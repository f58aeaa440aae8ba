"""How long a rebuild of Office's replica takes, and how much memory its worker needs.

    make bench-replica ARGS=--quick

A process that generates pages stands in for Identity. A table of Markdown goes to standard output, the
progress to standard error; `--write` puts the table into docs/benchmarks.md.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.common.servers import database_server, memory, wait_for
from bench.common.tables import machine, number, python_versions, table, write
from jobs.kinds import State
from jobs.queue import JobQueue
from office.base import MIGRATIONS, job_queue
from replica.rebuild import REBUILD, Rebuild
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.backends.postgresql import connect
from testkit.backends.process import PrivateProcess, free_port
from testkit.postgres import create_database

ROOT = Path(__file__).parents[2]
ROUNDS = (
    ("into an empty replica", None),
    ("again, nothing has changed", None),
    ("again, every tenth has changed", 0.1),
)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench-replica", description=__doc__)
    parser.add_argument("--units", type=int, default=600_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 units and 30,000 people")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    given = parser.parse_args()
    if given.quick:
        given.units, given.people = 20_000, 30_000
    return given


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")


@dataclass(frozen=True)
class Measured:
    """The measurements of one rebuild; memory in MiB."""

    reading: float
    swapping: float
    before: int
    peak: int

    @property
    def total(self) -> float:
        """Return the total duration in seconds."""
        return self.reading + self.swapping


async def rebuild(
    database: Database, queue: JobQueue, given: argparse.Namespace, worker: PrivateProcess
) -> Measured:
    """Enqueue a rebuild and observe it."""
    before = peak = memory(worker.pid)
    began, read = time.monotonic(), None
    async with database.transaction() as session:
        payload = Rebuild(units=given.units, people=given.people)
        enqueued = await queue.enqueue(session, REBUILD, payload)
    said = began
    while True:
        await asyncio.sleep(0.2)
        peak = max(peak, memory(worker.pid))
        async with database.transaction() as session:
            job = await queue.get(session, enqueued.id)
        assert job is not None
        now = time.monotonic()
        if read is None and job.done == job.total:
            read = now
        if now - said > 10:
            say(f"  {now - began:.0f} s: {job.done:,} of {job.total or 0:,}, {peak} MiB")
            said = now
        if job.state == State.SUCCEEDED:
            read = read or now
            return Measured(read - began, now - read, before, peak)
        if job.state == State.DEAD or job.error is not None:
            raise RuntimeError(job.error)


def environment(database: str, port: int, identity: str) -> dict[str, str]:
    """Return the settings of Office."""
    values = {
        "MODE": "dev",
        "PORT": str(port),
        "ISSUER": identity,
        "IDENTITY_URL": identity,
        "CLIENT_ID": "office",
        "CLIENT_SECRET": "bench",
        "DATABASE_URL": database,
        "LOG_LEVEL": "ERROR",
    }
    return {**os.environ, **{f"ZHUXUE_OFFICE_{name}": value for name, value in values.items()}}


async def measure(given: argparse.Namespace, server: str, logs: Path) -> list[tuple[str, Measured]]:
    """Run all rounds on one database."""
    url = await create_database(server, "office")
    await upgrade(MIGRATIONS, url)
    # Otherwise, the worker would start a rebuild by itself.
    connection = await connect(url)
    await connection.execute("INSERT INTO replica_snapshots (id, units) VALUES (gen_random_uuid(), 0)")
    await connection.close()
    identity_port, port = free_port(), free_port()
    identity = f"http://127.0.0.1:{identity_port}"
    made_up = ["-m", "bench.replica.snapshot_server", *map(str, (identity_port, given.units, given.people))]
    snapshot = PrivateProcess(
        [sys.executable, *made_up],
        log=logs / "identity.log",
        directories=[],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    worker = PrivateProcess(
        [sys.executable, "-m", "office", "work"],
        log=logs / "office.log",
        directories=[],
        env=environment(url, port, identity),
    )
    database = Database(url, plans="force_custom_plan", pool_size=1)
    measured: list[tuple[str, Measured]] = []
    try:
        wait_for(f"{identity}/docs", snapshot)
        wait_for(f"http://127.0.0.1:{port}/readyz", worker)
        for name, share in ROUNDS:
            if share is not None:
                async with httpx.AsyncClient() as client:
                    (await client.post(f"{identity}/version", params={"share": share})).raise_for_status()
            say(name)
            result = await rebuild(database, job_queue, given, worker)
            say(f"  read in {result.reading:.1f} s, swapped in {result.swapping:.1f} s, {result.peak} MiB")
            measured.append((name, result))
    finally:
        await database.close()
        worker.stop()
        snapshot.stop()
    return measured


def markdown(given: argparse.Namespace, measured: list[tuple[str, Measured]]) -> str:
    """Return the result as a section of a document."""
    versions = ", ".join(python_versions("asyncpg", "pgqueuer", "sqlalchemy"))
    lines = [
        f"{given.units:,} units and {given.people:,} people; {machine()}; {versions}.",
        "",
        *table(
            [
                "rebuild",
                "reading (s)",
                "swapping (s)",
                "total (s)",
                "rows per second",
                "worker's memory before, peak (MiB)",
            ],
            [
                (
                    name,
                    f"{one.reading:.1f}",
                    f"{one.swapping:.1f}",
                    f"{one.total:.1f}",
                    number((given.units + given.people) / one.total),
                    f"{one.before}, {one.peak}",
                )
                for name, one in measured
            ],
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print the results."""
    given = arguments()
    with database_server() as server, tempfile.TemporaryDirectory(prefix="bench-replica-") as logs:
        result = markdown(given, asyncio.run(measure(given, server, Path(logs))))
    sys.stdout.write(f"{result}\n")
    if given.write:
        write("replica", result)


if __name__ == "__main__":
    main()
