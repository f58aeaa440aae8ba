"""The portal while its database is out."""

import functools

import httpx
import pytest

import portal.app
from portal.base import MIGRATIONS
from portal.sessions import cookies
from servicekit.migrations import upgrade
from testkit.outages import answers_while_out, linked, short_waits
from testkit.plugin import DatabaseFactory
from tests.portal.conftest import settings_of

NOWHERE = "http://127.0.0.1:1"


async def test_calls_are_refused_for_a_moment_while_the_database_is_out(
    database_factory: DatabaseFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_waits(monkeypatch, "portal")
    async with linked(await database_factory("portal", functools.partial(upgrade, MIGRATIONS))) as link:
        app = portal.app.build(settings_of(NOWHERE, "http://portal.test", link.url, NOWHERE))
        headers = {"cookie": f"{cookies.NAME}=unknown", "x-csrf": "1", "sec-fetch-site": "same-origin"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://portal.test", headers=headers
        ) as http:
            await answers_while_out(link, lambda: http.get("/api/office/v1/tasks/counts"))
        await app.state.database.close()
