"""Office while its database is out."""

import pytest

from services.office.tests.support.running_office import migrate, running
from services.office.tests.support.world import SMALL, World
from testkit.clock import FrozenClock
from testkit.outages import answers_while_out, linked, short_waits
from testkit.plugin import DatabaseFactory


async def test_calls_are_refused_for_a_moment_while_the_database_is_out(
    database_factory: DatabaseFactory, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_waits(monkeypatch, "office")
    async with (
        linked(await database_factory("office", migrate)) as link,
        running(link.url, clock, World.of(SMALL)) as office,
    ):
        centre = office.unit("100000")
        await answers_while_out(link, lambda: centre.get("/api/v1/number-series"))
        # Through a lane.
        await answers_while_out(link, lambda: centre.get("/api/v1/notices/inbox/counts"))
