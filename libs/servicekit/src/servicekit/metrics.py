"""Prometheus metrics: requests by route, and the metrics that features register."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LABELS = ("service", "method", "route", "status")
REQUESTS = Counter("zhuxue_http_requests_total", "HTTP requests", _LABELS)
DURATION = Histogram("zhuxue_http_request_seconds", "HTTP request duration in seconds", _LABELS[:3])

UNMEASURED = Counter("zhuxue_measurements_failed_total", "Gauges that a scrape could not read anew")

Measure = Callable[[], Awaitable[None]]
"""Sets gauges of what is stored, such as the length of a queue. All processes of a service set the same."""
_MEASURE_SECONDS = 3.0

log = structlog.get_logger("metrics")
router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Return all metrics of this service's processes in the Prometheus text format.

    Gauges of what is stored are measured now. While the database is out, the others are returned anyway.
    """
    await _measure(request.app.state.measures)
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _measure(measures: Sequence[Measure]) -> None:
    for measure in measures:
        try:
            async with asyncio.timeout(_MEASURE_SECONDS):
                await measure()
        except Exception as error:  # whatever is wrong with the database, the other metrics are needed
            UNMEASURED.inc()
            log.warning("not measured", error=type(error).__name__)


class MetricsMiddleware:
    """Counts and times requests by route template, because raw paths contain ids."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service
        self._kept: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = "500"

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_seen)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            # Finding the series by their labels takes longer than counting.
            key = (scope["method"], route, status)
            kept = self._kept.get(key)
            if kept is None:
                requests = REQUESTS.labels(self.service, *key)
                kept = self._kept[key] = (requests, DURATION.labels(self.service, *key[:2]))
            kept[0].inc()
            kept[1].observe(time.perf_counter() - started)
