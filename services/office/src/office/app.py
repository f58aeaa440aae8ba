"""The composition root: adds Office's components to those of every resource server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from authkit.jwks import KeySet
from contracts.identity import HandOverRequestedV1, PersonChangedV1
from contracts.vocabulary import Audience
from filekit.scan import scanner_of
from messaging.bus import Bus
from messaging.inbox import Subscription
from office import partitions
from office.addressing.endpoints import router as addressing
from office.answers.dependencies import file_guard as answer_guard
from office.answers.endpoints import router as answers
from office.answers.rules import FILE_SUBJECT as ANSWER_FILES
from office.archive import releasing
from office.assignments.endpoints import router as assignments
from office.base import job_queue, proofs, replica_tables, revocations, tables
from office.collected import workbook
from office.collected.endpoints import router as collected
from office.collected.jobs import Packing
from office.collected.service import EXPORT_KIND as ANSWERS
from office.collected.service import FILES_KIND as ANSWERED_FILES
from office.contacts.endpoints import router as contacts
from office.contacts.exporting import EXPORT_KIND as CONTACTS
from office.contacts.exporting import Exporting as ContactWriter
from office.coverage.endpoints import router as coverage
from office.coverage.jobs import Curves, Recounting
from office.coverage.service import EXPORT_KIND as COVERAGE
from office.coverage.workbook import Workbook
from office.descriptions import DESCRIPTIONS
from office.desk.endpoints import router as desk
from office.directory.endpoints import router as directory
from office.directory.indexing import SearchIndexer
from office.directory.models import FormerPlace, Person, RoleAllowance, Unit
from office.directory.service import Units
from office.editing.endpoints import router as editing
from office.editing.jobs import pruning_editors
from office.exports import jobs as exporting
from office.exports.endpoints import router as exports
from office.files import jobs as filing
from office.files.endpoints import UPLOADS
from office.files.endpoints import router as files
from office.forms.endpoints import router as forms
from office.forwarding.endpoints import router as forwarding
from office.grouping.endpoints import router as grouping
from office.handovers.consumers import HandOvers
from office.help.endpoints import router as help_articles
from office.issuing.endpoints import router as issuing
from office.issuing.jobs import Calendar
from office.live.dependencies import live_hub
from office.live.endpoints import router as live
from office.live.jobs import pruning_feed
from office.notices import pruning as revisions
from office.notices.dependencies import file_guard as notice_guard
from office.notices.endpoints import router as notices
from office.notices.rules import FILE_SUBJECT as NOTICE_FILES
from office.numbering.endpoints import router as numbering
from office.printing.endpoints import router as printing
from office.printing.printer import Printer
from office.receipts.endpoints import router as receipts
from office.reminders.endpoints import router as reminders
from office.reminders.jobs import Reminding
from office.returns.endpoints import router as returns
from office.settings import Settings
from office.tasks.consumers import EVENTS as TASK_EVENTS
from office.tasks.consumers import TaskEvents
from office.tasks.jobs import Upkeep
from office.templates.endpoints import router as templates
from office.unit_coverage.endpoints import router as unit_coverage
from replica.replica import Replica
from replica.snapshot import Snapshot
from resourceserver.server import ResourceServer
from searchkit.frequencies import Frequencies
from servicekit.clock import Clock
from servicekit.db import Database

AUDIENCE = Audience.OFFICE


def build(
    settings: Settings, bus: Bus | None = None, clock: Clock | None = None, keys: KeySet | None = None
) -> FastAPI:
    """Assemble Office; see `ResourceServer` for `bus` and `keys`."""
    database = Database(
        settings.database_url,
        plans="force_custom_plan",
        pool_size=settings.database_pool_size,
        waits=settings.database_waits,
    )
    server = ResourceServer(
        settings, database, tables, revocations, proofs, audience=AUDIENCE, bus=bus, clock=clock, keys=keys
    )
    server.keep_replica(
        Replica(Unit, replica_tables, job_queue, person=Person, former_place=FormerPlace, role=RoleAllowance),
        Snapshot(settings),
    )
    hand_overs = HandOvers(server.clock)
    calendar = Calendar(database, server.clock, timedelta(days=settings.notice_archive_days))
    reminding = Reminding(database, server.clock)
    indexer = SearchIndexer(database)
    hub = live_hub(database, server.clock, server.revocations)
    store = settings.file_store()
    scanner = scanner_of(settings.file_scanner_url)

    @asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        async with hub.running(), indexer.running():
            yield

    app = server.app(
        title="助学办公系统",
        words=DESCRIPTIONS,
        routers=(
            notices,
            editing,
            issuing,
            numbering,
            templates,
            printing,
            forwarding,
            returns,
            assignments,
            forms,
            answers,
            collected,
            exports,
            files,
            receipts,
            coverage,
            unit_coverage,
            reminders,
            addressing,
            directory,
            contacts,
            grouping,
            live,
            desk,
            help_articles,
        ),
        subscriptions=[
            Subscription("office.handovers", (HandOverRequestedV1,), hand_overs.handle),
            Subscription("office.leavers", (PersonChangedV1,), hand_overs.person),
            Subscription("office.tasks", TASK_EVENTS, TaskEvents(server.clock).handle),
        ],
        handlers=[
            exporting.handler(
                server.clock,
                {
                    ANSWERS: workbook.write,
                    COVERAGE: Workbook(server.clock, Units).write,
                    CONTACTS: ContactWriter(server.clock, Units).write,
                    ANSWERED_FILES: Packing(store, server.clock).write,
                },
            ),
            *calendar.handlers(),
            reminding.handler(),
            filing.Previewing(store).handler(),
            releasing.handler(),
        ],
        periodic=[
            *calendar.tasks(),
            *exporting.Tidying(database, server.clock, timedelta(days=settings.file_download_days)).tasks(),
            *filing.Tidying(
                database, server.clock, store, timedelta(days=settings.file_download_days)
            ).tasks(),
            Recounting(database, server.clock).task(),
            Curves(database, server.clock).task(),
            partitions.task(database, server.clock),
            *reminding.tasks(),
            pruning_feed(database),
            revisions.task(database, server.clock),
            pruning_editors(database, server.clock),
            *Upkeep(database, server.clock).tasks(),
        ],
        background=background,
        checks={"file_scanner": scanner.check},
        larger_bodies={UPLOADS: settings.file_limit_bytes},
    )
    app.state.file_store = store
    app.state.file_scanner = scanner
    app.state.file_guards = {NOTICE_FILES: notice_guard, ANSWER_FILES: answer_guard}
    app.state.printer = Printer(settings.font_folder)
    app.state.hub = hub
    app.state.search_indexer = indexer
    app.state.search_frequencies = Frequencies()
    return app
