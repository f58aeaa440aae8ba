"""The composition root: adds Cockpit's components to those of every resource server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.jwks import KeySet
from cockpit import pruning
from cockpit.access.service import Access
from cockpit.agreement import endpoints as agreement_endpoints
from cockpit.analytics.store import Analytics
from cockpit.base import AUDIENCE, MIGRATIONS, job_queue, proofs, replica_tables, revocations, tables
from cockpit.cells.building import CellBuilder
from cockpit.cells.multiples import Multiples
from cockpit.cells.overlaps import Overlaps
from cockpit.cells.service import Cells
from cockpit.cells.verifying import Verifier
from cockpit.descriptions import DESCRIPTIONS
from cockpit.directory.models import FormerPlace, Unit
from cockpit.directory.service import Units
from cockpit.disclosure.service import Decided, Disclosure
from cockpit.exports import endpoints as exports
from cockpit.exports.jobs import Exporting
from cockpit.feeds import endpoints as feeds
from cockpit.histories import endpoints as histories
from cockpit.individuals import endpoints as individuals
from cockpit.intake import endpoints as intake
from cockpit.intake import forms as intake_forms
from cockpit.intake.agreement import Agreement
from cockpit.intake.facts import FactWriter
from cockpit.intake.receiving import ANY_AGE, Receiver
from cockpit.intake.records import Records
from cockpit.intake.reversing import Reversals
from cockpit.measuring import measuring
from cockpit.metrics import endpoints as metrics
from cockpit.overview import endpoints as overview
from cockpit.published import endpoints as published
from cockpit.published.filling import PublishedFiller
from cockpit.pushes import endpoints as pushes
from cockpit.query import endpoints as query
from cockpit.query.placing import Places
from cockpit.query.service import Queries
from cockpit.settings import Settings
from cockpit.standards import endpoints as standards
from cockpit.standards.planting import plant
from cockpit.uploads import endpoints as uploads
from cockpit.uploads.jobs import Loading
from cockpit.views import endpoints as views
from cockpit.views.keeping import KeptViews
from cockpit.walls import consumers as wall_events
from cockpit.walls import endpoints as walls
from cockpit.walls.service import WallGate
from messaging.bus import Bus
from messaging.inbox import Subscription
from replica.replica import Replica
from replica.snapshot import Snapshot
from resourceserver.server import ResourceServer
from servicekit.cipher import Cipher
from servicekit.clock import Clock
from servicekit.db import Database

__all__ = ["AUDIENCE", "MIGRATIONS", "build"]


def build(
    settings: Settings, bus: Bus | None = None, clock: Clock | None = None, keys: KeySet | None = None
) -> FastAPI:
    """Assemble Cockpit; see `ResourceServer` for `bus` and `keys`."""
    database = Database(
        settings.database_url,
        plans="force_custom_plan",
        pool_size=settings.database_pool_size,
        waits=settings.database_waits,
    )
    server = ResourceServer(
        settings, database, tables, revocations, proofs, audience=AUDIENCE, bus=bus, clock=clock, keys=keys
    )
    replica = Replica(Unit, replica_tables, job_queue, former_place=FormerPlace)
    server.keep_replica(replica, Snapshot(settings))
    analytics = Analytics(
        settings.analytics_dsn,
        database=settings.analytics_database,
        cluster=settings.analytics_cluster or None,
        threads=settings.analytics_threads,
        queue=settings.analytics_queue,
    )
    builder = CellBuilder(database, analytics, Cells, Units)
    verifier = Verifier(database, analytics, builder)
    facts = FactWriter(analytics)
    reversals = Reversals(database, facts, builder, server.clock)
    agreement = Agreement(analytics)
    filler = PublishedFiller(database, analytics)
    receiver = Receiver(
        database,
        facts,
        builder,
        filler,
        server.clock,
        Units,
        Records(analytics),
        agreement,
        limit=settings.upload_limit_bytes,
        stale_after=timedelta(seconds=settings.stale_batch_seconds),
    )

    parts = Cipher(settings.upload_keys)
    loading = Loading(
        database, server.clock, receiver, Units, parts, limit=settings.resumable_upload_limit_bytes
    )
    decided, overlaps, multiples = Decided(), Overlaps(), Multiples()

    def queries(session: AsyncSession) -> Queries:
        units, cells = Units(session), Cells(session, overlaps, multiples)
        places = Places(Access(session, server.clock, units), units, cells)
        disclosure = Disclosure(session, units, decided, cells, active=settings.hide_small_cells)
        return Queries(server.clock, places, cells, disclosure)

    exporting = Exporting(database, server.clock, queries)

    @asynccontextmanager
    async def resources(_: FastAPI) -> AsyncIterator[None]:
        try:
            await analytics.start()
            yield
        finally:
            await analytics.close()

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        # With chDB no other process can be receiving, so every unfinished batch was interrupted.
        await receiver.sweep(ANY_AGE if settings.analytics_embedded else None)
        await builder.reconcile()
        await filler.catch_up()
        await plant(database, server.clock)
        yield

    app = server.app(
        title="数字驾驶舱",
        routers=(
            overview.router,
            published.router,
            standards.router,
            feeds.router,
            intake.router,
            intake_forms.router,
            agreement_endpoints.router,
            histories.router,
            pushes.router,
            uploads.router,
            metrics.router,
            individuals.router,
            exports.router,
            exports.overviews,
            query.router,
            views.router,
            walls.router,
        ),
        subscriptions=[
            Subscription("cockpit.walls", wall_events.EVENTS, wall_events.WallEvents(server.clock).handle)
        ],
        periodic=(
            receiver.sweeping(),
            loading.pruning(),
            builder.catching_up(),
            filler.catching_up(),
            verifier.nightly(),
            *exporting.tidying(),
            pruning.task(database),
            WallGate(database, server.clock).forgetting(),
        ),
        handlers=[loading.handler(), exporting.handler()],
        words=DESCRIPTIONS,
        resources=resources,
        background=background,
        checks={"analytics": analytics.ping},
        measures=[measuring(database, server.clock)],
        larger_bodies={
            intake.UPLOADS: settings.upload_limit_bytes,
            intake.CHECKS: settings.upload_limit_bytes,
            pushes.PUSHES: settings.upload_limit_bytes,
            uploads.UPLOADS: uploads.PART_BYTES,
        },
    )
    app.state.analytics = analytics
    app.state.decided_tables = decided
    app.state.hide_small_cells = settings.hide_small_cells
    app.state.cell_builder = builder
    app.state.cell_overlaps = overlaps
    app.state.cell_multiples = multiples
    app.state.cell_verifier = verifier
    app.state.receiver = receiver
    app.state.reversals = reversals
    app.state.kept_views = KeptViews()
    app.state.upload_cipher = parts
    app.state.resumable_upload_limit = settings.resumable_upload_limit_bytes
    app.state.upload_quota = settings.upload_quota_bytes
    return app
