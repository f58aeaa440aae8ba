"""The composition root: everything that makes up Sample is put together here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from authkit.jwks import KeySet, fetch_over_http
from authkit.revocation import RevocationList
from authkit.tokens import TokenVerifier
from contracts.identity import AccessRevokedV1
from contracts.vocabulary import Audience
from jobs.worker import Worker
from messaging import pruning
from messaging.bus import Bus
from messaging.inbox import Subscription
from messaging.wiring import LocalListener, Messaging, make_bus
from replica.replica import Replica
from replica.snapshot import Snapshot
from sample.base import (
    dead_letters,
    idempotency_keys,
    inbox,
    job_queue,
    outbox,
    replica_tables,
    revocations,
)
from sample.directory.models import Person, Unit
from sample.settings import Settings
from servicekit.app import create_app
from servicekit.clock import Clock
from servicekit.db import Database

AUDIENCE = Audience.of("sample")


def build(
    settings: Settings, bus: Bus | None = None, clock: Clock | None = None, keys: KeySet | None = None
) -> FastAPI:
    """Assemble Sample.

    `bus`: one shared with other services, started by its owner; None makes Sample's own. `keys`: the
    issuer's keys, fetched from the issuer when None.
    """
    database = Database(
        settings.database_url, plans="force_custom_plan", pool_size=settings.database_pool_size
    )
    own_bus = bus is None
    bus = bus or make_bus(settings)
    issuer_keys = keys or KeySet(fetch_over_http(str(settings.jwks_url or f"{settings.issuer_url}/jwks")))
    revoked = RevocationList(database, revocations, AUDIENCE)
    replica = Replica(Unit, replica_tables, job_queue, person=Person)
    messaging = Messaging(
        database,
        outbox,
        inbox,
        dead_letters,
        subscriptions=(
            Subscription("sample.directory", replica.types, replica.handle),
            Subscription("sample.revocations", (AccessRevokedV1,), revoked.record),
        ),
        listeners=(LocalListener((AccessRevokedV1,), revoked.hear),),
        concurrency=settings.consumer_concurrency,
    )
    messaging.attach(bus)
    worker = Worker(
        "sample",
        database,
        job_queue,
        handlers=[replica.rebuilding(Snapshot(settings))],
        periodic=[pruning.task(database, inbox, idempotency_keys)],
    )

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(issuer_keys.kept_fresh())
            await stack.enter_async_context(revoked.kept_fresh())
            await stack.enter_async_context(messaging.running(bus, own=own_bus))
            await replica.fill(database)
            yield

    app = create_app(
        name="sample",
        title="样例",
        settings=settings,
        database=database,
        routers=[],
        background=background,
        worker=worker,
        idempotency_table=idempotency_keys,
        checks={"bus": bus.check},
        clock=clock,
    )
    app.state.verifier = TokenVerifier(
        issuer=settings.issuer_url, audience=AUDIENCE, keys=issuer_keys, revocations=revoked
    )
    return app
