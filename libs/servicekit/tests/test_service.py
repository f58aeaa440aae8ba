"""What every service has beside its endpoints: health, metrics, reference pages, settings, reach."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from sqlalchemy import Column, Table, Uuid, insert, select, text

from contracts.vocabulary import Vocabulary
from libs.servicekit.tests.support.notes_service import service
from servicekit.db import Database, new_metadata
from servicekit.ids import new_id
from servicekit.ltree import LTree, is_under, under
from servicekit.settings import ServiceSettings
from testkit.plugin import DatabaseFactory

UNREACHABLE = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere"


# --- health and metrics ---


async def test_a_service_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": {"database": "ok"}})


async def test_codes_of_the_api_have_chinese_names_for_anybody(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    class Colour(Vocabulary):
        RED = "red", "红色"
        BLUE = "blue", "蓝色"

    @app.get("/api/v1/colour")
    async def colour() -> Colour:
        return Colour.RED

    answer = await client.get("/api/v1/vocabulary")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    words = [{"code": "red", "label": "红色"}, {"code": "blue", "label": "蓝色"}]
    assert {"name": "Colour", "words": words} in answer.json()["items"]


async def test_a_service_without_its_database_is_alive_but_not_ready() -> None:
    app = service(UNREACHABLE)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes.test") as client:
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["status"] == "unavailable"
        assert ready.json()["checks"]["database"] != "ok"
        assert "nothing" not in ready.text, "neither password nor address"
        assert "127.0.0.1" not in ready.text


async def test_a_check_that_fails_or_hangs_is_named(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: Any
) -> None:
    monkeypatch.setattr("servicekit.health._TIMEOUT_SECONDS", 0.05)

    async def fails() -> None:
        raise ConnectionError("amqp://guest:guest@broker")

    async def hangs() -> None:
        await asyncio.sleep(60)

    async def passes() -> None:
        """In place of the real database, which may take longer than the test waits."""

    app.state.checks = {**app.state.checks, "database": passes, "bus": fails, "store": hangs}
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"database": "ok", "bus": "ConnectionError", "store": "TimeoutError"}


async def test_metrics_count_requests_by_route_template_and_status(client: httpx.AsyncClient) -> None:
    await client.get("/api/v1/search", params={"q": "13800000000"})
    await client.get("/api/v1/defect")
    await client.get("/no/such/path/13800000000")
    metrics = await client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    lines = [line for line in metrics.text.splitlines() if line.startswith("zhuxue_http_requests_total{")]
    assert any('route="/api/v1/search"' in line and 'status="200"' in line for line in lines)
    assert any('route="/api/v1/defect"' in line and 'status="500"' in line for line in lines)
    assert any('route="-"' in line and 'status="404"' in line for line in lines)
    assert "13800000000" not in metrics.text


# --- the reference pages ---


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_reference_works_without_internet(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    assert re.findall(r"(?:https?:)?//[A-Za-z0-9][^\s\"'<>]*", page.text) == [], "nothing from another host"
    assets = re.findall(r"(?:src|href)=[\"'](/[^\"']+)", page.text)
    assert assets
    for asset in assets:
        assert (await client.get(asset)).status_code == 200, asset


async def test_openapi_declares_problems_with_their_codes(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert {"ProblemBody", "FieldError"} <= document["components"]["schemas"].keys()
    refusal = document["paths"]["/api/v1/notes"]["post"]["responses"]["422"]["content"]
    assert "invalid_shape" in refusal["application/problem+json"]["examples"]
    assert not {"/livez", "/metrics", "/docs"} & document["paths"].keys()
    _every_reference_resolves(document, document)


def _every_reference_resolves(part: Any, document: dict[str, Any]) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            target: Any = document
            for name in part["$ref"].removeprefix("#/").split("/"):
                target = target[name]
        for value in part.values():
            _every_reference_resolves(value, document)
    elif isinstance(part, list):
        for value in part:
            _every_reference_resolves(value, document)


# --- settings ---

GOOD: dict[str, Any] = {
    "database_url": "postgresql+asyncpg://db/x",
    "issuer": "https://identity.zhuxue.test/",
    "rabbitmq_url": "amqp://broker",
    "public_url": "https://bg.zhuxue.test",
}


def test_production_is_the_default_and_needs_a_broker() -> None:
    assert not ServiceSettings.model_validate(GOOD).dev
    with pytest.raises(ValidationError, match="rabbitmq_url is required"):
        ServiceSettings.model_validate({**GOOD, "rabbitmq_url": None})
    assert ServiceSettings.model_validate({**GOOD, "rabbitmq_url": None, "mode": "dev"}).dev


def test_rfc9449_4_3_production_needs_the_address_that_proofs_name() -> None:
    """Without it, `htu` would be compared with the caller's own Host header."""
    with pytest.raises(ValidationError, match="public_url is required"):
        ServiceSettings.model_validate({**GOOD, "public_url": None})


