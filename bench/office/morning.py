"""The morning of a national notice over HTTP: signatures at a steady rate, beside reads, inboxes, coverage.

Requests are timed from when they were due, so that a server that falls behind makes later ones slower too.
The client shares the cores with the servers and with PostgreSQL.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.common.http_client import Browser
from bench.common.servers import processor_seconds, processor_seconds_with_children, wait_for
from bench.common.statistics import percentile
from bench.office.world import SCOPES
from contracts.vocabulary import Audience, Level
from messaging.cli import keep_objects
from office.directory.models import Unit
from office.notices.models import Notice
from office.receipts.models import Signature
from servicekit.db import Database
from testkit.backends.process import PrivateProcess, free_port, make_directory
from testkit.tokens import TokenFactory

ROOT = Path(__file__).parents[2]
N: Final = "/api/v1/notices"
CONNECTIONS: Final = 48
ROLES: Final = ("handler", "unit_admin", "approver")
FAR: Final = 2**33


class Place(NamedTuple):
    """A unit as the client needs it. Half a million whole ones would take a gigabyte."""

    id: uuid.UUID
    path: str
    code: str


class Tokens:
    """Access tokens of people in units; made by the tens of thousands."""

    def __init__(self) -> None:
        self.factory = TokenFactory(audience=Audience.OFFICE)
        key = serialization.load_pem_private_key(self.factory.private_pem(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._header = _segment(self.factory.header(None))

    def of(self, unit: Place | Unit) -> str:
        """Return the header line of a new person in the unit."""
        claims = self.factory.claims(
            sub=str(uuid.uuid4()),
            unit=str(unit.id),
            unit_path=unit.path,
            roles=list(ROLES),
            scope="openid office",
            exp=FAR,
        )
        signed = f"{self._header}.{_segment(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=")
        return f"Authorization: Bearer {signed}.{signature.decode()}\r\n"


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class Request(NamedTuple):
    """A request that is due `at` seconds after the beginning."""

    at: float
    kind: str
    method: str
    path: str
    token: str


@dataclass
class Result:
    """The answers of one kind."""

    times: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass
class Served:
    """Processes of Office, and the client's tokens."""

    ports: list[int]
    pids: list[int]
    postmaster: int
    tokens: Tokens

    async def settled(self) -> None:
        """Wait until the servers have done what follows from the answers."""
        await asyncio.sleep(0.5)

    def processors(self) -> tuple[float, float]:
        """Return the processor seconds that the servers and PostgreSQL have used."""
        return sum(map(processor_seconds, self.pids)), processor_seconds_with_children(self.postmaster)


