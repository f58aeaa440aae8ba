"""Unknown and repeated query parameters are refused in the REST API, and ignored outside of it."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Header, Query
from pydantic import BaseModel

from libs.servicekit.tests.support.notes_service import service
from servicekit.paging import Paging


class Filters(BaseModel):
    region: str | None = None
    levels: list[str] = []


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    api, page = APIRouter(prefix="/api/v1"), APIRouter()

    @api.get("/things/{thing_id}")
    async def things(
        thing_id: str,
        paging: Paging,
        q: str = "",
        kind: Annotated[list[str] | None, Query()] = None,
        year: Annotated[int | None, Query(alias="in")] = None,
        x_trace: Annotated[str | None, Header()] = None,
    ) -> list[str]:
        return [q, *(kind or [])]

    @api.get("/filtered")
    async def filtered(filters: Annotated[Filters, Query()]) -> list[str]:
        return filters.levels

    @page.get("/authorize")
    async def authorize(scope: str = "") -> str:
        return scope

    app: FastAPI = service(database_url, routers=[api, page])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes.test") as client:
        yield client
    await app.state.database.close()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=a",
        "limit=1&in=2024",
        "kind=a&kind=b&q=c",
        "cursor=W10",
    ],
)
async def test_declared_parameters_are_taken(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/v1/things/1?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("Q=a", {"Q": "未知参数"}),
        ("year=2024", {"year": "未知参数"}),
        ("thing_id=2", {"thing_id": "未知参数"}),
        ("x-trace=2", {"x-trace": "未知参数"}),
        ("q=a&q=b", {"q": "参数不能重复"}),
        ("q=a&q=a", {"q": "参数不能重复"}),
        ("limit=1&limit=2&offset=3", {"limit": "参数不能重复", "offset": "未知参数"}),
        ("=x", {"": "未知参数"}),
        ("a=1&a=2", {"a": "未知参数"}),
    ],
)
async def test_unknown_and_repeated_parameters_are_refused_by_name(
    client: httpx.AsyncClient, query: str, named: dict[str, str]
) -> None:
    response = await client.get(f"/api/v1/things/1?{query}")
    assert response.status_code == 422
    body = response.json()
    assert body["code"] == "invalid_shape"
    assert {error["parameter"]: error["detail"] for error in body["errors"]} == named


async def test_the_fields_of_a_parameter_model_are_its_parameters(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/filtered?levels=a&levels=b")).json() == ["a", "b"]
    assert (await client.get("/api/v1/filtered?region=a&region=b")).status_code == 422
    assert (await client.get("/api/v1/filtered?filters=a")).status_code == 422


async def test_a_write_is_checked_too(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/notes?dry_run=true", json={"title": "one"})
    assert response.status_code == 422
    assert (await client.get("/api/v1/notes")).json()["items"] == []


@pytest.mark.parametrize("path", ["/authorize", "/livez", "/docs", "/openapi.json"])
async def test_outside_of_the_rest_api_unknown_and_repeated_parameters_are_ignored(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(f"{path}?unknown=1&unknown=2&scope=a&scope=b")).status_code == 200