@pytest.mark.parametrize("url", ["", " "])
def test_a_broker_that_is_named_but_empty_is_none(url: str) -> None:
    with pytest.raises(ValidationError, match="rabbitmq_url is required"):
        ServiceSettings.model_validate({**GOOD, "rabbitmq_url": url})


def test_production_refuses_every_origin() -> None:
    with pytest.raises(ValidationError, match="must not be"):
        ServiceSettings.model_validate({**GOOD, "cors_origins": ["https://portal.zhuxue.test", "*"]})
    ServiceSettings.model_validate({**GOOD, "cors_origins": ["*"], "mode": "dev"})


@pytest.mark.parametrize("missing", ["database_url", "issuer"])
def test_what_has_no_default_must_be_given(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(missing.upper(), raising=False)
    with pytest.raises(ValidationError, match=missing):
        ServiceSettings.model_validate({name: value for name, value in GOOD.items() if name != missing})


def test_the_issuer_stands_as_in_tokens() -> None:
    assert ServiceSettings.model_validate(GOOD).issuer_url == "https://identity.zhuxue.test"


def test_the_public_address_is_an_origin() -> None:
    assert ServiceSettings.model_validate({**GOOD, "public_url": None, "mode": "dev"}).public_origin is None
    for url in ("https://bg.example.org", "https://bg.example.org/"):
        settings = ServiceSettings.model_validate({**GOOD, "public_url": url})
        assert settings.public_origin == "https://bg.example.org"
    for url in ("https://bg.example.org/office", "https://bg.example.org/?x", "bg.example.org"):
        with pytest.raises(ValidationError, match="public_url"):
            ServiceSettings.model_validate({**GOOD, "public_url": url})


# --- reach ---

METADATA = new_metadata()
PLACES = Table("places", METADATA, Column("id", Uuid, primary_key=True), Column("path", LTree))
PATHS = ("100000", "100000.370000", "100000.370000.370100", "100000.3700001", "100000.370200", "660000")


async def test_reach_is_the_same_rule_in_the_query_and_in_python(database_factory: DatabaseFactory) -> None:
    database = Database(await database_factory("places"), plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(text("CREATE EXTENSION IF NOT EXISTS ltree"))
        await (await session.connection()).run_sync(METADATA.create_all)
        await session.execute(insert(PLACES), [{"id": new_id(), "path": path} for path in PATHS])
        for ancestor in PATHS:
            found = await session.scalars(select(PLACES.c.path).where(under(PLACES.c.path, ancestor)))
            assert set(found) == {path for path in PATHS if is_under(path, ancestor)}
        other = PLACES.alias()
        pairs = await session.execute(
            select(PLACES.c.path, other.c.path).where(under(PLACES.c.path, other.c.path))
        )
        assert {tuple(pair) for pair in pairs} == {(a, b) for a in PATHS for b in PATHS if is_under(a, b)}
    await database.close()


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://localhost", "http://127.0.0.1:8000", "http://[::1]:3000"]
)
def test_production_refuses_origins_on_this_machine(origin: str) -> None:
    with pytest.raises(ValidationError, match="localhost"):
        ServiceSettings.model_validate({**GOOD, "cors_origins": [origin]})
    ServiceSettings.model_validate({**GOOD, "cors_origins": [origin], "mode": "dev"})


@pytest.mark.parametrize(
    ("origin", "dev", "allowed"),
    [
        ("http://localhost:5173", True, True),
        ("http://127.0.0.1:49152", True, True),
        ("http://localhost", True, True),
        ("http://localhost:5173", False, False),
        ("https://localhost:5173", True, False),
        ("http://localhost.example.org:5173", True, False),
        ("http://localhost:5173.example.org", True, False),
        ("http://evil.example", True, False),
    ],
)
async def test_scripts_from_localhost_may_call_in_dev_mode_only(
    database_url: str, origin: str, dev: bool, allowed: bool
) -> None:
    if dev:
        app = service(database_url, mode="dev")
    else:
        app = service(
            database_url, mode="production", rabbitmq_url="amqp://localhost/", public_url="https://x.example"
        )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as http:
        answer = await http.get("/livez", headers={"origin": origin})
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        asked = await http.options(
            "/livez", headers={"origin": origin, "access-control-request-method": "GET"}
        )
        assert ("access-control-allow-origin" in asked.headers) is allowed
