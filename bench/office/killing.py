"""The national notice while processes are killed: no receipt is lost, no reminder is sent twice, no browser
misses a task.

Servers, workers, connections of PostgreSQL and of the broker are killed in turn, and started again. A client
that gets no answer asks again, as a browser does. Everything is counted at the end: what was answered, what
is stored, which events arrived, and which tasks each browser has heard of.
"""

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from sqlalchemy import select

from bench.common.http_client import Answer, Browser
from bench.office.morning import N, Tokens
from bench.office.mortals import Office, Wire, with_patience
from bench.office.world import SCOPES, analyze, fill, forward, publish
from contracts.office import NoticeSignedV1, ReminderRequestedV1
from contracts.vocabulary import Level
from messaging.rabbitmq import RabbitBus
from office.directory.models import Unit
from office.notices.models import Notice
from servicekit.db import Database

CONNECTIONS: Final = 24
SETTLE_SECONDS: Final = 120.0
ANSWER_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Plan:
    """How much is done, and how often something is killed."""

    units: int = 25_000
    rate: float = 20.0
    rounds: int = 3
    pause: float = 3.0
    browsers: int = 100
    servers: int = 2
    workers: int = 2
    crash: bool = True
    """Whether PostgreSQL itself is killed too: not where the server belongs to others."""


@dataclass
class Outcome:
    """What was counted at the end."""

    kills: Counter[str]
    seconds: float = 0.0
    asked: int = 0
    answered: set[str] = field(default_factory=set)
    again: int = 0
    """Requests that had to be sent again."""
    stored: set[str] = field(default_factory=set)
    counted: int = 0
    """Signatures in the coverage."""
    told: set[str] = field(default_factory=set)
    """Units whose signature arrived as an event."""
    reminders: int = 0
    reminded: int = 0
    """Different units among them."""
    texted: Counter[str] = field(default_factory=Counter)
    """How often each unit is named in different events that ask for a text message."""
    runs: int = 0
    tasks: int = 0
    browsers: int = 0
    connections: int = 0
    missed: int = 0
    """Tasks that a browser has not heard of, of all browsers."""

    def check(self) -> None:
        """Raise `AssertionError` unless nothing was lost or done twice."""
        lost = self.answered - self.stored
        assert not lost, f"{len(lost)} answered signatures are not stored"
        assert self.counted == len(self.stored), f"{self.counted} counted, {len(self.stored)} stored"
        assert self.told == self.stored, f"{len(self.stored - self.told)} signatures without their event"
        assert self.reminders == self.reminded, f"{self.reminders} reminders of {self.reminded} units"
        twice = [unit for unit, times in self.texted.items() if times > 1]
        assert not twice, f"{len(twice)} units are asked for twice"
        assert len(self.texted) == self.reminded, f"{len(self.texted)} asked for, {self.reminded} reminded"
        assert not self.missed, f"browsers have missed {self.missed} tasks"

    def rows(self) -> list[list[str]]:
        """Return the rows of the table."""
        return [
            *([f"killed: {name}", f"{times}"] for name, times in self.kills.items()),
            ["signatures asked for, sent again", f"{self.asked:,}, {self.again:,}"],
            ["signatures answered, stored", f"{len(self.answered):,}, {len(self.stored):,}"],
            ["answered and not stored", f"{len(self.answered - self.stored)}"],
            ["signatures in the coverage, as events", f"{self.counted:,}, {len(self.told):,}"],
            ["reminders in runs, units", f"{self.reminders:,} in {self.runs}, {self.reminded:,}"],
            ["units reminded or asked for twice", f"{sum(times > 1 for times in self.texted.values())}"],
            ["browsers, connections, tasks", f"{self.browsers}, {self.connections:,}, {self.tasks}"],
            ["tasks that a browser has missed", f"{self.missed}"],
        ]


