"""Keys are replaced while people register and sign in, and no request fails."""

import asyncio
import itertools
import os
import random
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from identity import cli_encryption
from identity.accounts.models import Account
from identity.accounts.repository import AccountRepository
from identity.accounts.rules import mask_phone
from identity.app import build, make_vault
from identity.base import tables
from identity.encryption.jobs import ROTATE
from identity.policies.repository import PolicyRepository
from identity.policies.rules import REQUIRED
from identity.sms.gateway import DevInbox
from identity.vault import Vault
from jobs.kinds import State
from messaging.inprocess import InProcessBus
from servicekit.db import Database
from servicekit.ids import new_id
from services.identity.tests.encryption import worker_process
from services.identity.tests.support.running_identity import ISSUER, Browser, settings_for
from testkit.clock import FrozenClock
from testkit.plugin import DatabaseFactory

OLD = {"encryption_key": "e1" * 32, "index_key": "1d" * 32}
NEW = {"encryption_key": "2:" + "e2" * 32, "index_key": "2:" + "2d" * 32}
READS_NEW = {**OLD, "other_encryption_key": NEW["encryption_key"], "other_index_key": NEW["index_key"]}
WRITES_NEW = {**NEW, "other_encryption_key": OLD["encryption_key"], "other_index_key": OLD["index_key"]}
SEED = [f"1890000{number:04d}" for number in range(2000)]


@pytest.fixture
def prepared(one_line: Any) -> Any:
    return one_line


@pytest.fixture
async def url(database_factory: DatabaseFactory, prepared: Any, clock: FrozenClock) -> str:
    """A database with people from before, under the old keys."""
    found = await database_factory("identity", prepared)
    vault = make_vault(settings_for(found, **OLD))
    async with transaction(found) as session:
        await AccountRepository(session).bulk_insert([row(vault, phone, clock) for phone in SEED])
    return found


def row(vault: Vault, phone: str, clock: FrozenClock) -> dict[str, Any]:
    """A new account, as a process with these keys writes it."""
    slots = vault.slots("phone", phone)
    return {
        "id": new_id(),
        "name": "王小明",
        "phone_sealed": vault.seal("phone", phone),
        "phone_index": slots.odd,
        "phone_index_even": slots.even,
        "phone_masked": mask_phone(phone),
        "phone_verified_at": clock.now(),
        "status": "active",
        "version": 1,
        "registered_at": clock.now(),
    }


@asynccontextmanager
async def transaction(url: str) -> AsyncIterator[Any]:
    database = Database(url, plans="force_custom_plan")
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.close()


