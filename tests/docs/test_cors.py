"""Scripts of allowed origins may call every operation and read what it answers; others may not."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from identity.pages.rendering import PATHS
from onebox.reference import applications

OURS, FOREIGN = "https://portal.example.org", "https://evil.example.net"
# Safelisted by the Fetch standard: scripts read them anyway.
SAFELISTED = {"cache-control", "content-language", "content-length", "content-type", "expires", "pragma"}
# A gateway calls it, which is no browser.
FROM_SERVERS = {"receiveText"}
ALWAYS = {"location", "etag", "retry-after", "content-disposition", "content-range", "www-authenticate"}
APPLICATIONS = applications(cors_origins=[OURS])


class Operation(NamedTuple):
    """An operation that scripts may call."""

    method: str
    path: str
    content: dict[str, Any]

    def headers_sent(self) -> set[str]:
        own = {one["name"].lower() for one in self.content.get("parameters", ()) if one["in"] == "header"}
        return own | {"authorization", "content-type"}

    def headers_answered(self) -> set[str]:
        responses = self.content["responses"].values()
        return {name.lower() for response in responses for name in response.get("headers", {})}


def operations(app: FastAPI) -> Iterator[Operation]:
    for path, methods in app.openapi()["paths"].items():
        if not f"{path}/".startswith(tuple(f"{page}/" for page in PATHS)):
            for method, content in methods.items():
                if content["operationId"] not in FROM_SERVERS:
                    yield Operation(method.upper(), path.replace("{", "").replace("}", ""), content)


async def preflight(client: httpx.AsyncClient, one: Operation, origin: str) -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": one.method,
        "Access-Control-Request-Headers": ", ".join(sorted(one.headers_sent())),
    }
    return await client.options(one.path, headers=headers)


@pytest.mark.parametrize("service", sorted(APPLICATIONS))
async def test_each_operation_may_be_called_and_read_from_allowed_origins_only(service: str) -> None:
    app = APPLICATIONS[service]
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    walked = list(operations(app))
    assert walked
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example.org") as client:
        for one in walked:
            allowed = await preflight(client, one, OURS)
            assert allowed.status_code == 200, (one, allowed.text)
            assert allowed.headers["access-control-allow-origin"] == OURS
            assert one.method in allowed.headers["access-control-allow-methods"]
            foreign = await preflight(client, one, FOREIGN)
            assert foreign.status_code == 400
            assert "access-control-allow-origin" not in foreign.headers, one
        # What an answer may be read of does not depend on the operation: one that is refused shows it.
        exposed = await exposed_to(client, OURS)
        assert await exposed_to(client, FOREIGN, allowed=False) == exposed
        assert exposed >= ALWAYS
        for one in walked:
            assert one.headers_answered() <= exposed | SAFELISTED, one


async def exposed_to(client: httpx.AsyncClient, origin: str, *, allowed: bool = True) -> set[str]:
    answer = await asyncio.wait_for(client.get("/api/v1/nowhere", headers={"Origin": origin}), 10)
    assert answer.status_code == 404
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
    return {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
