"""Cockpit while its database is out."""

import pytest

from services.cockpit.tests.support.running_cockpit import World, migrate, prepared
from testkit.outages import answers_while_out, linked, short_waits
from testkit.plugin import DatabaseFactory


async def test_calls_are_refused_for_a_moment_while_the_database_is_out(
    database_factory: DatabaseFactory,
    analytics_dsn: str,
    world: World,
    configured_logs: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_waits(monkeypatch, "cockpit")
    async with linked(await database_factory("cockpit", migrate)) as link:
        start = await prepared(link.url, analytics_dsn, 4096, world)
        async with start() as cockpit:
            unit, bearer = str(world["county"].id), cockpit.bearer()
            await answers_while_out(
                link,
                lambda: cockpit.http.get(
                    "/api/v1/overview", params={"unit": unit, "year": 2017}, headers=bearer
                ),
            )
