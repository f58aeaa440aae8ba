"""W3C Trace Context: one trace id follows a request through HTTP, events and jobs.

Only the context is carried on and written into the logs; no spans are exported (ADR 0044). The gateway
deletes `traceparent` of requests from outside, so a service continues what another one of ours has begun.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, MutableMapping
from contextvars import ContextVar, Token
from typing import Any, Final, NamedTuple, Protocol

HEADER: Final = b"traceparent"
_NAME: Final = HEADER.decode()
# Version 00 ends with the flags; later versions may add to it (Trace Context §3.2.4 and §4.3).
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_SAMPLED = 1


class Span(NamedTuple):
    """What a process does in a trace: a request, an event or an attempt at a job."""

    trace_id: str
    span_id: str
    sampled: bool
    parent_id: str | None

    @property
    def traceparent(self) -> str:
        """Return it as what it causes elsewhere gets it."""
        return f"00-{self.trace_id}-{self.span_id}-0{int(self.sampled)}"


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def span_in(parent: str | None) -> Span:
    """Return a new span in the trace of `parent`, or in a new one if that is missing or malformed."""
    found = None if parent is None else _TRACEPARENT.fullmatch(parent)
    if found is None or (found[1] == "00" and found[5] is not None):
        ids = os.urandom(24).hex()
        return Span(ids[:32], ids[32:], False, None)
    return Span(found[2], os.urandom(8).hex(), bool(int(found[4], 16) & _SAMPLED), found[3])


def given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the `traceparent` of a request; more than one are as good as none (§3.2)."""
    found = [value for name, value in headers if name == HEADER]
    return found[0].decode("latin-1") if len(found) == 1 else None


def enter(span: Span) -> Token[Span | None]:
    """Make a span the current one; `leave` ends that."""
    return _current.set(span)


def leave(token: Token[Span | None]) -> None:
    """Return to the span before."""
    _current.reset(token)


@contextlib.contextmanager
def continued(parent: str | None) -> Iterator[Span]:
    """Do something in the trace of `parent`, which an event or a job has brought."""
    span = span_in(parent)
    token = enter(span)
    try:
        yield span
    finally:
        leave(token)


def traceparent() -> str | None:
    """Return what events, jobs and requests get that come of what is being done."""
    span = _current.get()
    return None if span is None else span.traceparent


def add_ids(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the ids to a log line; a processor of structlog."""
    span = _current.get()
    if span is not None:
        line["trace_id"], line["span_id"] = span.trace_id, span.span_id
    return line


class Outgoing(Protocol):
    """A request of httpx."""

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Return its headers."""


async def send(request: Outgoing) -> None:
    """Send the context with a request."""
    span = _current.get()
    if span is not None:
        request.headers[_NAME] = span.traceparent


HOOKS: Final[dict[str, list[Any]]] = {"request": [send]}
"""`event_hooks` of every client of httpx in the services."""
