"""One request is one transaction, committed before the answer; refusals are problem+json."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

PROBLEM = "application/problem+json"
NOTES = "/api/v1/notes"


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:zhuxue:problem:{code}"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body["title"] + body["detail"])
    assert response.headers["x-correlation-id"] == body["correlation_id"]
    return body


# --- the transaction ---


async def test_what_was_answered_is_committed_before_the_answer_is_sent(app: FastAPI, titles: Any) -> None:
    at_the_first_byte: list[list[str]] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            at_the_first_byte.append(await titles())

    body = json.dumps({"title": "committed"}).encode()
    await app(_scope("POST", NOTES), _receiving(body), send)
    assert at_the_first_byte == [["committed"]]


async def test_a_commit_that_fails_is_an_error_the_client_sees(
    client: httpx.AsyncClient, titles: Any
) -> None:
    assert (await client.post(NOTES, json={"title": "once"})).status_code == 201
    response = await client.post(NOTES, json={"title": "once"})
    refused(response, 500, "internal_error")
    assert await titles() == ["once"]


async def test_a_request_that_gets_no_connection_may_be_repeated(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = app.state.database.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    size = pool.size() + pool._max_overflow
    held = [await app.state.database.engine.connect() for _ in range(size)]
    try:
        response = await client.post(NOTES, json={"title": "waits"})
    finally:
        for connection in held:
            await connection.close()
    refused(response, 503, "database_busy")
    assert response.headers["retry-after"] == "2"
    assert (await client.post(NOTES, json={"title": "waits"})).status_code == 201


async def test_a_refusal_undoes_what_the_request_wrote(client: httpx.AsyncClient, titles: Any) -> None:
    refused(await client.post(NOTES, json={"title": "refused"}), 409, "conflict")
    refused(await client.post(NOTES, json={"title": "defect"}), 500, "internal_error")
    assert await titles() == []


async def test_a_refusal_that_keeps_changes_commits_them(client: httpx.AsyncClient, titles: Any) -> None:
    refused(await client.post(NOTES, json={"title": "attempted"}), 403, "attempted")
    assert await titles() == ["attempted"]


# --- refusals ---


async def test_an_unknown_path_and_method_are_problems(client: httpx.AsyncClient) -> None:
    refused(await client.get("/api/v1/nowhere"), 404, "not_found")
    response = await client.delete(NOTES)
    refused(response, 405, "method_not_allowed")
    assert "GET" in response.headers["allow"] or "POST" in response.headers["allow"]


async def test_a_wrong_shape_names_its_fields_in_chinese(client: httpx.AsyncClient) -> None:
    body = refused(await client.post(NOTES, json={"title": "", "stars": "many"}), 422, "invalid_shape")
    assert body["errors"] == [
        {"pointer": "/title", "detail": "内容过短"},
        {"pointer": "/stars", "detail": "应为整数"},
    ]
    body = refused(await client.post(NOTES, json={}), 422, "invalid_shape")
    assert body["errors"] == [{"pointer": "/title", "detail": "缺少必填字段"}]
    refused(await client.post(NOTES, json=["title"]), 422, "invalid_shape")
    refused(await client.get(NOTES, params={"limit": 0}), 422, "invalid_shape")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'title': 1}",
        b'{"title": "\xff"}',
        b"\x00",
        b'{"title": ' + b"[" * 990,
        b'{"title": 1e' + b"9" * 900,
    ],
)
async def test_malformed_json_is_told_apart_from_a_wrong_shape(
    client: httpx.AsyncClient, body: bytes
) -> None:
    response = await client.post(NOTES, content=body, headers={"content-type": "application/json"})
    refused(response, 400, "malformed_json")


async def test_a_refusal_never_repeats_what_was_sent(client: httpx.AsyncClient) -> None:
    response = await client.post(NOTES, json={"title": {"phone": "13800000000"}})
    refused(response, 422, "invalid_shape")
    assert "13800000000" not in response.text


@pytest.mark.parametrize("title", ["a\x00b", "\ud800"])
async def test_text_that_no_database_stores_is_the_caller_s_fault(
    client: httpx.AsyncClient, titles: Any, title: str
) -> None:
    content = json.dumps({"title": title})
    response = await client.post(NOTES, content=content, headers={"content-type": "application/json"})
    refused(response, 422, "invalid_shape")
    assert await titles() == []


async def test_a_zero_byte_in_a_query_is_the_caller_s_fault(client: httpx.AsyncClient) -> None:
    refused(await client.get("/api/v1/search", params={"q": "a\x00b"}), 422, "invalid_shape")


@pytest.mark.parametrize("path", [NOTES, "/api/v1/raw"])
async def test_a_body_that_declares_too_much_is_refused_unread(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.post(path, content=b"x" * 2049), 413, "body_too_large")


@pytest.mark.parametrize("path", [NOTES, "/api/v1/raw"])
async def test_a_chunked_body_is_refused_once_it_is_too_large(client: httpx.AsyncClient, path: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 1000
            yield b"x" * 1000

    refused(
        await client.post(path, content=endless(), headers={"content-type": "application/json"}),
        413,
        "body_too_large",
    )
    assert sent <= 4000, "the rest is not even read"


async def test_a_body_of_exactly_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/raw", content=b"x" * 2048)).json() == 2048


async def test_a_path_may_have_a_limit_of_its_own(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "text/csv"}
    response = await client.post("/api/v1/uploads", content=b"x" * 10_000, headers=headers)
    assert response.json() == 10_000
    refused(
        await client.post("/api/v1/uploads", content=b"x" * 10_001, headers=headers), 413, "body_too_large"
    )


async def test_a_defect_tells_nothing_but_its_correlation_id_and_is_logged_under_it(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await client.get("/api/v1/defect", headers={"x-correlation-id": "corr-0000-1"})
    body = refused(response, 500, "internal_error")
    assert body["correlation_id"] == "corr-0000-1"
    for secret in ("secret", "Traceback", "RuntimeError", ".py"):
        assert secret not in response.text
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    with_trace = [line for line in logged if "RuntimeError: secret of the implementation" in str(line)]
    assert with_trace
    assert all(line["correlation_id"] == "corr-0000-1" for line in with_trace)


async def test_a_defect_can_be_read_by_the_browser_of_an_allowed_origin(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/defect", headers={"origin": "https://portal.zhuxue.test"})
    refused(response, 500, "internal_error")
    assert response.headers["access-control-allow-origin"] == "https://portal.zhuxue.test"
    foreign = await client.get("/api/v1/defect", headers={"origin": "https://elsewhere.test"})
    assert "access-control-allow-origin" not in foreign.headers


# --- correlation ---


async def test_the_correlation_id_given_is_used_and_returned(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/correlation", headers={"x-correlation-id": "corr-0000-2"})
    assert response.json() == response.headers["x-correlation-id"] == "corr-0000-2"


@pytest.mark.parametrize("given", [None, "short", "x" * 65, "with space", 'quote"quote', "中文中文中文"])
async def test_without_a_proper_correlation_id_a_new_one_is_made(
    client: httpx.AsyncClient, given: str | None
) -> None:
    headers = [] if given is None else [(b"x-correlation-id", given.encode())]
    first = await client.get("/api/v1/correlation", headers=headers)
    second = await client.get("/api/v1/correlation")
    assert first.json() == first.headers["x-correlation-id"]
    assert first.json() not in {given, second.json()}


async def test_a_body_refused_before_the_route_has_its_correlation_id_too(client: httpx.AsyncClient) -> None:
    response = await client.post(NOTES, content=b"x" * 3000, headers={"x-correlation-id": "corr-0000-3"})
    assert refused(response, 413, "body_too_large")["correlation_id"] == "corr-0000-3"


async def test_queries_bodies_and_ids_are_not_logged(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.get("/api/v1/search", params={"q": "13800000000"})
    await client.post(NOTES, json={"title": "张三"})
    logged = capsys.readouterr().out
    assert '"route": "/api/v1/search"' in logged
    assert "13800000000" not in logged
    assert "张三" not in logged


def _scope(method: str, path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "scheme": "http",
        "server": ("notes.test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }


def _receiving(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


@pytest.mark.parametrize("path", ["/api/v1/notes/", "/livez/", "/api/v1/raw/"])
async def test_a_trailing_slash_is_404_and_never_redirects(client: httpx.AsyncClient, path: str) -> None:
    # A redirect would be made from the Host header and would repeat the body there.
    answer = await client.post(path, json={"title": "x"}, headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
