"""While the broker is unreachable, a service asks Identity which tokens are revoked."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import MetaData

from authkit.revocation import RevocationList, make_revocation_table
from contracts.revocations import Revoked
from messaging.inprocess import InProcessBus
from replica.settings import SnapshotSettings
from replica.snapshot import Page, Snapshot
from resourceserver.asking import Asking
from servicekit.db import Database
from testkit.waiting import moments


class Bus(InProcessBus):
    """A bus whose broker can be out."""

    out = False

    async def check(self) -> None:
        if self.out:
            raise ConnectionError


class Identity:
    """Its list of revocations, and what it was asked."""

    def __init__(self) -> None:
        self.entries: list[Revoked] = []
        self.asked: list[httpx.URL] = []
        self.down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            return httpx.Response(503)
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 300})
        self.asked.append(request.url)
        assert request.url.path == "/api/v1/snapshot/revocations"
        first, rest = self.entries[:1], self.entries[1:]
        page = (
            Page[Revoked](items=rest)
            if "cursor" in request.url.params
            else Page[Revoked](items=first, next="rest" if rest else None)
        )
        return httpx.Response(200, text=page.model_dump_json())


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    database = Database("postgresql+asyncpg://nobody@localhost/none", plans="force_custom_plan", pool_size=1)
    yield database
    await database.close()


@pytest.fixture
def revoked(database: Database) -> RevocationList:
    return RevocationList(database, make_revocation_table(MetaData()), "urn:zhuxue:office")


@contextlib.asynccontextmanager
async def asking(bus: Bus, identity: Identity, revoked: RevocationList) -> AsyncIterator[None]:
    settings = SnapshotSettings.model_validate(
        {"identity_url": "http://identity", "client_id": "office", "client_secret": "only-for-tests"}
    )
    snapshot = Snapshot(settings, httpx.MockTransport(identity))
    async with Asking(bus, snapshot, revoked, every=0.01).running():
        yield


def revocation(**named: object) -> Revoked:
    now = datetime.now(UTC)
    fields = {"id": uuid4(), "not_before": now, "expires_at": now + timedelta(minutes=5), "recorded_at": now}
    return Revoked.model_validate(fields | named)


async def changed(revoked: RevocationList, version: int) -> None:
    async for _ in moments():
        if revoked.version >= version:
            return
    raise AssertionError("Identity's revocations are not applied")


async def test_nothing_is_asked_while_the_broker_is_there(revoked: RevocationList) -> None:
    bus, identity = Bus(), Identity()
    identity.entries = [revocation(sub=uuid4())]
    checks = 0

    async def check() -> None:
        nonlocal checks
        checks += 1

    bus.check = check  # type: ignore[method-assign]
    async with asking(bus, identity, revoked):
        async for _ in moments():
            if checks > 2:
                break
    assert (identity.asked, revoked.version) == ([], 0)


async def test_all_pages_are_applied_and_asked_again_from_the_newest(revoked: RevocationList) -> None:
    bus, identity = Bus(), Identity()
    sub = uuid4()
    identity.entries = [revocation(client_id="wall"), revocation(sub=sub)]
    bus.out = True
    async with asking(bus, identity, revoked):
        await changed(revoked, 2)
        identity.entries = [revocation(unit_path="100000.370102")]
        await changed(revoked, 3)
    assert "recorded_from" not in identity.asked[0].params
    newest = datetime.fromisoformat(identity.asked[-1].params["recorded_from"])
    assert abs(newest - datetime.now(UTC)) < timedelta(minutes=1)


async def test_asking_goes_on_after_identity_has_failed(revoked: RevocationList) -> None:
    bus, identity = Bus(), Identity()
    identity.entries = [revocation(sub=uuid4())]
    bus.out = identity.down = True
    async with asking(bus, identity, revoked):
        async for _ in moments():
            break
        identity.down = False
        await changed(revoked, 1)
