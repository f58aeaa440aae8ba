"""The composition root: adds Sample's components to those of every resource server."""

from fastapi import FastAPI

from authkit.jwks import KeySet
from contracts.vocabulary import Audience
from messaging.bus import Bus
from replica.replica import Replica
from replica.snapshot import Snapshot
from resourceserver.server import ResourceServer
from sample.base import job_queue, proofs, replica_tables, revocations, tables
from sample.descriptions import DESCRIPTIONS
from sample.directory.models import Person, Unit
from sample.settings import Settings
from servicekit.clock import Clock
from servicekit.db import Database

AUDIENCE = Audience.of("sample")


def build(
    settings: Settings, bus: Bus | None = None, clock: Clock | None = None, keys: KeySet | None = None
) -> FastAPI:
    """Assemble Sample; see `ResourceServer` for `bus` and `keys`."""
    database = Database(
        settings.database_url,
        plans="force_custom_plan",
        pool_size=settings.database_pool_size,
        waits=settings.database_waits,
    )
    server = ResourceServer(
        settings, database, tables, revocations, proofs, audience=AUDIENCE, bus=bus, clock=clock, keys=keys
    )
    server.keep_replica(Replica(Unit, replica_tables, job_queue, person=Person), Snapshot(settings))
    return server.app(title="样例", words=DESCRIPTIONS, routers=[])
