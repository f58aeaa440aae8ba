"""The services in processes, which are started again whenever they end, as containers are."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from bench.chaos.servers import BrokerServer, PostgresServer, Quota
from onebox.demo.people import System
from onebox.services import CLIENTS, NAMES
from testkit.backends.process import PrivateProcess, free_ports
from testkit.outages import Link
from testkit.postgres import create_database

ROOT: Final = Path(__file__).parents[2]
CALLBACK: Final = "http://localhost/callback"
START_SECONDS: Final = 180.0
_LOOK_SECONDS: Final = 0.2
_PLENTY: Final = "1000000"


@dataclass
class Process:
    """One process, by name, with what is needed to start it again."""

    name: str
    service: str
    verb: str
    environment: dict[str, str]
    log: Path
    heartbeat: float
    """After how many seconds another worker takes over the jobs of a dead one."""
    late: float = 0.0
    """By how many seconds its clock is late when it starts."""
    starts: int = 0
    killed: int = 0
    _running: PrivateProcess | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://localhost:{self.environment[f'ZHUXUE_{self.service.upper()}_PORT']}"

    async def supervise(self) -> None:
        """Start it, and again whenever it has ended, until cancelled."""
        while True:
            if self._running is None or not self._running.alive():
                if self._running is not None:
                    self._running.stop()
                how = ["--late", str(self.late), "--heartbeat", str(self.heartbeat)]
                self._running = PrivateProcess(
                    [sys.executable, "-m", "bench.common.service", *how, self.service, self.verb],
                    log=self.log,
                    directories=[],
                    env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT)},
                )
                self.starts += 1
            await asyncio.sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """`kill -9`."""
        if self._running is not None and self._running.alive():
            self._running.stop()
            self.killed += 1

    def close(self) -> None:
        """End it for good."""
        if self._running is not None:
            self._running.stop()

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        try:
            async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(timeout=5) as client:
                while True:
                    with contextlib.suppress(httpx.HTTPError):
                        if (await client.get(f"{self.url}/readyz")).status_code == 200:
                            return
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError as error:
            tail = "" if self._running is None else self._running.tail(3000)
            raise RuntimeError(f"{self.name} does not become ready: {tail}") from error


@dataclass
class Stack:
    """Everything that runs: servers, links to them, processes."""

    folder: Path
    postgres: PostgresServer
    broker: BrokerServer
    files: Quota
    facts: Quota
    database_link: Link
    broker_link: Link
    system: System
    environments: dict[str, dict[str, str]]
    """Of each service."""
    heartbeat: float
    """Of each worker (`Process.heartbeat`)."""
    processes: dict[str, Process] = field(default_factory=dict)

    def database(self, service: str) -> str:
        """Return the URL of a database, not through the link."""
        return f"{self.postgres.url.rpartition('/')[0]}/{service}"

    async def ready(self) -> None:
        """Wait until every process is ready."""
        await asyncio.gather(*(one.ready() for one in self.processes.values()))

    def ended(self) -> Counter[str]:
        """Return how often each process ended without having been killed."""
        ended = {name: one.starts - one.killed - 1 for name, one in self.processes.items()}
        return Counter({name: times for name, times in ended.items() if times > 0})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the processes until the context exits."""
        tasks = [asyncio.create_task(one.supervise()) for one in self.processes.values()]
        try:
            await self.ready()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in self.processes.values():
                one.close()


@contextlib.asynccontextmanager
async def stack(folder: Path, heartbeat: float) -> AsyncIterator[Stack]:
    """Start the servers, and migrate and fill the databases; no service runs yet."""
    postgres, broker = PostgresServer(folder), BrokerServer(folder)
    files, facts = Quota(folder / "files", 48), Quota(folder / "facts", 512)
    links: list[Link] = []
    try:
        await asyncio.gather(asyncio.to_thread(postgres.start), asyncio.to_thread(broker.start))
        for name in (*NAMES, "witness"):
            await create_database(postgres.url, name)
        links = [Link(postgres.url), Link(broker.url)]
        for link in links:
            await link.restore()
        identity, office, cockpit, *workers = free_ports(5)
        at = [f"http://localhost:{port}" for port in (identity, office, cockpit)]
        system = System(at[0], at[1], at[2], CALLBACK)
        environments = _environments(system, links[0].url, links[1].url, files.folder, facts.folder)
        made = Stack(
            *(folder, postgres, broker, files, facts, links[0], links[1], system, environments),
            heartbeat=heartbeat,
        )
        await asyncio.gather(*(asyncio.to_thread(_prepare, made, name) for name in NAMES))
        for service, worker in zip(("identity", "office"), workers, strict=True):
            _add(made, service, service, "serve", RUN_JOBS="false")
            _add(made, f"{service} worker", service, "work", PORT=str(worker))
        # chDB is in one process only.
        _add(made, "cockpit", "cockpit", "serve")
        yield made
    finally:
        for link in links:
            await link.cut()
        postgres.stop()
        broker.close()
        files.close()
        facts.close()


def _add(stack: Stack, name: str, service: str, verb: str, **own: str) -> None:
    environment = dict(stack.environments[service])
    environment |= {f"ZHUXUE_{service.upper()}_{key}": value for key, value in own.items()}
    log = stack.folder / f"{name.replace(' ', '-')}.log"
    stack.processes[name] = Process(name, service, verb, environment, log, stack.heartbeat)


def _prepare(stack: Stack, service: str) -> None:
    environment = {**os.environ, **stack.environments[service]}
    for arguments in (["migrate"], *([["bootstrap", "s"]] if service == "identity" else [])):
        command = [sys.executable, "-m", service, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{service} {arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _environments(
    system: System, database: str, broker: str, files: Path, facts: Path
) -> dict[str, dict[str, str]]:
    secrets = {name: name[0] * 43 for name in CLIENTS}
    own: dict[str, dict[str, str]] = {
        "identity": {
            "ENCRYPTION_KEY": "e1" * 32,
            "INDEX_KEY": "1d" * 32,
            "SMS_BUDGET_PER_ADDRESS": _PLENTY,
            "SMS_BUDGET_PER_NUMBER": _PLENTY,
            "SMS_BUDGET_PER_NUMBER_AND_ADDRESS": _PLENTY,
            "PORTAL_REDIRECT_URIS": f'["{CALLBACK}"]',
            **{f"{name.upper()}_CLIENT_SECRET": secret for name, secret in secrets.items()},
        },
        "office": {"FILE_STORE_URL": f"file://{files}"},
        "cockpit": {"ANALYTICS_DSN": f"chdb://{facts}", "UPLOAD_KEY": "0a" * 32},
    }
    for name, values in own.items():
        values |= {
            "MODE": "dev",
            "ISSUER": system.identity,
            "PORT": getattr(system, name).rpartition(":")[2],
            "RABBITMQ_URL": broker,
            "DATABASE_URL": f"{database.rpartition('/')[0]}/{name}",
        }
        if name in secrets:
            values |= {
                "IDENTITY_URL": system.identity,
                "CLIENT_ID": name,
                "CLIENT_SECRET": secrets[name],
            }
    # The file store and the temporary files of uploads are on the same disk.
    found = {
        name: {f"ZHUXUE_{name.upper()}_{k}": v for k, v in values.items()} for name, values in own.items()
    }
    found["office"]["TMPDIR"] = str(files)
    return found