@dataclass
class Deployment:
    """Processes behind one address; a request goes to any of them."""

    url: str
    clock: FrozenClock
    serving: list[FastAPI] = field(default_factory=list)
    stacks: list[AsyncExitStack] = field(default_factory=list)
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    inbox: DevInbox = field(default_factory=DevInbox)

    async def add(self, keys: dict[str, str], *, run_jobs: bool = False) -> FastAPI:
        settings = settings_for(self.url, run_jobs=run_jobs, sms_budget_per_address=100_000, **keys)
        app = build(settings, InProcessBus(), self.clock)
        stack = AsyncExitStack()
        await stack.enter_async_context(app.router.lifespan_context(app))
        self.serving.append(app)
        self.stacks.append(stack)
        # One inbox: any process may send the message that another one has written.
        app.state.sms.messages = self.inbox.messages
        return app

    async def remove_first(self) -> None:
        self.serving.pop(0)
        # Requests that have begun end before their process does.
        await asyncio.sleep(0.5)
        await self.stacks.pop(0).aclose()

    async def close(self) -> None:
        while self.stacks:
            await self.stacks.pop().aclose()

    async def texts(self) -> None:
        """Return when no message is waiting."""
        pending = text("SELECT count(*) FROM sms_messages WHERE sealed IS NOT NULL")
        while True:
            async with self.serving[-1].state.database.transaction() as session:
                if await session.scalar(pending) == 0:
                    return
            await asyncio.sleep(0.02)

    def browser(self) -> Browser:
        deployment = self

        class Anywhere(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                app = random.choice(deployment.serving)
                response = await httpx.ASGITransport(app=app).handle_async_request(request)
                deployment.requests += 1
                if response.status_code >= 400:
                    body = (await response.aread()).decode()
                    deployment.failed.append(
                        f"{request.method} {request.url.path} {response.status_code} {body}"
                    )
                if request.url.path in ("/login/code", "/api/v1/sms-codes"):
                    await deployment.texts()
                return response

        client = httpx.AsyncClient(transport=Anywhere(), base_url=ISSUER)
        return Browser(self.serving[0], client)

    async def register(self, phone: str) -> httpx.Response:
        browser = self.browser()
        async with browser.http:
            return await browser.register(phone)

    async def sign_in(self, phone: str) -> httpx.Response:
        browser = self.browser()
        async with browser.http:
            return await browser.token(phone)


@pytest.fixture
async def deployment(url: str, clock: FrozenClock) -> AsyncIterator[Deployment]:
    one = Deployment(url, clock)
    yield one
    await one.close()


async def rotate(url: str, clock: FrozenClock, **keys: str) -> UUID:
    settings = settings_for(url, **keys)
    database = Database(url, plans="force_custom_plan")
    line = await cli_encryption.begin(database, settings, clock)
    await database.close()
    return UUID(line.split()[1].rstrip(":"))


async def ended(url: str, job: UUID) -> Any:
    """The job, once it has ended."""
    database = Database(url, plans="force_custom_plan")
    try:
        while True:
            async with database.transaction() as session:
                view = await tables.jobs.get(session, job)
            assert view is not None
            assert view.error is None, view.error
            if view.state in (State.SUCCEEDED, State.DEAD):
                return view
            await asyncio.sleep(0.05)
    finally:
        await database.close()


async def status(url: str, **keys: str) -> str:
    database = Database(url, plans="force_custom_plan")
    try:
        return await cli_encryption.status_of(database, settings_for(url, **keys))
    finally:
        await database.close()


async def accounts(url: str) -> list[Account]:
    async with transaction(url) as session:
        return list(await session.scalars(select(Account)))


async def agreed(app: FastAPI, url: str) -> None:
    """The people from before have agreed to what everybody agrees to."""
    subs = [one.id for one in await accounts(url) if one.phone_masked.startswith(SEED[0][:3])]
    async with transaction(url) as session:
        documents = [app.state.policies[kind] for kind in REQUIRED]
        await PolicyRepository(session).bulk_insert(subs, documents, app.state.clock.now())


async def test_keys_are_replaced_under_load_and_no_request_fails(deployment: Deployment, url: str) -> None:
    phones = (f"1370000{number:04d}" for number in itertools.count())
    known = iter(SEED)
    stop = asyncio.Event()

    async def load(once: Callable[[], Any]) -> int:
        done = 0
        while not stop.is_set():
            await once()
            done += 1
        return done

    async def come_and_go() -> None:
        phone = next(phones)
        assert (await deployment.register(phone)).status_code == 201
        assert (await deployment.sign_in(phone)).status_code == 200

    async def return_() -> None:
        assert (await deployment.sign_in(next(known))).status_code == 200

    async def busy(requests: int = 40) -> None:
        """Return when so many more requests were served."""
        goal = deployment.requests + requests
        while deployment.requests < goal and not any(task.done() for task in running):
            await asyncio.wait(running, timeout=0.05)

    await agreed(await deployment.add(OLD), url)
    running = [asyncio.create_task(load(one)) for one in (come_and_go, come_and_go, return_)]
    try:
        for keys in (READS_NEW, WRITES_NEW):
            await busy()
            await deployment.add(keys, run_jobs=keys is WRITES_NEW)
            await busy()
            await deployment.remove_first()
        job = await rotate(url, deployment.clock, **WRITES_NEW)
        result = await ended(url, job)
        await busy()
        assert result.state == State.SUCCEEDED, result.error
        await deployment.add(NEW)
        await busy()
        await deployment.remove_first()
        await busy()
    finally:
        stop.set()
        counts = await asyncio.gather(*running)
    assert deployment.failed == []
    assert all(counts)
    assert result.result["renewed"] >= len(SEED)

    vault = make_vault(settings_for(url, **NEW))
    for account in await accounts(url):
        phone = vault.open("phone", account.phone_sealed)
        assert account.phone_index_even == vault.index("phone", phone)
    for phone in SEED[-3:]:
        assert (await deployment.sign_in(phone)).status_code == 200
    assert "0 values are not encrypted with key 2" in await status(url, **NEW)


async def test_a_number_has_one_account_whichever_process_registers_it(url: str, clock: FrozenClock) -> None:
    """Any two processes that run side by side, in both orders."""
    numbers = (f"1360000{number:04d}" for number in itertools.count())
    steps = [make_vault(settings_for(url, **keys)) for keys in (OLD, READS_NEW, WRITES_NEW, NEW)]
    for pair in itertools.pairwise(steps):
        for one, other in (pair, pair[::-1]):
            phone = next(numbers)
            async with transaction(url) as session:
                rows = AccountRepository(session)
                await rows.bulk_insert([row(one, phone, clock)])
                assert await rows.by_phone(other.slots("phone", phone)) is not None
            with pytest.raises(IntegrityError):
                async with transaction(url) as session:
                    await AccountRepository(session).bulk_insert([row(other, phone, clock)])


async def test_a_killed_rotation_is_resumed_where_it_was(url: str, clock: FrozenClock) -> None:
    job = await rotate(url, clock, **WRITES_NEW)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        worker_process.__name__,
        url,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    try:
        assert process.stdout is not None
        for _ in range(20):
            line = await process.stdout.readline()
        assert line.startswith(b"1 ")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    half = await status(url, **WRITES_NEW)
    assert "running" in half
    assert "with key 1" in half
    assert "with key 2" in half
    async with worker_process.worker(url).running():
        result = await ended(url, job)
    assert result.state == State.SUCCEEDED, result.error
    # Nothing was renewed twice: the passes of both workers together changed each value once.
    assert result.result["passes"] == 2
    async with transaction(url) as session:
        encrypted = await session.scalar(
            text(
                "SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM signing_keys)"
                " + (SELECT count(sealed) FROM sms_messages)"
            )
        )
    assert result.result["renewed"] == encrypted


async def test_after_the_old_keys_are_gone_a_second_run_removes_their_indexes(
    url: str, clock: FrozenClock
) -> None:
    async with worker_process.worker(url).running():
        await ended(url, await rotate(url, clock, **WRITES_NEW))
    both = await accounts(url)
    assert all(one.phone_index is not None and one.phone_index_even is not None for one in both)
    async with worker_process.worker(url, keys=NEW).running():
        result = await ended(url, await rotate(url, clock, **NEW))
    assert result.state == State.SUCCEEDED, result.error
    left = await accounts(url)
    assert all(one.phone_index is None and one.phone_index_even is not None for one in left)


async def test_a_worker_of_the_old_deployment_does_not_rotate(url: str, clock: FrozenClock) -> None:
    job = await rotate(url, clock, **WRITES_NEW)
    async with worker_process.worker(url, keys=READS_NEW).running():
        while True:
            async with transaction(url) as session:
                view = await tables.jobs.get(session, job)
            if view is not None and view.error is not None:
                break
            await asyncio.sleep(0.05)
    assert "other keys" in view.error or "OtherKeys" in view.error
    assert re.search(r"^accounts.phone_sealed: \d+ with key 1$", await status(url, **WRITES_NEW), re.M)


async def test_the_job_is_asked_for_once(url: str, clock: FrozenClock) -> None:
    assert await rotate(url, clock, **WRITES_NEW) == await rotate(url, clock, **WRITES_NEW)
    async with transaction(url) as session:
        assert len(await tables.jobs.list(session, kind=ROTATE.name)) == 1
