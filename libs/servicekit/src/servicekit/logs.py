"""Structured logs with a correlation id that follows a request through HTTP and events."""

import logging
import re
import sys
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from servicekit import tracing
from servicekit.ids import new_id

HEADER = b"x-correlation-id"
_ACCEPTED = re.compile(rb"^[A-Za-z0-9._-]{8,64}$")

log = structlog.get_logger("http")


def configure(*, json: bool, level: str) -> None:
    """Set up structlog and the standard library's loggers for the whole process."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            tracing.add_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    # Authlib logs complete tokens at DEBUG; aio-pika logs its URL with the password at each reconnect.
    for noisy in ("authlib", "aio_pika", "aiormq"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def correlation_id() -> str | None:
    """Return the correlation id of the current request or event, if any."""
    value = get_contextvars().get("correlation_id")
    return value if isinstance(value, str) else None


def note_actor(client_id: str) -> None:
    """Add the client that acts for the person (RFC 8693 §4.1) to all further log lines of this request."""
    bind_contextvars(actor=client_id)


def actor() -> str | None:
    """Return the client that acts for the person in the current request, if any."""
    value = get_contextvars().get("actor")
    return value if isinstance(value, str) else None


class CorrelationMiddleware:
    """Reads or creates the correlation id, returns it in the response and logs each request.

    Each request is a span of the trace that the caller has begun, or of a new one.

    Logs only method, route path and status, because query strings can contain personal data.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER, b"")
        value = given.decode() if _ACCEPTED.match(given) else str(new_id())
        clear_contextvars()
        bind_contextvars(correlation_id=value, service=self.service)
        span = tracing.span_in(tracing.given(scope["headers"]))
        entered = tracing.enter(span)
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, value.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            route = scope.get("route")
            log.info(
                "request",
                method=scope["method"],
                route=getattr(route, "path", "-"),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                parent_id=span.parent_id,
            )
            tracing.leave(entered)
