"""The composition root of Cockpit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from authkit import revocation
from authkit.jwks import KeySet, fetch_over_http
from authkit.revocation import RevocationList
from authkit.tokens import TokenVerifier
from cockpit.analytics.store import Analytics
from cockpit.base import (
    AUDIENCE,
    MIGRATIONS,
    dead_letters,
    inbox,
    job_queue,
    outbox,
    replica_tables,
    revocations,
)
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.intake import endpoints as intake
from cockpit.intake.facts import FactWriter
from cockpit.intake.receiving import Receiver
from cockpit.metrics import endpoints as metrics
from cockpit.overview import endpoints as overview
from cockpit.settings import Settings
from jobs.worker import Worker
from messaging import pruning
from messaging.bus import Bus
from messaging.inbox import Subscription
from messaging.wiring import LocalListener, Messaging, make_bus
from replica.replica import Replica
from replica.snapshot import Snapshot
from servicekit.app import create_app
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database

__all__ = ["AUDIENCE", "MIGRATIONS", "build"]


def build(
    settings: Settings, bus: Bus | None = None, clock: Clock | None = None, keys: KeySet | None = None
) -> FastAPI:
    """Assemble the service. A given `bus` is shared, its owner starts it; `keys` replace the issuer's."""
    database = Database(
        settings.database_url, plans="force_custom_plan", pool_size=settings.database_pool_size
    )
    clock = clock or SystemClock()
    analytics = Analytics(
        settings.analytics_dsn,
        database=settings.analytics_database,
        threads=settings.analytics_threads,
        queue=settings.analytics_queue,
    )
    replica = Replica(Unit, replica_tables, job_queue)
    revoked = RevocationList(database, revocations, AUDIENCE)
    keys = keys or KeySet(fetch_over_http(str(settings.jwks_url or f"{settings.issuer_url}/jwks")))
    own = bus is None
    bus = bus or make_bus(settings)
    messaging = Messaging(
        database,
        outbox,
        inbox,
        dead_letters,
        subscriptions=[
            Subscription("cockpit.directory", replica.types, replica.handle),
            Subscription("cockpit.revocations", revocation.EVENTS, revoked.record),
        ],
        listeners=[LocalListener(revocation.EVENTS, revoked.hear)],
        concurrency=settings.consumer_concurrency,
    )
    messaging.attach(bus)
    receiver = Receiver(
        database,
        FactWriter(analytics),
        clock,
        Units,
        limit=settings.upload_limit_bytes,
        stale_after=timedelta(seconds=settings.stale_batch_seconds),
    )

    worker = Worker(
        "cockpit",
        database,
        job_queue,
        handlers=[replica.rebuilding(Snapshot(settings))],
        periodic=[receiver.sweeping(), pruning.task(database, inbox)],
    )

    @asynccontextmanager
    async def resources(_: FastAPI) -> AsyncIterator[None]:
        try:
            await analytics.start()
            yield
        finally:
            await analytics.close()

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        # With chDB no other process can be receiving, so whatever is unfinished now was interrupted.
        await receiver.sweep(timedelta(0) if settings.analytics_embedded else None)
        async with (
            keys.kept_fresh(),
            revoked.kept_fresh(),
            messaging.running(bus, own=own),
        ):
            await replica.fill(database)
            yield

    app = create_app(
        name="cockpit",
        title="数字驾驶舱",
        settings=settings,
        database=database,
        routers=[overview.router, intake.router, metrics.router],
        resources=resources,
        background=background,
        worker=worker,
        checks={"analytics": analytics.ping, "bus": bus.check},
        clock=clock,
        larger_bodies={intake.UPLOADS: settings.upload_limit_bytes},
    )
    app.state.analytics = analytics
    app.state.receiver = receiver
    app.state.verifier = TokenVerifier(
        issuer=settings.issuer_url, audience=AUDIENCE, keys=keys, revocations=revoked
    )
    return app
