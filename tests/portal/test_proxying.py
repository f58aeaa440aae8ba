"""Calls of pages to the services through the portal."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog
from fastapi import FastAPI, Request
from sqlalchemy import event, text
from starlette.responses import JSONResponse, Response, StreamingResponse

import portal.app
import portal.sessions.streams
from authkit.dpop import verify_proof
from contracts.vocabulary import Audience
from portal.proxying.service import Upstream
from servicekit import logs
from testkit.serving import Served
from testkit.waiting import moments
from tests.portal.conftest import NewVisitor, Site, Twin, Visitor

ME = "/api/identity/v1/me"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-csrf": ""},
        {"x-csrf": "0"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
    ids=str,
)
async def test_only_pages_of_the_portal_call_it(
    headers: dict[str, str], portal_alone: httpx.AsyncClient
) -> None:
    sent = {"x-csrf": "1", "sec-fetch-site": "same-origin", "origin": "http://portal.test"}
    for method, path in (("GET", ME), ("POST", "/bff/logout"), ("GET", "/bff/session")):
        answer = await portal_alone.request(method, path, headers={**sent, **headers})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
        same = await portal_alone.request(method, path, headers=sent)
        assert (same.status_code, same.json()["code"]) == (401, "sign_in_required"), "no redirect"
        assert "access-control-allow-origin" not in answer.headers
        assert same.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/identity/v1/snapshot/units"),
        ("POST", "/api/identity/v1/me"),
        ("GET", "/api/identity/../token"),
        ("GET", "/api/identity/v1/%2e%2e/%2e%2e/token"),
        ("GET", "/api/nowhere/v1/me"),
        ("GET", "/api/"),
        ("GET", "/api/identity//evil.example/v1/me"),
        ("GET", "/api/office/metrics"),
        ("TRACE", "/api/identity/v1/me"),
    ],
)
async def test_nothing_else_is_passed_on(method: str, path: str, portal_alone: httpx.AsyncClient) -> None:
    answer = await portal_alone.request(method, path, headers={"x-csrf": "1"})
    assert (answer.status_code, answer.json()["code"]) in ((404, "not_proxied"), (404, "not_found")), path


COUNTS = "/api/office/v1/tasks/counts"
REFUSED = [
    f"GET {COUNTS}/../../../../token",
    "GET /api/office/v1/tasks/x/../counts",
    "GET /api/office/v1/./tasks/counts",
    "GET /api/office/v1/tasks/%2e%2e/tasks/counts",
    "GET /api/office/v1/notices/%2e%2e",
    "GET /api/office/v1/notices/..%2f..%2fmetrics",
    "GET /api/office/v1/notices/%252e%252e%252fmetrics",
    "GET /api/office/v1/notices/..%5cmetrics",
    "GET /api/office/v1/tasks%2fcounts",
    "GET /api/office/v1/tasks/counts%00",
    "GET /api/office/v1/tasks/counts%0d%0aX-A:b",
    "GET /api/office/v1/tasks//counts",
    "GET /api//office/v1/tasks/counts",
    "GET //office/api/v1/tasks/counts",
    "GET /api/office@evil.example/v1/tasks/counts",
    "GET /api/office:80/v1/tasks/counts",
    "GET /API/office/v1/tasks/counts",
    f"GET http://evil.example{COUNTS}/x",
    *(
        f"{method} {COUNTS}"
        for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "COPY")
    ),
]
"""As bytes on the line: clients would resolve some of them."""
TOLERATED = [
    f"GET http://evil.example{COUNTS}",
    f"GET {COUNTS}?_method=DELETE",
]
CURIOUS = {
    "Host": "evil.example",
    "Connection": "keep-alive, idempotency-key, authorization",
    "Keep-Alive": "timeout=5",
    "TE": "trailers",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA",
    "Proxy-Authorization": "Basic YTpi",
    "Proxy-Connection": "keep-alive",
    "Authorization": "Bearer x",
    "DPoP": "x",
    "Forwarded": "for=10.0.0.1;host=evil.example",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "10.0.0.1",
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Original-URL": "/api/v1/notices",
    "X-Rewrite-URL": "/api/v1/notices",
    "Client-Cert": ":AAAA:",
}
"""What a service must not get from a browser, nor the portal go by."""


async def raw(site: Site, person: Visitor, line: str) -> int:
    """Send a request as it is; return the status of the answer."""
    address = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    headers = {**CURIOUS, "X-CSRF": "1", "Cookie": f"__Host-Http-zhuxue={person.session_cookie()}"}
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])


async def test_a_service_gets_token_proof_and_address_and_no_cookie(
    site: Site, new_visitor: NewVisitor
) -> None:
    person, seen = new_visitor(), list[Request]()
    bodies: list[bytes] = []
    service, served = FastAPI(), Served()
    answers: list[Any] = []

    @service.api_route("/api/v1/tasks/counts", methods=["GET"])
    @service.api_route("/api/v1/files", methods=["POST"])
    async def answer(request: Request) -> Any:
        seen.append(request)
        bodies.append(await request.body())
        return (
            answers.pop(0)
            if answers
            else JSONResponse({"open": 1}, headers={"set-cookie": "a=b", "etag": '"1"'})
        )

    await person.sign_in()
    site.portal.state.upstreams[Audience.OFFICE] = Upstream(served.url, "https://bg.example.org")
    async with served.running(service):
        got = await person.call("GET", "/api/office/v1/tasks/counts?kind=a%20b", headers={"x-other": "1"})
        assert (got.json(), got.headers["etag"]) == ({"open": 1}, '"1"')
        assert "set-cookie" not in got.headers
        [request] = seen
        assert request.url.query == "kind=a%20b"
        scheme, token = request.headers["authorization"].split(" ")
        assert scheme == "DPoP"
        now = site.clock.now().timestamp()
        url = "https://bg.example.org/api/v1/tasks/counts"
        verify_proof(request.headers["dpop"], method="GET", url=url, now=now, access_token=token)
        assert request.headers["x-forwarded-for"] == "127.0.0.1"
        assert not {"cookie", "x-csrf", "x-other", "sec-fetch-site"} & set(request.headers)
        # Nothing else gets there, however it is written.
        for line in REFUSED:
            assert await raw(site, person, line) in {400, 404, 405}, line
        assert len(seen) == 1
        for line in TOLERATED:
            assert await raw(site, person, line) == 200, line
            request = seen.pop()
            assert (request.method, request.url.path) == ("GET", "/api/v1/tasks/counts")
            assert request.headers["host"] == urlsplit(served.url).netloc
            # The test has the place of the gateway, whose word counts.
            assert request.headers.getlist("x-forwarded-for") == [CURIOUS["X-Forwarded-For"]]
            own = {"host", "authorization", "dpop", "x-forwarded-for", "connection"}
            assert not {name.lower() for name in CURIOUS} & set(request.headers) - own
            assert request.headers["authorization"].startswith("DPoP ")
            assert request.headers["connection"] == "keep-alive"
        # What a service prints has a policy too, and no cache of several people keeps it.
        printed = {"cache-control": "public, max-age=60", "content-disposition": "attachment"}
        answers.append(Response(b"%PDF-1.7", 200, printed, "application/pdf"))
        paper = await person.call("GET", COUNTS)
        assert paper.headers["content-security-policy"].startswith("default-src 'none'")
        assert paper.headers["cache-control"] == "private, max-age=60"
        assert "Cookie" in paper.headers["vary"]
        # A token that the service refuses is renewed, and the call is made again, with its body.
        answers.append(JSONResponse({"code": "token_revoked"}, 401))
        again = await person.call("POST", "/api/office/v1/files", content=b"abc")
        assert again.status_code == 200
        assert bodies[-2:] == [b"abc", b"abc"]
        assert seen[-1].headers["authorization"] != seen[-2].headers["authorization"]
        # Refused twice: nothing has happened, and the page tries again later.
        answers.extend(JSONResponse({"code": "token_revoked"}, 401) for _ in range(2))
        later = await person.call("POST", "/api/office/v1/files", content=b"abc")
        assert (later.status_code, later.json()["code"]) == (503, "token_renewed")
        assert later.headers["retry-after"] == "1"
        # A stronger sign-in is needed: the page learns where to go, and no redirect is sent.
        challenge = 'DPoP error="insufficient_user_authentication", acr_values="urn:x", max_age="300"'
        body = {"detail": "此操作须再次验证身份。", "code": "insufficient_user_authentication"}
        answers.append(JSONResponse(body, 401, {"www-authenticate": challenge}, "application/problem+json"))
        step_up = await person.call("POST", "/api/office/v1/files", content=b"abc")
        assert (step_up.status_code, step_up.json()["code"]) == (401, "step_up_required")
        assert step_up.json()["login"] == "/bff/login?acr_values=urn%3Ax&max_age=300"
        assert step_up.json()["detail"] == "此操作须再次验证身份。"
        assert "www-authenticate" not in step_up.headers
        # Events arrive while the stream is open.
        released = asyncio.Event()

        async def events() -> Any:
            yield b"data: 1\n\n"
            await released.wait()
            yield b"data: 2\n\n"

        answers.append(StreamingResponse(events(), media_type="text/event-stream"))
        headers = {"x-csrf": "1", "cookie": f"__Host-Http-zhuxue={person.session_cookie()}"}
        headers["accept"] = "text/event-stream"
        url = f"{site.url}/api/office/v1/tasks/counts"
        async with person.http.stream("GET", url, headers=headers) as stream:
            parts = stream.aiter_raw()
            assert await anext(parts) == b"data: 1\n\n"
            released.set()
            assert await anext(parts) == b"data: 2\n\n"
    served.close()
    gone = await person.call("GET", "/api/office/v1/tasks/counts")
    assert (gone.status_code, gone.json()["code"]) == (503, "service_unavailable")
    assert "retry-after" in gone.headers


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal has one connection to services, and looks often for sessions that have expired."""
    monkeypatch.setattr(portal.app, "_CONNECTIONS", 1)
    monkeypatch.setattr(portal.sessions.streams, "_LOOK_SECONDS", 0.2)