class Clients:
    """Requests that are sent again until they are answered."""

    def __init__(self, office: Office, outcome: Outcome) -> None:
        self._office = office
        self._outcome = outcome

    async def post(self, path: str, token: str, **body: object) -> Answer:
        """Return the first answer that is not an error of the server."""
        while True:
            url = self._office.servers[random.randrange(len(self._office.servers))].url
            browser = Browser("127.0.0.1", int(url.rpartition(":")[2]))
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await browser.post_json(path, body, token)
                if answer.status < 500 and answer.status != 429:
                    return answer
            except (OSError, TimeoutError):
                pass
            finally:
                browser.close()
            self._outcome.again += 1
            await asyncio.sleep(0.2)


class Listener:
    """A browser that comes back to another server with the last id that it has heard."""

    def __init__(self, office: Office, token: str, outcome: Outcome) -> None:
        self._office = office
        self._outcome = outcome
        self._headers = {"Authorization": f"Bearer {token}"}
        self._last: str | None = None
        self.ready = asyncio.Event()
        self.heard: set[str] = set()

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await self._once()
            await asyncio.sleep(0.2)

    async def _once(self) -> None:
        server = self._office.servers[random.randrange(len(self._office.servers))]
        headers = self._headers if self._last is None else {**self._headers, "Last-Event-ID": self._last}
        async with (
            httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client,
            client.stream("GET", "/api/v1/tasks/stream") as response,
        ):
            if response.status_code != 200:
                return
            self._outcome.connections += 1
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "id":
                    self._last = value
                elif name == "data" and event == "task":
                    self.heard.add(json.loads(value)["id"])
                if event == "reset" and name == "data":
                    await self._read_again(client)
                if event == "ready":
                    self.ready.set()

    async def _read_again(self, client: httpx.AsyncClient) -> None:
        listed = await client.get("/api/v1/tasks", params={"limit": 100}, headers=self._headers)
        if listed.status_code == 200:
            self.heard |= {task["id"] for task in listed.json()["items"]}


async def killed(url: str, broker: str, plan: Plan) -> Outcome:
    """Run the whole, and return what was counted. The database at `url` is empty."""
    await fill(url, plan.units)
    database = Database(url, plans="force_custom_plan", pool_size=4)
    now = datetime.now(UTC)
    notice = await publish(database, at=now)
    await forward(database, notice, ["province", "city", "county"], 100, at=now)
    await analyze(database)
    async with database.transaction() as session:
        schools = (await session.scalars(select(Unit).where(Unit.level == Level.SCHOOL))).all()
        tops = {one.code: one for one in await session.scalars(select(Unit).where(Unit.code.in_(SCOPES)))}
    namespace, tokens = f"bench{secrets.token_hex(4)}", Tokens()
    outcome = Outcome(Counter())
    events = RabbitBus(broker, namespace)
    asked_for: set[str] = set()

    def hear(event: Any) -> None:
        if isinstance(event, NoticeSignedV1):
            outcome.told.add(str(event.unit_id))
            return
        # The broker may deliver an event twice; the text messages are one for each event.
        key = f"{event.reminder_id}/{event.reason}/{','.join(map(str, event.unit_ids))}"
        if key not in asked_for:
            asked_for.add(key)
            outcome.texted.update(map(str, event.unit_ids))

    events.listen((NoticeSignedV1, ReminderRequestedV1), hear)
    await events.start()
    wire = Wire(broker)
    try:
        async with (
            wire.running(),
            Office.of(
                database, url, wire, namespace, tokens.factory.jwks(), (plan.servers, plan.workers)
            ).running() as office,
        ):
            outcome.kills = office.kills
            clients = Clients(office, outcome)
            county = tops[SCOPES[3]]
            below = [one for one in schools if one.path.startswith(f"{county.path}.")]
            listeners = [
                Listener(office, _bearer(tokens, below[number % len(below)]), outcome)
                for number in range(plan.browsers)
            ]
            async with _running(*(one.listen() for one in listeners)):
                await asyncio.gather(*(one.ready.wait() for one in listeners))
                await _load(office, clients, tokens, notice, schools, tops, plan, outcome)
                await _settle(database, notice, county, listeners, outcome)
    finally:
        await events.close()
        await database.close()
    return outcome


