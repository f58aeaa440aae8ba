"""Identity while its database is out: keys and discovery go on."""

import httpx
import pytest

from services.identity.tests.support.running_identity import ISSUER, running, with_one_line
from testkit.clock import FrozenClock
from testkit.outages import answers_while_out, linked, short_waits
from testkit.plugin import DatabaseFactory


async def test_calls_are_refused_for_a_moment_and_keys_served_while_the_database_is_out(
    database_factory: DatabaseFactory, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_waits(monkeypatch, "identity")
    async with (
        linked(await database_factory("identity", with_one_line)) as link,
        running(link.url, clock, ISSUER) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http,
    ):
        asked = {"grant_type": "client_credentials"}

        async def keys() -> httpx.Response:
            discovery = await http.get("/.well-known/openid-configuration")
            return discovery if discovery.status_code != 200 else await http.get("/jwks")

        await answers_while_out(
            link, lambda: http.post("/token", data=asked, auth=("office", "o" * 40)), others=keys
        )