@pytest.mark.usefixtures("one_connection")
async def test_an_open_page_is_in_nobodys_way(site: Site, new_visitor: NewVisitor) -> None:
    person, seen, closed = new_visitor(), list[Request](), asyncio.Event()
    service, served = FastAPI(), Served()

    @service.get("/api/v1/tasks/stream")
    async def stream() -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            try:
                yield b"data: 1\n\n"
                await asyncio.Event().wait()
            finally:
                closed.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    @service.get("/api/v1/tasks/counts")
    async def counts(request: Request) -> dict[str, int]:
        seen.append(request)
        return {"open": 1}

    await person.sign_in()
    site.portal.state.upstreams[Audience.OFFICE] = Upstream(served.url, "https://bg.example.org")

    @asynccontextmanager
    async def page(visitor: Visitor) -> AsyncIterator[AsyncIterator[bytes]]:
        headers = {"x-csrf": "1", "cookie": f"__Host-Http-zhuxue={visitor.session_cookie()}"}
        headers["accept"] = "text/event-stream"
        url = f"{site.url}/api/office/v1/tasks/stream"
        async with person.http.stream("GET", url, headers=headers) as answer:
            parts = answer.aiter_raw()
            assert await anext(parts) == b"data: 1\n\n"
            yield parts

    async with served.running(service), asyncio.timeout(60):
        async with page(person):
            # Other calls need not wait, and say what browsers say, which is not only ASCII.
            headers = {"user-agent": "Navigateur é".encode("latin-1"), "content-digest": "sha-256=:AA==:"}
            got = await person.call("GET", "/api/office/v1/tasks/counts?a=%E4%B8%AD", headers=headers)
            assert got.json() == {"open": 1}
        [request] = seen
        assert request.headers["user-agent"] == "Navigateur é"
        assert request.headers["content-digest"] == "sha-256=:AA==:"
        assert request.url.query == "a=%E4%B8%AD"
        assert got.headers.get_list("x-correlation-id") == [request.headers["x-correlation-id"]]
        # The browser has gone, and with it the stream of the service.
        await closed.wait()
        # A page that is open is not somebody who works.
        site.clock.advance(timedelta(minutes=100))
        async with page(person) as parts:
            # The stream ends with the session, though the service would go on.
            site.clock.advance(timedelta(minutes=21))
            assert [part async for part in parts] == []
        answer = await person.call("GET", "/bff/session")
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
        await person.sign_in()
        async with page(person) as parts:
            assert (await person.call("POST", "/bff/logout")).status_code == 200
            assert [part async for part in parts] == []
        await person.sign_in()
        async with page(person) as parts:
            # The portal stops: the stream ends as if the service had ended it.
            site.portal.state.proxy.stop()
            assert [part async for part in parts] == []
    served.close()


