"""A service whose database is stopped or hangs."""

import itertools
import json

import httpx
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from libs.servicekit.tests.support.notes_service import service
from servicekit.db import Database
from servicekit.lanes import Statement
from servicekit.outages import DatabaseBusy, Waits, serving, unavailable
from testkit.outages import answers_while_out, linked

NOTES = "/api/v1/notes"


async def test_an_outage_is_one_line_of_the_log_for_each_request(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = itertools.count()
    async with linked(database_url) as link:
        app = service(link.url, database_statement_seconds=0.2, database_connect_seconds=0.2)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://notes.test") as http:
            capsys.readouterr()
            await answers_while_out(link, lambda: http.post(NOTES, json={"title": f"{next(numbers)}"}))
        await app.state.database.close()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    answers = [line["status"] for line in lines if line["event"] == "request"]
    outages = [line for line in lines if line["event"] == "database unavailable"]
    assert len(outages) == answers.count(503) >= 2
    assert {outage["route"] for outage in outages} == {NOTES}
    assert not any("exception" in line for line in lines)


async def test_only_statements_of_requests_are_limited(database_url: str) -> None:
    database = Database(database_url, plans="force_custom_plan", waits=Waits(statement=0.05))
    slow = "SELECT pg_sleep(0.2)"
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql(slow)
    with serving(), pytest.raises(Exception, match="closed") as lost:
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql(slow)
    assert unavailable(lost.value)
    with serving():
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")
    await database.close()


def of_several(database_url: str, wanted: str, *others: str) -> str:
    """The server among `others`, as in deploy/ha.yaml."""
    url = make_url(database_url)
    hosts = (*others, f"{url.host}:{url.port}", f"{url.host}:{url.port}")
    several = url.set(host=None, port=None, query={"host": hosts, "target_session_attrs": wanted})
    return several.render_as_string(hide_password=False)


async def test_the_server_that_can_be_written_to_is_found_among_several(database_url: str) -> None:
    # Nobody listens at the first.
    url = of_several(database_url, "read-write", "127.0.0.1:9")
    database = Database(url, plans="force_custom_plan")
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    async with database.lanes.single() as lane:
        assert (await lane.first(Statement(text("SELECT 2 AS number")), {})).number == 2
    await database.close()


async def test_servers_of_which_none_can_be_written_to_are_an_outage(database_url: str) -> None:
    # As before a standby takes over, but the other way round: there is only a primary.
    database = Database(of_several(database_url, "standby"), plans="force_custom_plan")
    with pytest.raises(DBAPIError) as lost:
        async with database.engine.connect():
            pass
    assert unavailable(lost.value)
    with pytest.raises(DatabaseBusy):
        async with database.lanes.single() as lane:
            await lane.first(Statement(text("SELECT 1")), {})
    await database.close()
