"""The shortcuts find the same endpoint as FastAPI, and solve each dependency once."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header

from servicekit import routing

calls: list[str] = []


async def base() -> str:
    calls.append("base")
    return "base"


async def middle(base: Annotated[str, Depends(base)]) -> str:
    calls.append("middle")
    return f"middle({base})"


async def checked(key: Annotated[str | None, Header(min_length=3)] = None) -> str | None:
    return key


async def top(middle: Annotated[str, Depends(middle)], base: Annotated[str, Depends(base)]) -> str:
    return f"top({middle}, {base})"


def app() -> FastAPI:
    app, notices, others = FastAPI(redirect_slashes=False), APIRouter(prefix="/api/v1/notices"), APIRouter()

    @notices.get("/inbox")
    async def inbox() -> str:
        return "inbox"

    @notices.get("/{number}")
    async def get(number: int) -> str:
        return f"get {number}"

    @notices.post("/{number}/sign")
    async def sign(
        number: int,
        top: Annotated[str, Depends(top)],
        middle: Annotated[str, Depends(middle)],
        first: Annotated[str | None, Depends(checked)],
        again: Annotated[str | None, Depends(checked)],
    ) -> str:
        return f"sign {number} {top} {middle} {first} {again}"

    @others.get("/api/v1/notices/late")
    async def late() -> str:
        return "late"

    @others.get("/files/{name:path}")
    async def file(name: str) -> str:
        return f"file {name}"

    @others.get("/files/of/all/here")
    async def shadowed() -> str:
        return "never"

    app.include_router(notices)
    app.include_router(others)
    return app


REQUESTS = [
    ("GET", "/api/v1/notices/inbox"),
    ("GET", "/api/v1/notices/7"),
    ("GET", "/api/v1/notices/seven"),
    ("GET", "/api/v1/notices/late"),
    ("POST", "/api/v1/notices/7"),
    ("POST", "/api/v1/notices/7/sign"),
    ("GET", "/api/v1/notices/7/sign"),
    ("GET", "/api/v1/notices"),
    ("GET", "/api/v1/notices/"),
    ("GET", "/files/of/all/here"),
    ("GET", "/files/"),
    ("GET", "/nowhere/at/all"),
]


async def answer(app: FastAPI, method: str, path: str, **headers: str) -> tuple[int, Any, str | None]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://a.test") as client:
        response = await client.request(method, path, headers=headers)
    return response.status_code, response.json(), response.headers.get("allow")


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_a_path_leads_where_it_led_before(method: str, path: str) -> None:
    plain, short = app(), app()
    routing.prune(short)
    routing.index(short)
    assert await answer(short, method, path) == await answer(plain, method, path)


async def test_each_dependency_is_solved_once_and_its_errors_stay() -> None:
    plain, short = app(), app()
    routing.prune(short)
    sign = "/api/v1/notices/7/sign"
    calls.clear()
    expected = (200, "sign 7 top(middle(base), base) middle(base) long long", None)
    assert await answer(short, "POST", sign, key="long") == expected
    assert calls == ["base", "middle"]
    assert await answer(short, "POST", sign, key="x") == await answer(plain, "POST", sign, key="x")
