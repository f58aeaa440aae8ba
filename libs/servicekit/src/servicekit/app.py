"""The application factory of all services."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from servicekit import (
    health,
    idempotency,
    metrics,
    openapi,
    outages,
    problems,
    reference,
    routing,
    vocabulary,
)
from servicekit.clock import Clock, SystemClock
from servicekit.cors import Cors, RegisteredOrigins
from servicekit.db import Check, Database
from servicekit.limits import BodyLimitMiddleware
from servicekit.logs import CorrelationMiddleware
from servicekit.metrics import Measure, MetricsMiddleware
from servicekit.queries import declared_queries_only
from servicekit.settings import ServiceSettings
from servicekit.text import storable_text_only

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Worker(Protocol):
    """Protocol of a job worker; `jobs.worker.Worker` implements it."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Run jobs until the context exits."""
        ...

    async def check(self) -> None:
        """Raise if the worker does not run."""
        ...


def create_app(
    *,
    name: str,
    title: str,
    settings: ServiceSettings,
    database: Database,
    routers: Sequence[APIRouter],
    resources: Lifespan | None = None,
    background: Lifespan | None = None,
    worker: Worker | None = None,
    idempotency_table: Table | None = None,
    checks: dict[str, Check] | None = None,
    measures: Sequence[Measure] = (),
    clock: Clock | None = None,
    larger_bodies: dict[str, int] | None = None,
    pages: Sequence[str] = (),
    registered_origins: RegisteredOrigins | None = None,
    words: Mapping[str, str] | None = None,
    reference_pages: bool = True,
) -> FastAPI:
    """Create the application of a service.

    The lifespan enters `resources` first (shared by requests and jobs, such as another store), then
    `background` (relays, consumers), then, if `settings.run_jobs` is set, `worker`, which runs jobs and
    periodic tasks. `/readyz` evaluates `checks` and the database, `/metrics` runs `measures`.
    `larger_bodies` raises the body limit in bytes for path prefixes. `pages` are path prefixes that browsers
    navigate to, excluded from CORS; `registered_origins` may call some paths beside those that settings
    allow. `words` describe fields and parameters in the OpenAPI document (see
    `servicekit.openapi`). `reference_pages` are `/docs` and `/redoc`, which have inline scripts.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            if resources is not None:
                await stack.enter_async_context(resources(app))
            if background is not None:
                await stack.enter_async_context(background(app))
            if worker is not None and settings.run_jobs:
                await stack.enter_async_context(worker.running())
            yield

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.responses(problems.Unprocessable),
        dependencies=[Depends(storable_text_only), Depends(declared_queries_only)],
        # A redirect would make clients send the body to a URL built from the Host header.
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=openapi.operation_id,
        servers=[{"url": "/", "description": "提供本文档的服务"}],
        # Nothing is exported (ADR 0044), and each request would ask whether it is.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.public_origin = settings.public_origin
    app.state.database = database
    app.state.clock = clock or SystemClock()
    app.state.checks = {"database": database.ping, **(checks or {})}
    app.state.measures = measures
    app.state.idempotency_table = idempotency_table
    app.state.declared_queries = {}
    app.state.resources = resources
    app.state.worker = worker
    problems.install(app)
    for error in (DBAPIError, NoConnection):
        app.add_exception_handler(error, outages.on_database_error)
    app.add_exception_handler(idempotency.Replayed, idempotency.on_replayed)
    if reference_pages:
        reference.install(app)
    for router in (health.router, metrics.router, vocabulary.router, *routers):
        app.include_router(router)
    openapi.install(app, words or {})
    routing.prune(app)
    routing.index(app)

    app.add_middleware(outages.ServingMiddleware)
    # The last one added is the outermost. Correlation comes first, so that a rejected body has an id too.
    app.add_middleware(BodyLimitMiddleware, limit=settings.max_body_bytes, larger=larger_bodies)
    if settings.cors_origins or settings.dev or registered_origins is not None:
        app.add_middleware(
            Cors,
            origins=settings.cors_origins,
            pages=tuple(pages),
            local=settings.dev,
            registered=registered_origins,
        )
    app.add_middleware(MetricsMiddleware, service=name)
    app.add_middleware(CorrelationMiddleware, service=name)
    return app


def worker_app(app: FastAPI) -> FastAPI:
    """Create the application of a process that only runs the jobs of `app`, with health and metrics."""
    worker: Worker = app.state.worker
    database: Database = app.state.database
    resources: Lifespan | None = app.state.resources

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            if resources is not None:
                await stack.enter_async_context(resources(app))
            await stack.enter_async_context(worker.running())
            yield

    alone = FastAPI(
        lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    alone.state.checks = {"database": database.ping, "worker": worker.check}
    alone.state.measures = app.state.measures
    for router in (health.router, metrics.router):
        alone.include_router(router)
    return alone
