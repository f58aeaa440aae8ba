"""A DPoP proof is accepted once by all processes of a service together (RFC 9449 §11.1)."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from authkit.dependencies import Authenticated
from authkit.dpop import PAST_SECONDS, Proof
from authkit.jwks import KeySet
from authkit.proofs import SharedProofs, make_proof_table
from authkit.tokens import TokenVerifier
from libs.authkit.tests.test_dpop import KEY, URL, make
from servicekit import problems
from servicekit.db import Database, new_metadata
from testkit.outages import Link
from testkit.plugin import DatabaseFactory
from testkit.tokens import TokenFactory

METADATA = new_metadata()
TABLE = make_proof_table(METADATA)


async def _create(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()


@pytest_asyncio.fixture
async def link(database_factory: DatabaseFactory) -> AsyncIterator[Link]:
    link = Link(await database_factory("proofs", _create))
    await link.restore()
    yield link
    await link.cut()


@pytest_asyncio.fixture
async def databases(link: Link) -> AsyncIterator[list[Database]]:
    """The connections of two processes to one database."""
    both = [Database(link.url, plans="force_generic_plan", pool_size=4) for _ in range(2)]
    yield both
    for database in both:
        await database.close()


@pytest.fixture
def memories(databases: list[Database]) -> list[SharedProofs]:
    return [SharedProofs(database, TABLE) for database in databases]


@pytest.fixture
async def processes(
    memories: list[SharedProofs], issuer: TokenFactory, keys: KeySet
) -> list[httpx.AsyncClient]:
    """Clients of two processes of a service."""
    clients = []
    for proofs in memories:
        app = FastAPI()
        app.state.verifier = TokenVerifier(
            issuer=issuer.issuer, audience=issuer.audience, keys=keys, proofs=proofs
        )
        app.state.public_origin = URL
        problems.install(app)

        @app.get("/me")
        async def me(_: Authenticated) -> None:
            pass

        clients.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL))
    return clients


async def test_a_proof_that_one_process_has_accepted_is_refused_by_another(
    processes: list[httpx.AsyncClient], issuer: TokenFactory
) -> None:
    token = issuer.access_token(cnf={"jkt": KEY.thumbprint()})
    first, second = processes
    headers = {"Authorization": f"DPoP {token}", "DPoP": make(token=token)}
    assert (await first.get("/me", headers=headers)).status_code == 200
    again = await second.get("/me", headers=headers)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_dpop_proof")
    other = headers | {"DPoP": make(token=token, jti="another")}
    assert (await second.get("/me", headers=other)).status_code == 200


async def test_of_simultaneous_uses_one_is_accepted(memories: list[SharedProofs]) -> None:
    now = time.time()
    for number in range(10):
        proof = Proof(KEY.thumbprint(), str(number), None, now + PAST_SECONDS)
        outcomes = await asyncio.gather(*(memory.first(proof, now) for memory in memories * 3))
        assert outcomes.count(True) == 1


async def test_without_the_database_no_proof_is_accepted(
    processes: list[httpx.AsyncClient], issuer: TokenFactory, link: Link
) -> None:
    token = issuer.access_token(cnf={"jkt": KEY.thumbprint()})
    await link.cut()
    headers = {"Authorization": f"DPoP {token}", "DPoP": make(token=token)}
    answer = await processes[0].get("/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_busy")
    assert int(answer.headers["retry-after"]) > 0
    await link.restore()
    assert (await processes[0].get("/me", headers=headers)).status_code == 200


async def test_expired_proofs_are_forgotten(memories: list[SharedProofs], databases: list[Database]) -> None:
    now = time.time()
    for jti, until in (("old", now - 1), ("new", now + PAST_SECONDS)):
        assert await memories[0].first(Proof(KEY.thumbprint(), jti, None, until), now)
    await memories[1].forget()
    async with databases[0].transaction() as session:
        assert await session.scalar(select(func.count()).select_from(TABLE)) == 1
