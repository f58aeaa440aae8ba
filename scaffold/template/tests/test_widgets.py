"""Widgets over HTTP: the life cycle of one, and each error."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.vocabulary import Audience, Role
from sample.base import MIGRATIONS, tables
from sample.widgets.auth import SCOPE
from sample.widgets.endpoints import router
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.clock import FrozenClock
from testkit.feature import Place, RunningFeature, running
from testkit.plugin import DatabaseFactory

WIDGETS = "/api/v1/widgets"
COUNTY = Place("370102", "100000.370000.370100.370102")
OTHER = Place("370103", "100000.370000.370100.370103")
CITY = Place("370100", "100000.370000.370100")
TITLE = "核对受助学生名单"


async def migrate(url: str) -> None:
    await upgrade(MIGRATIONS, url)


@pytest.fixture
def clock() -> FrozenClock:
    """The morning of Monday 2023-05-08 in Beijing."""
    return FrozenClock(datetime(2023, 5, 8, 1, tzinfo=UTC))


@pytest_asyncio.fixture
async def feature(database_factory: DatabaseFactory, clock: FrozenClock) -> AsyncIterator[RunningFeature]:
    async with running(
        await database_factory("sample", migrate),
        router,
        audience=Audience.of("sample"),
        scope=SCOPE,
        idempotency_keys=tables.idempotency_keys,
        clock=clock,
    ) as feature:
        yield feature


@pytest.fixture
def handler(feature: RunningFeature) -> httpx.AsyncClient:
    return feature.person(COUNTY, Role.HANDLER)


async def created(http: httpx.AsyncClient, title: str = TITLE) -> str:
    response = await http.post(WIDGETS, json={"title": title})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, str(response.json()["code"])


async def test_a_widget_is_created_read_and_closed(handler: httpx.AsyncClient) -> None:
    widget_id = await created(handler, f"  {TITLE}  ")
    shown = (await handler.get(f"{WIDGETS}/{widget_id}")).json()
    assert (shown["title"], shown["closed_at"], shown["version"]) == (TITLE, None, 1)
    closed = (await handler.post(f"{WIDGETS}/{widget_id}/close")).json()
    assert (closed["closed_at"], closed["version"]) == ("2023-05-08T01:00:00Z", 2)
    again = await handler.post(f"{WIDGETS}/{widget_id}/close")
    assert code_of(again) == (409, "widget_closed")


async def test_a_retry_with_the_same_key_creates_one_widget(handler: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first = await handler.post(WIDGETS, json={"title": TITLE}, headers=headers)
    second = await handler.post(WIDGETS, json={"title": TITLE}, headers=headers)
    assert first.json() == second.json()
    assert len((await handler.get(WIDGETS)).json()["items"]) == 1


async def test_a_list_is_cut_into_pages_newest_first(handler: httpx.AsyncClient) -> None:
    ids = [await created(handler) for _ in range(3)]
    first = (await handler.get(WIDGETS, params={"limit": 2})).json()
    rest = (await handler.get(WIDGETS, params={"limit": 2, "cursor": first["next"]})).json()
    assert [widget["id"] for widget in [*first["items"], *rest["items"]]] == ids[::-1]
    assert rest["next"] is None


async def test_units_above_see_a_widget_and_others_do_not(
    feature: RunningFeature, handler: httpx.AsyncClient
) -> None:
    widget_id = await created(handler)
    above, beside = feature.person(CITY), feature.person(OTHER)
    assert (await above.get(f"{WIDGETS}/{widget_id}")).status_code == 200
    assert len((await above.get(WIDGETS)).json()["items"]) == 1
    assert code_of(await beside.get(f"{WIDGETS}/{widget_id}")) == (404, "not_found")
    assert (await beside.get(WIDGETS)).json()["items"] == []


async def test_only_the_unit_itself_closes_its_widget(
    feature: RunningFeature, handler: httpx.AsyncClient
) -> None:
    widget_id = await created(handler)
    above = feature.person(CITY, Role.HANDLER)
    assert code_of(await above.post(f"{WIDGETS}/{widget_id}/close")) == (404, "not_found")
    missing = await handler.post(f"{WIDGETS}/{new_id()}/close")
    assert code_of(missing) == (404, "not_found")


async def test_a_title_without_words_is_refused(handler: httpx.AsyncClient) -> None:
    assert code_of(await handler.post(WIDGETS, json={"title": " "})) == (400, "bad_widget_title")
    assert (await handler.post(WIDGETS, json={})).status_code == 422


async def test_reading_needs_membership_and_writing_a_role(feature: RunningFeature) -> None:
    reader = feature.person(COUNTY, Role.REVIEWER)
    assert (await reader.get(WIDGETS)).status_code == 200
    assert code_of(await reader.post(WIDGETS, json={"title": TITLE})) == (403, "permission_required")
    assert code_of(await feature.anonymous().get(WIDGETS)) == (401, "unauthenticated")
    other_scope = feature.person(COUNTY, Role.HANDLER, scope="openid")
    assert code_of(await other_scope.get(WIDGETS)) == (403, "insufficient_scope")
