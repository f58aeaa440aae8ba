"""Applications of one process share what is the same for them, and nothing else."""

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from sqlalchemy import bindparam, select
from sqlalchemy.pool import NullPool

from servicekit.engine import new_engine
from testkit import reuse
from testkit.plugin import DatabaseFactory


@pytest.fixture(autouse=True)
def installed() -> None:
    reuse.install()
    reuse.install()


async def who() -> str:
    return "somebody"


def a_router() -> APIRouter:
    router = APIRouter()

    @router.get("/who")
    async def answer(request: Request, name: str = Depends(who)) -> dict[str, str]:
        return {"application": request.app.title, "name": name}

    return router


async def answer_of(app: FastAPI, path: str = "/who") -> object:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return (await client.get(path)).json()


def application(title: str, router: APIRouter, prefix: str = "") -> FastAPI:
    app = FastAPI(title=title)
    app.include_router(router, prefix=prefix)
    return app


def prepared(app: FastAPI) -> list[object]:
    """The routes that FastAPI has prepared for an application."""
    included = [one for one in app.routes if hasattr(one, "effective_candidates")]
    return [id(route) for one in included for route in one.effective_candidates()]


async def test_a_route_is_prepared_once_for_applications_that_include_it_alike() -> None:
    router = a_router()
    first, second = application("first", router), application("second", router)
    assert prepared(first) == prepared(second) != []
    assert await answer_of(first) == {"application": "first", "name": "somebody"}
    assert await answer_of(second) == {"application": "second", "name": "somebody"}


async def test_another_prefix_is_another_route() -> None:
    router = a_router()
    first, second = application("first", router), application("second", router, prefix="/below")
    assert await answer_of(first) == {"application": "first", "name": "somebody"}
    assert await answer_of(second, "/below/who") == {"application": "second", "name": "somebody"}
    assert prepared(first) != prepared(second)


async def test_a_dependency_is_overridden_in_its_application_only() -> None:
    router = a_router()
    first, second = application("first", router), application("second", router)
    second.dependency_overrides[who] = lambda: "another"
    assert await answer_of(first) == {"application": "first", "name": "somebody"}
    assert await answer_of(second) == {"application": "second", "name": "another"}


async def test_a_statement_is_compiled_once_for_all_databases_of_a_server(
    database_factory: DatabaseFactory,
) -> None:
    urls = [await database_factory("reuse") for _ in range(3)]
    seen = []
    for number, url in enumerate(urls):
        engine = new_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            assert await connection.scalar(select(bindparam("n", number))) == number
            database = await connection.scalar(select(bindparam("name", "x").op("||")("y")))
        assert database == "xy"
        seen.append((engine.dialect, engine.sync_engine._compiled_cache))
        await engine.dispose()
    assert seen[1] == seen[2]
    assert seen[1][0] is seen[2][0]
    assert len(seen[2][1] or {}) > 0


async def test_engines_with_other_options_keep_their_own_dialect(database_factory: DatabaseFactory) -> None:
    url = await database_factory("reuse")
    plain = new_engine(url, poolclass=NullPool)
    async with plain.connect():
        pass
    other = new_engine(url, poolclass=NullPool, json_serializer=str)
    assert other.dialect is not plain.dialect
    again = new_engine(url, poolclass=NullPool)
    assert again.dialect is plain.dialect


async def test_clients_share_the_certificates_of_authorities() -> None:
    def context(client: httpx.AsyncClient) -> object:
        transport = client._transport
        assert isinstance(transport, httpx.AsyncHTTPTransport)
        return transport._pool._ssl_context

    async with httpx.AsyncClient() as one, httpx.AsyncClient() as other:
        assert context(one) is context(other)
    async with httpx.AsyncClient(verify=False) as careless:
        assert context(careless) is not context(one)
