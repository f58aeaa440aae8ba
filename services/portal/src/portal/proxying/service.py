"""Passes calls of pages on to the services."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_from_bytes, urlencode
from uuid import UUID

import httpx
import structlog
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from contracts.vocabulary import Audience
from portal.issuer.proofs import proof
from portal.proxying import rules
from portal.proxying.errors import ServiceUnavailable, StepUpRequired, TokenRenewed
from portal.proxying.rules import Destination
from portal.sessions.renewing import AccessTokens, BoundToken
from portal.sessions.streams import OpenStream, OpenStreams
from servicekit.clock import Clock
from servicekit.logs import HEADER, correlation_id
from servicekit.problems import MEDIA_TYPE, body_of
from servicekit.sse import MEDIA_TYPE as EVENTS

log = structlog.get_logger("proxying")

_UPLOAD_SECONDS: Final = 600.0
"""How long a service may take with a body that is not kept: it stores and checks it. The same at nginx."""
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
REPEATABLE_BYTES: Final = 1_048_576
"""A body up to this size is kept, so that the call can be made again with a new token."""


@dataclass(frozen=True)
class Upstream:
    """A service: where the portal reaches it, and how the service knows itself."""

    reached_at: str
    known_as: str


class Proxy:
    """Calls the services, for the whole process."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        streams: httpx.AsyncClient,
        upstreams: Mapping[Audience, Upstream],
        tokens: AccessTokens,
        open_streams: OpenStreams,
        clock: Clock,
    ) -> None:
        """`streams` is for streams of events: they take connections for as long as pages are open."""
        self._http = http
        self._streams = streams
        self._stopped: asyncio.Task[None] | None = None
        self._upstreams = upstreams
        self._tokens = tokens
        self._open = open_streams
        self._clock = clock

    def stop(self) -> None:
        """End the streams of events, for which the server would wait before it stops."""
        if self._stopped is None:
            self._stopped = asyncio.get_running_loop().create_task(self._streams.aclose())

    @contextlib.contextmanager
    def watched(self, request: Request, session_id: UUID) -> Iterator[OpenStream | None]:
        """Yield what `call` needs for a stream of events: it ends with its session."""
        if not wants_events(request):
            yield None
            return
        with self._open.opened(session_id) as stream:
            yield stream

    async def call(
        self,
        request: Request,
        session_id: UUID,
        token: BoundToken | None,
        to: Destination,
        stream: OpenStream | None = None,
    ) -> Response:
        """Pass a call on and return the answer, streamed. `token` is the one that the session has.

        A refused token is renewed and the call made again; nothing has happened before, because a service
        verifies the token first. Raises `SignInRequired`, `IssuerUnavailable`, `ServiceUnavailable`,
        `TokenRenewed`.
        """
        body = await _body(request)
        token = token or await self._tokens.get(session_id, to.audience)
        answer = await self._send(request, to, token, body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            required = rules.challenge(answer.headers.get("www-authenticate", ""))
            if required is not None:
                return await _step_up(answer, required)
            await answer.aclose()
            await self._tokens.refused(session_id, to.audience, token)
            token = await self._tokens.get(session_id, to.audience)
            if not isinstance(body, bytes):
                raise TokenRenewed
            answer = await self._send(request, to, token, body)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                await answer.aclose()
                # Tokens of the second of a revocation are refused, too (`authkit.revocation`).
                await self._tokens.refused(session_id, to.audience, token)
                raise TokenRenewed
        if stream is not None:
            stream.answered(answer)
        return self._returned(answer, to, stream)

    async def _send(
        self, request: Request, to: Destination, token: BoundToken, body: bytes | AsyncIterator[bytes]
    ) -> httpx.Response:
        upstream, method = self._upstreams[to.audience], request.method
        query = quote_from_bytes(request.scope["query_string"], _PRINTABLE)
        url = upstream.reached_at + to.path + (f"?{query}" if query else "")
        # Bytes: browsers and servers may send more than ASCII in a header.
        headers = {name: value for name, value in request.headers.raw if name.decode("latin-1") in rules.SENT}
        headers[b"authorization"] = f"DPoP {token.value}".encode()
        headers[b"dpop"] = proof(
            token.key,
            method=method,
            url=upstream.known_as + to.path,
            now=self._clock.now(),
            access_token=token.value,
        ).encode()
        if request.client is not None:
            headers[b"x-forwarded-for"] = request.client.host.encode()
        headers[HEADER] = (correlation_id() or "").encode()
        http = self._streams if wants_events(request) else self._http
        outgoing = http.build_request(method, url, headers=headers, content=body or None)
        if not isinstance(body, bytes):
            outgoing.extensions["timeout"] = {**outgoing.extensions["timeout"], "read": _UPLOAD_SECONDS}
        try:
            return await http.send(outgoing, stream=True)
        except httpx.HTTPError as error:
            log.warning("a service gave no answer", service=to.audience.service, error=type(error).__name__)
            raise ServiceUnavailable from error

    def _returned(self, answer: httpx.Response, to: Destination, stream: OpenStream | None) -> Response:
        """Return the answer of a service as a page gets it."""
        headers: dict[str, str] = {}
        for raw, value in answer.headers.raw:
            name = raw.decode("latin-1").lower()
            if name in rules.RETURNED:
                headers[name] = ", ".join(filter(None, (headers.get(name), value.decode("latin-1"))))
        if "location" in headers:
            headers["location"] = rules.public(headers["location"], to.audience.service)
        # What a person may see must not be found by the next person at the same browser.
        headers["cache-control"] = rules.private(headers.get("cache-control"))
        headers["vary"] = ", ".join(filter(None, (headers.get("vary"), "Cookie")))

        def ended() -> bool:
            return self._stopped is not None or (stream is not None and stream.ended)

        async def content() -> AsyncIterator[bytes]:
            if ended():
                return
            try:
                async for part in answer.aiter_raw():
                    yield part
            except httpx.HTTPError as error:
                if ended():
                    return
                # The response has begun; the browser sees it end early.
                log.warning("an answer ended early", service=to.audience.service, error=type(error).__name__)
                raise ClientDisconnect from error

        return StreamingResponse(
            content(), answer.status_code, headers, background=BackgroundTask(answer.aclose)
        )


def wants_events(request: Request) -> bool:
    """Return whether the page wants a stream of events, which stays open."""
    return EVENTS in request.headers.get("accept", "")


async def _body(request: Request) -> bytes | AsyncIterator[bytes]:
    """Return the body whole if it is small, else as a stream."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > REPEATABLE_BYTES:
        return request.stream()
    if not declared and "transfer-encoding" in request.headers:
        return request.stream()
    return await request.body()


async def _step_up(answer: httpx.Response, required: Mapping[str, str]) -> Response:
    """Return what the page needs to send the person to Identity, with the text of the service."""
    try:
        await answer.aread()
    except httpx.HTTPError as error:
        raise ServiceUnavailable from error
    body: Any = None
    with contextlib.suppress(ValueError):
        body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    problem = StepUpRequired(detail if isinstance(detail, str) else None)
    login = f"/bff/login?{urlencode(required)}"
    return JSONResponse(
        {**body_of(problem), "login": login}, problem.status, {"cache-control": "no-store"}, MEDIA_TYPE
    )