async def test_one_renewal_serves_all_calls_of_a_session(
    site: Site, twin: Twin, new_visitor: NewVisitor
) -> None:
    """Whichever process gets them."""
    person, asked = new_visitor(), list[str]()
    person.knows(twin.url)
    await person.sign_in()
    async with site.portal.state.database.transaction() as session:
        await session.execute(text("DELETE FROM access_tokens"))
    for process in (site.portal, twin.app):
        issuer = process.state.issuer

        async def counted(
            refresh_token: str, audience: Audience, key: Any, renew: Any = issuer.refresh
        ) -> Any:
            asked.append(audience)
            return await renew(refresh_token, audience, key)

        issuer.refresh = counted
    calls = [person.call("GET", url + ME) for url in (site.url, twin.url) * 4]
    assert {one.status_code for one in await asyncio.gather(*calls)} == {200}
    assert asked == [Audience.IDENTITY]
    # A call with a token that is still good takes one transaction.
    begun: list[object] = []
    event.listen(site.portal.state.database.engine.sync_engine, "begin", begun.append)
    assert (await person.call("GET", ME)).status_code == 200
    assert len(begun) == 1
    # A call that was refused with a token that another one has renewed meanwhile keeps the new one.
    tokens = site.portal.state.tokens
    async with site.portal.state.database.transaction() as session:
        session_id = await session.scalar(text("SELECT id FROM sessions"))
    old = await tokens.get(session_id, Audience.IDENTITY)
    await tokens.refused(session_id, Audience.IDENTITY, old)
    new = await tokens.get(session_id, Audience.IDENTITY)
    await tokens.refused(session_id, Audience.IDENTITY, old)
    assert (await tokens.get(session_id, Audience.IDENTITY)).value == new.value != old.value
    # A process that died while it renewed holds the others up for seconds only.
    async with site.portal.state.database.transaction() as session:
        await session.execute(text("DELETE FROM access_tokens"))
        await session.execute(
            text("UPDATE sessions SET refreshing_until = :then"), {"then": site.clock.now()}
        )
    assert (await person.call("GET", ME)).status_code == 200