@contextlib.asynccontextmanager
async def served(url: str, database: Database, processes: int = 2) -> AsyncIterator[Served]:
    """Start processes of Office."""
    tokens = Tokens()
    first = ["nice", "-n", "-5"] if os.geteuid() == 0 else []
    jwks = json.dumps(tokens.factory.jwks())
    folder = make_directory("zhuxue-bench-")
    ports = [free_port() for _ in range(processes)]
    servers = [
        PrivateProcess(
            [*first, sys.executable, "-m", "bench.tasks.serve", url, str(port), jwks],
            log=folder / f"{port}.log",
            directories=[folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for port in ports
    ]
    try:
        for port, server in zip(ports, servers, strict=True):
            await asyncio.to_thread(wait_for, f"http://127.0.0.1:{port}/livez", server)
        async with database.transaction() as session:
            backend = await session.scalar(text("SELECT pg_backend_pid()"))
        yield Served(ports, [server.pid for server in servers], _parent(backend), tokens)
    finally:
        for server in servers:
            server.stop()


def _parent(pid: int | None) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def publishing(served: Served, database: Database) -> list[list[str]]:
    """Return rows about publishing to the units of a county and to those of the country."""
    rows = []
    async with database.transaction() as session:
        units = (await session.scalars(select(Unit).where(Unit.code.in_((SCOPES[0], SCOPES[3]))))).all()
    for unit in sorted(units, key=lambda unit: -len(unit.path)):
        name, _, value = served.tokens.of(unit).strip().partition(": ")
        base, times = f"http://127.0.0.1:{served.ports[0]}", list[float]()
        async with httpx.AsyncClient(base_url=base, headers={name: value}, timeout=60) as client:
            made = await client.post("/api/v1/number-series", json={"prefix": "教助中心"})
            assert made.status_code in {201, 409}, made.text
            for number in range(6):
                draft = {
                    "title": f"关于开展第{number}次学生资助业务培训的通知",
                    "body": "<p>请按时参加。</p>",
                    "urgency": "normal",
                    "deadline_workdays": 5,
                    "recipients": {"reach": "subtree", "onward": False},
                }
                created = await client.post(N, json=draft)
                assert created.status_code == 201, created.text
                if number == 5:
                    before = await _written(database)
                begun = time.perf_counter()
                published = await client.post(f"{N}/{created.json()['id']}/publish")
                times.append((time.perf_counter() - begun) * 1000)
                assert published.status_code == 200, published.text
        async with database.transaction() as session:
            below = (
                select(func.count()).select_from(Unit).where(Unit.path.op("<@")(func.text2ltree(unit.path)))
            )
            count = await session.scalar(below) or 1
        written = await _written(database) - before
        rows.append(
            [f"publish to {count - 1:,} units", f"{sorted(times)[3]:,.0f} ms, {written} rows written"]
        )
    return rows


async def _written(database: Database) -> int:
    """Return the number of rows of the tables that a publication writes to."""
    tables = ("forwardings", "tasks", "task_addresses", "notice_steps", "document_numbers")
    async with database.transaction() as session:
        counts = [await session.scalar(text(f"SELECT count(*) FROM {one}")) for one in tables]  # noqa: S608
    return sum(counts)


async def inboxes(served: Served, units: Sequence[Unit], runs: int) -> list[str]:
    """Return a row about the first page of inboxes of different schools, one request after another."""
    browser, times = Browser("127.0.0.1", served.ports[0]), list[float]()
    for number in range(runs + 5):
        token = served.tokens.of(units[number % len(units)])
        if number == 5:
            times.clear()
            before = served.processors()
        begun = time.perf_counter()
        answer = await browser.get(f"{N}/inbox?limit=50", token)
        times.append((time.perf_counter() - begun) * 1000)
        assert answer.status == 200, answer.body
    browser.close()
    python, postgres = (
        (now - then) * 1000 / runs for now, then in zip(served.processors(), before, strict=True)
    )
    return [
        "an inbox of all notices: page of 50 with total",
        (
            f"p50 {percentile(times, 0.5):,.1f} ms, p99 {percentile(times, 0.99):,.1f} ms"
            f" (CPU: server {python:.1f} ms, PostgreSQL {postgres:.1f} ms)"
        ),
    ]


def _plan(
    served: Served, notice: Notice, units: Sequence[Place], tops: Sequence[Place], rate: float, seconds: float
) -> list[Request]:
    """Return signatures at `rate`, half as many reads, a tenth inboxes, and coverage five times a second."""
    notice_path, found = f"{N}/{notice.id}", list[Request]()
    for number in range(min(len(units), int(rate * seconds))):
        at, token = number / rate, served.tokens.of(units[number])
        found.append(Request(at, "sign", "POST", f"{notice_path}/sign", token))
        if number % 2:
            found.append(Request(at + 0.05, "read", "POST", f"{notice_path}/read", token))
        if number % 10 == 5:
            found.append(Request(at + 0.1, "inbox", "GET", f"{N}/inbox?limit=20", token))
    seers = [served.tokens.of(unit) for unit in tops]
    for number in range(int(5 * seconds)):
        token = seers[number % len(seers)]
        found.append(Request(number / 5, "coverage", "GET", f"{notice_path}/coverage", token))
    return sorted(found)


async def morning(
    served: Served, database: Database, notice: Notice, *, rate: float, seconds: float
) -> list[list[str]]:
    """Return the rows of the morning, after a verification that nothing was lost."""
    async with database.transaction() as session:
        schools = await _places(session, Unit.level == Level.SCHOOL)
        tops = await _places(session, Unit.code.in_(SCOPES))
        earlier = await _signed(session, notice)
    units = random.Random(1).sample(schools, len(schools))
    plan = _plan(served, notice, units[50:], tops, rate, seconds)
    results = {kind: Result() for kind in ("sign", "read", "inbox", "coverage")}
    due: asyncio.Queue[tuple[float, Request]] = asyncio.Queue()

    async def work(number: int) -> None:
        browser = Browser("127.0.0.1", served.ports[number % len(served.ports)])
        while True:
            since, request = await due.get()
            if request.method == "GET":
                answer = await browser.get(request.path, request.token)
            else:
                answer = await browser.post(request.path, {}, request.token)
            results[request.kind].failed += answer.status not in {200, 201}
            results[request.kind].times.append((time.perf_counter() - since) * 1000)
            due.task_done()

    # The client's own pauses would be counted as the servers'.
    keep_objects()
    workers = [asyncio.create_task(work(number)) for number in range(CONNECTIONS)]
    before, own, begun = served.processors(), time.process_time(), time.perf_counter()
    probes = asyncio.create_task(_probes(served, notice, tops, units[:50], seconds))
    for request in plan:
        await asyncio.sleep(max(0.0, begun + request.at - time.perf_counter()))
        due.put_nowait((begun + request.at, request))
    await due.join()
    took = time.perf_counter() - begun
    seen, asked = await probes
    client = (time.process_time() - own) * 1000 / (len(plan) + asked)
    python, postgres = (
        (now - then) * 1000 / (len(plan) + asked)
        for now, then in zip(served.processors(), before, strict=True)
    )
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    async with database.transaction() as session:
        stored = await _signed(session, notice) - earlier
    signed = len(results["sign"].times) - results["sign"].failed + len(seen)
    rows = [
        [
            f"{kind}: {len(one.times):,} requests",
            (
                f"{len(one.times) / took:,.0f}/s, p50 {percentile(one.times, 0.5):,.0f} ms,"
                f" p95 {percentile(one.times, 0.95):,.0f} ms, p99 {percentile(one.times, 0.99):,.0f} ms,"
                f" {one.failed} failed"
            ),
        ]
        for kind, one in results.items()
        if one.times
    ]
    return [
        ["asked for: signatures a second", f"{rate:,.0f} for {seconds:,.0f} s, done after {took:,.0f} s"],
        *rows,
        [
            "CPU of a request: servers, PostgreSQL, and the client beside them",
            f"{python:.2f} ms, {postgres:.2f} ms, {client:.2f} ms",
        ],
        [
            f"cores in use of {os.cpu_count()}: servers and PostgreSQL, client",
            (
                f"{(python + postgres) * (len(plan) + asked) / took / 1000:.2f},"
                f" {client * (len(plan) + asked) / took / 1000:.2f}"
            ),
        ],
        ["signatures answered, stored", f"{signed:,}, {stored:,}"],
        ["a signature is in the coverage after, at most", f"{max(seen):,.0f} ms"],
    ]


async def _signed(session: Any, notice: Notice) -> int:
    statement = select(func.count()).select_from(Signature).where(Signature.notice_id == notice.id)
    return int(await session.scalar(statement))


async def _places(session: AsyncSession, condition: ColumnElement[bool]) -> list[Place]:
    rows = await session.execute(select(Unit.id, Unit.path, Unit.code).where(condition))
    return [Place(*row) for row in rows]


async def _probes(
    served: Served, notice: Notice, tops: Sequence[Place], units: Sequence[Place], seconds: float
) -> tuple[list[float], int]:
    """Sign for single units. Return how long after each answer the centre's coverage had it, in ms, and the
    number of requests.
    """
    asked = 0
    centre = served.tokens.of(next(unit for unit in tops if unit.code == SCOPES[0]))
    browser, found = Browser("127.0.0.1", served.ports[-1]), list[float]()
    end = time.perf_counter() + seconds
    for unit in units:
        if time.perf_counter() > end:
            break
        answer = await browser.post(f"{N}/{notice.id}/sign", {}, served.tokens.of(unit))
        assert answer.status == 201, answer.body
        begun = time.perf_counter()
        while True:
            shown = await browser.get(f"{N}/{notice.id}/coverage?under={unit.id}", centre)
            asked += 1
            if json.loads(shown.body)["signed"] == 1:
                break
        found.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(seconds / len(units) / 2)
    browser.close()
    return found, asked + len(found)
