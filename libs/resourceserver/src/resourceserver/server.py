"""The common parts of all resource servers; the `app.py` of a service adds its own parts.

A resource server verifies access tokens offline with the issuer's published keys, rejects revoked tokens,
relays its outbox, consumes events, runs jobs and, in most services, maintains a replica of units and people.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI
from sqlalchemy import Table

from authkit import revocation
from authkit.jwks import KeySet, fetch_over_http
from authkit.proofs import SharedProofs
from authkit.revocation import RevocationList
from authkit.tokens import TokenVerifier
from contracts.vocabulary import Audience
from jobs.kinds import Handler, Periodic
from jobs.worker import Worker
from messaging import pruning
from messaging.bus import Bus
from messaging.inbox import Subscription
from messaging.measuring import measuring
from messaging.tables import ServiceTables
from messaging.wiring import LocalListener, Messaging, make_bus
from replica.replica import Replica
from replica.snapshot import Snapshot
from resourceserver.asking import Asking
from servicekit.app import Lifespan, create_app
from servicekit.clock import Clock, SystemClock
from servicekit.cors import RegisteredOrigins
from servicekit.db import Check, Database
from servicekit.metrics import Measure
from servicekit.settings import ServiceSettings


class ResourceServer:
    """The common parts of one service; `app` adds the service's own parts."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        tables: ServiceTables,
        revocations: Table,
        proofs: Table,
        *,
        audience: Audience,
        bus: Bus | None = None,
        clock: Clock | None = None,
        keys: KeySet | None = None,
    ) -> None:
        """Create the parts. `bus`: a shared bus, which its owner starts; None creates a bus for this service.
        `keys`: the issuer's keys; None fetches the published keys.
        """
        self.database = database
        self.clock = clock or SystemClock()
        self._settings = settings
        self._tables = tables
        self._audience = audience
        self._own_bus = bus is None
        self._bus = bus or make_bus(settings)
        self._keys = keys or KeySet(fetch_over_http(str(settings.jwks_url or f"{settings.issuer_url}/jwks")))
        self._revoked = RevocationList(database, revocations, audience)
        self._proofs = SharedProofs(database, proofs)
        self._replica: Replica | None = None
        self._asking: Asking | None = None
        self._subscriptions = [self._subscription("revocations", revocation.EVENTS, self._revoked.record)]
        self._handlers: list[Handler[Any]] = []

    def keep_replica(self, replica: Replica, snapshot: Snapshot) -> None:
        """Maintain `replica` by events, and fill it from `snapshot` if it is empty.

        `snapshot` is also asked for revocations while the broker is unreachable.
        """
        self._replica = replica
        self._asking = Asking(self._bus, snapshot, self._revoked)
        self._subscriptions.append(self._subscription("directory", replica.types, replica.handle))
        self._handlers.append(replica.rebuilding(snapshot))

    @property
    def revocations(self) -> RevocationList:
        """What has been revoked, for a response that stays open longer than its token may be valid."""
        return self._revoked

    def verifier(self, *, audience: str) -> TokenVerifier:
        """Return a verifier with the same keys for an audience other than the service's own."""
        return TokenVerifier(
            issuer=self._settings.issuer_url,
            audience=audience,
            keys=self._keys,
            revocations=self._revoked,
            proofs=self._proofs,
        )

    def app(
        self,
        *,
        title: str,
        routers: Sequence[APIRouter],
        subscriptions: Sequence[Subscription] = (),
        handlers: Sequence[Handler[Any]] = (),
        periodic: Sequence[Periodic] = (),
        resources: Lifespan | None = None,
        background: Lifespan | None = None,
        checks: Mapping[str, Check] | None = None,
        measures: Sequence[Measure] = (),
        larger_bodies: dict[str, int] | None = None,
        pages: Sequence[str] = (),
        registered_origins: RegisteredOrigins | None = None,
        words: Mapping[str, str] | None = None,
    ) -> FastAPI:
        """Create the application with the service's own parts; see `create_app`.

        `background` is entered before the service consumes events and runs jobs. Call this once.
        """
        name, tables = self._audience.service, self._tables
        messaging = Messaging(
            self.database,
            tables,
            subscriptions=[*self._subscriptions, *subscriptions],
            listeners=[LocalListener(revocation.EVENTS, self._revoked.hear, at_commit=True)],
            concurrency=self._settings.consumer_concurrency,
        )
        messaging.attach(self._bus)
        worker = Worker(
            name,
            self.database,
            tables.jobs,
            handlers=[*self._handlers, *handlers],
            periodic=[pruning.task(self.database, tables), self._forgetting(), *periodic],
        )

        @asynccontextmanager
        async def everything(app: FastAPI) -> AsyncIterator[None]:
            async with (
                (background or _nothing)(app),
                self._keys.kept_fresh(),
                self._revoked.kept_fresh(),
                messaging.running(self._bus, own=self._own_bus),
                self._asking.running() if self._asking is not None else nullcontext(),
            ):
                if self._replica is not None:
                    # The queue is bound, so changes during the rebuild arrive as events.
                    await self._replica.fill(self.database)
                yield

        app = create_app(
            name=name,
            title=title,
            settings=self._settings,
            database=self.database,
            routers=routers,
            resources=resources,
            background=everything,
            worker=worker,
            idempotency_table=tables.idempotency_keys,
            checks={"bus": self._bus.check, **(checks or {})},
            measures=[
                measuring(name, self.database, tables),
                worker.measuring(self.database),
                *measures,
            ],
            clock=self.clock,
            larger_bodies=larger_bodies,
            pages=pages,
            registered_origins=registered_origins,
            words=words,
        )
        app.state.verifier = self.verifier(audience=self._audience)
        return app

    def _forgetting(self) -> Periodic:
        """Proofs are good for a minute and a half."""
        return Periodic("authkit.forget_proofs", self._proofs.forget, every=timedelta(minutes=5))

    def _subscription(self, purpose: str, types: Any, handler: Any) -> Subscription:
        return Subscription(f"{self._audience.service}.{purpose}", types, handler)


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield
