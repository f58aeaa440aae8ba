"""Servers under test: a durable PostgreSQL, and processes that serve HTTP."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx

from testkit.backends import UnavailableError, postgresql
from testkit.backends.base import wait_until_ready
from testkit.backends.process import PrivateProcess

_START_SECONDS = 60.0


@contextlib.contextmanager
def database_server(keep: Path | None = None) -> Iterator[str]:
    """Start a private durable PostgreSQL with pg_stat_statements; yield its URL.

    Its data stay in the directory `keep`, if given.
    """
    settings = {**postgresql.DURABLE, "shared_preload_libraries": "pg_stat_statements"}
    backend = postgresql.start_private(postgresql.embedded_binaries(), settings, in_memory_bytes=0, keep=keep)
    try:
        yield backend.url
    finally:
        backend.stop()


def on_server(work: Callable[[str], Coroutine[Any, Any, None]], keep: Path | None = None) -> None:
    """Run `work` with the URL of a database: that of BENCH_DATABASE_URL, or of a server of its own.

    Its data stay in the directory `keep`, if given.
    """
    given = os.environ.get("BENCH_DATABASE_URL")
    with contextlib.nullcontext(given) if given else database_server(keep) as url:
        asyncio.run(work(url))


def wait_for(url: str, process: PrivateProcess) -> None:
    """Wait until GET `url` succeeds. Raises UnavailableError if `process` ends first or at a timeout."""

    def ready() -> None:
        try:
            httpx.get(url, timeout=2).raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(str(error)) from error

    wait_until_ready(ready, process.alive, _START_SECONDS, process.tail)


def memory(first: int) -> int:
    """Return the resident memory of a process and its children, in MiB."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            if str(first) in (fields["Pid"], fields["PPid"]):
                total += int(fields.get("VmRSS", "0").split()[0])
    return total // 1024


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor_seconds_with_children(first: int) -> float:
    """Return the processor seconds of a process and its children, also of those that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid = int(stat.parent.name)
            fields = stat.read_text().rpartition(")")[2].split()
            if pid == first:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == first:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
