"""`Idempotency-Key`: a retried write answers what the first one answered, and writes nothing."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import null, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.servicekit.tests.support.notes_service import idempotency_keys
from servicekit.db import Database
from servicekit.idempotency import claim
from servicekit.lanes import InSession

NOTES = "/api/v1/notes"
KEY = {"Idempotency-Key": "0190-retry-me", "x-subject": "zhang"}


async def test_a_retry_gets_the_first_answer_and_has_no_effect(
    client: httpx.AsyncClient, titles: Any, keys: Any
) -> None:
    first = await client.post(NOTES, json={"title": "one"}, headers=KEY)
    again = await client.post(NOTES, json={"title": "one"}, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await titles() == ["one"]
    assert await keys() == 1


async def test_a_retry_gets_the_headers_of_the_first_answer(client: httpx.AsyncClient) -> None:
    first = await client.post(NOTES, json={"title": "one"}, headers=KEY)
    again = await client.post(NOTES, json={"title": "one"}, headers=KEY)
    assert first.headers["etag"] == again.headers["etag"] == '"1"'
    assert first.headers["location"] == again.headers["location"] == f"{NOTES}/{first.json()['id']}"


async def test_an_answer_stored_by_the_former_release_has_no_headers(
    client: httpx.AsyncClient, database: Database
) -> None:
    first = await client.post(NOTES, json={"title": "one"}, headers=KEY)
    async with database.transaction() as session:
        await session.execute(update(idempotency_keys).values(headers=null()))
    again = await client.post(NOTES, json={"title": "one"}, headers=KEY)
    assert again.json() == first.json()
    assert "etag" not in again.headers


async def test_a_key_without_a_caller_is_an_error(app: FastAPI) -> None:
    request = Request({"type": "http", "app": app})
    with pytest.raises(ValueError, match="authenticated caller"):
        await claim(request, InSession(AsyncSession()), caller="", key="0190-retry-me")


async def test_the_key_with_another_body_is_refused(client: httpx.AsyncClient, titles: Any) -> None:
    await client.post(NOTES, json={"title": "one"}, headers=KEY)
    response = await client.post(NOTES, json={"title": "two"}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert await titles() == ["one"]


async def test_a_key_belongs_to_its_caller(client: httpx.AsyncClient, titles: Any) -> None:
    await client.post(NOTES, json={"title": "one"}, headers=KEY)
    other = await client.post(NOTES, json={"title": "two"}, headers={**KEY, "x-subject": "li"})
    assert other.status_code == 201
    assert await titles() == ["one", "two"]


async def test_a_refreshed_token_is_still_the_same_caller(client: httpx.AsyncClient, titles: Any) -> None:
    first = await client.post(NOTES, json={"title": "one"}, headers={**KEY, "authorization": "Bearer first"})
    again = await client.post(NOTES, json={"title": "one"}, headers={**KEY, "authorization": "Bearer second"})
    assert first.json() == again.json()
    assert await titles() == ["one"]


async def test_without_a_key_every_request_counts(client: httpx.AsyncClient, titles: Any, keys: Any) -> None:
    await client.post(NOTES, json={"title": "one"})
    await client.post(NOTES, json={"title": "two"})
    assert await titles() == ["one", "two"]
    assert await keys() == 0


@pytest.mark.parametrize("key", ["short", "x" * 129])
async def test_a_key_that_is_too_short_or_too_long_is_refused(client: httpx.AsyncClient, key: str) -> None:
    response = await client.post(NOTES, json={"title": "one"}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_shape")


async def test_twins_at_the_same_moment_have_one_effect_and_one_answer(
    app: FastAPI, client: httpx.AsyncClient, titles: Any
) -> None:
    gate = app.state.gate
    gate.open.clear()
    twins = [asyncio.create_task(client.post(NOTES, json={"title": "one"}, headers=KEY)) for _ in range(4)]
    await gate.entered.wait()
    await asyncio.sleep(0.2)
    gate.open.set()
    answers = await asyncio.gather(*twins)
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.text for answer in answers if "idempotency-replayed" not in answer.headers}) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 3
    assert await titles() == ["one"]


@pytest.mark.parametrize(("title", "status"), [("refused", 409), ("defect", 500), ("", 422)])
async def test_a_failed_request_leaves_no_key(
    client: httpx.AsyncClient, titles: Any, keys: Any, title: str, status: int
) -> None:
    assert (await client.post(NOTES, json={"title": title}, headers=KEY)).status_code == status
    assert await keys() == 0
    mended = await client.post(NOTES, json={"title": "mended"}, headers=KEY)
    assert mended.status_code == 201
    assert await titles() == ["mended"]


async def test_a_commit_that_fails_leaves_no_key(client: httpx.AsyncClient, keys: Any) -> None:
    await client.post(NOTES, json={"title": "once"})
    assert (await client.post(NOTES, json={"title": "once"}, headers=KEY)).status_code == 500
    assert await keys() == 0


async def test_a_refusal_that_keeps_changes_does_not_answer_for_the_retry(
    client: httpx.AsyncClient, titles: Any
) -> None:
    first = await client.post(NOTES, json={"title": "attempted"}, headers=KEY)
    assert (first.status_code, first.json()["code"]) == (403, "attempted")
    other = await client.post(NOTES, json={"title": "mended"}, headers=KEY)
    assert other.status_code == 201, other.text
    again = await client.post(NOTES, json={"title": "mended"}, headers=KEY)
    assert again.json() == other.json()
    assert await titles() == ["attempted", "mended"]


async def test_a_twin_waiting_for_a_request_that_fails_takes_its_place(
    app: FastAPI, client: httpx.AsyncClient, titles: Any
) -> None:
    gate = app.state.gate
    gate.open.clear()
    first = asyncio.create_task(client.post(NOTES, json={"title": "refused"}, headers=KEY))
    await gate.entered.wait()
    second = asyncio.create_task(client.post(NOTES, json={"title": "mended"}, headers=KEY))
    await asyncio.sleep(0.2)
    gate.open.set()
    assert ((await first).status_code, (await second).status_code) == (409, 201)
    assert await titles() == ["mended"]