async def test_a_suspended_person_is_out_at_once(site: Site, new_visitor: NewVisitor) -> None:
    person = new_visitor()
    await person.sign_in()
    assert (await person.call("GET", ME)).status_code == 200
    async with site.identity.state.database.transaction() as session:
        sub = json.loads((await person.call("GET", ME)).text)["sub"]
        await session.execute(text("UPDATE accounts SET status = 'suspended' WHERE id = :sub"), {"sub": sub})
    async with site.portal.state.database.transaction() as session:
        await session.execute(text("DELETE FROM access_tokens"))
    answer = await person.call("GET", ME)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
    async with site.portal.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM sessions")) == 0


async def test_one_trace_leads_from_a_call_to_what_other_services_make_of_its_event(
    site: Site, new_visitor: NewVisitor, capsys: pytest.CaptureFixture[str]
) -> None:
    person, trace, span = new_visitor(), "a" * 32, "b" * 16
    await person.sign_in()
    unit = (await person.call("GET", ME)).json()["unit_id"]
    path = f"/api/identity/v1/units/{unit}"
    version = (await person.call("GET", path)).headers["etag"]
    lines: list[dict[str, Any]] = []
    before = structlog.get_config()
    logs.configure(json=True, level="INFO")
    try:
        capsys.readouterr()
        changed = await person.call(
            "PATCH",
            path,
            json={"duty_phone": "0531-86012345", "reason": "更换值班电话"},
            headers={"if-match": version, "traceparent": f"00-{trace}-{span}-01"},
        )
        assert changed.status_code == 200, changed.text
        async for _ in moments():
            lines += [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
            if any(line.get("queue") == "office.directory" for line in lines):
                break
    finally:
        structlog.configure(**before)
    of_trace = [line for line in lines if line.get("trace_id") == trace and "parent_id" in line]
    spans = {line.get("queue", line.get("service")): line["span_id"] for line in of_trace}
    parents = {line.get("queue", line.get("service")): line["parent_id"] for line in of_trace}
    assert parents["portal"] == span
    assert parents["identity"] == spans["portal"]
    assert parents["office.directory"] == spans["identity"]