async def _load(
    office: Office,
    clients: Clients,
    tokens: Tokens,
    notice: Notice,
    schools: Sequence[Unit],
    tops: dict[str, Unit],
    plan: Plan,
    outcome: Outcome,
) -> None:
    """Sign, remind and publish while things are killed."""
    units = random.Random(1).sample(schools, len(schools))
    work: asyncio.Queue[Unit] = asyncio.Queue()
    centre, county = tokens.of(tops[SCOPES[0]]), tokens.of(tops[SCOPES[3]])

    async def sign() -> None:
        while True:
            unit = await work.get()
            answer = await clients.post(f"{N}/{notice.id}/sign", tokens.of(unit))
            assert answer.status in {200, 201}, answer.body
            outcome.answered.add(str(unit.id))
            work.task_done()

    async def remind() -> None:
        while True:
            answer = await clients.post(f"{N}/{notice.id}/reminders", centre, sms=True)
            outcome.runs += answer.status == 202
            await asyncio.sleep(plan.pause)

    async def open_tasks() -> None:
        await clients.post("/api/v1/number-series", county, prefix="教助中心")
        while True:
            made = await clients.post(N, county, **_draft())
            assert made.status == 201, made.body
            path = f"{N}/{json.loads(made.body)['id']}/publish"
            await clients.post(path, county)
            await asyncio.sleep(plan.pause / 2)

    async with _running(*(sign() for _ in range(CONNECTIONS)), remind(), open_tasks()):
        killing = asyncio.create_task(office.kill_in_turn(plan.pause, plan.rounds, crash=plan.crash))
        begun = time.perf_counter()
        for unit in units:
            if killing.done():
                break
            await asyncio.sleep(max(0.0, begun + outcome.asked / plan.rate - time.perf_counter()))
            work.put_nowait(unit)
            outcome.asked += 1
        await killing
        await work.join()
        outcome.seconds = time.perf_counter() - begun


async def _settle(
    database: Database, notice: Notice, county: Unit, listeners: Sequence[Listener], outcome: Outcome
) -> None:
    """Wait until all events have arrived, and count."""
    units = await with_patience(
        database, "SELECT unit_id FROM signatures WHERE notice_id = :notice", notice=notice.id
    )
    outcome.stored = {str(row[0]) for row in units}
    [(counted,)] = await with_patience(
        database, "SELECT sum(signed) FROM receipt_counts WHERE notice_id = :notice", notice=notice.id
    )
    outcome.counted = int(str(counted or 0))

    async def waiting() -> bool:
        [(running,)] = await with_patience(
            database, "SELECT count(*) FROM reminder_runs WHERE finished_at IS NULL"
        )
        [(rows, different)] = await with_patience(
            database,
            "SELECT count(*), count(DISTINCT unit_id) FROM reminders WHERE notice_id = :notice",
            notice=notice.id,
        )
        outcome.reminders, outcome.reminded = int(str(rows)), int(str(different))
        tasks = await with_patience(
            database,
            "SELECT t.id FROM tasks t JOIN notices n ON t.subject = 'notice/' || n.id"
            " WHERE n.publisher_id = :county",
            county=county.id,
        )
        expected = {str(row[0]) for row in tasks}
        outcome.tasks, outcome.browsers = len(expected), len(listeners)
        outcome.missed = sum(len(expected - one.heard) for one in listeners)
        return bool(
            running
            or outcome.missed
            or outcome.told != outcome.stored
            or len(outcome.texted) < outcome.reminded
        )

    end = time.perf_counter() + SETTLE_SECONDS
    while await waiting() and time.perf_counter() < end:  # noqa: ASYNC110 - other processes change it
        await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def _running(*work: Any) -> AsyncIterator[None]:
    """Run work in the background; a failure of it ends everything."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
        yield
        for one in tasks:
            one.cancel()


def _bearer(tokens: Tokens, unit: Unit) -> str:
    return tokens.of(unit).strip().rpartition(" ")[2]


def _draft() -> dict[str, object]:
    return {
        "title": "关于报送学生资助数据的通知",
        "body": "<p>请按时报送。</p>",
        "urgency": "normal",
        "deadline_workdays": 5,
        "recipients": {"reach": "subtree", "onward": False},
    }
