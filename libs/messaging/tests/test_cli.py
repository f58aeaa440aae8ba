"""The command `dead-letters` of a service."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select

from libs.messaging.tests.support.sample_service import SampleService, committed, outbox, subscription, tables
from messaging.cli import Service, main
from servicekit.settings import ServiceSettings


def commands_of(service: SampleService) -> Service[ServiceSettings]:
    def settings() -> ServiceSettings:
        return ServiceSettings.model_validate(
            {"mode": "dev", "database_url": service.database_url, "issuer": "http://localhost"}
        )

    return Service("sample", settings, lambda _: FastAPI(), Path("/"), tables)


async def command(service: SampleService, *words: str) -> int:
    """As a process of its own would run it: with a loop of its own."""
    return await asyncio.to_thread(main, commands_of(service), ["dead-letters", *words])


async def test_dead_letters_are_listed_replayed_and_discarded(
    rabbit: SampleService, capsys: pytest.CaptureFixture[str]
) -> None:
    event = committed()
    first, second = await rabbit.publish(event, committed())
    for row in await _messages(rabbit):
        await rabbit.processor().give_up("sample.effects", row, "RuntimeError: not yet", 8)

    capsys.readouterr()

    assert await command(rabbit, "list", "sample.effects") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{first}\t{event.type}\t{event.batch_id}\tRuntimeError: not yet"
    assert len(lines) == 2

    assert await command(rabbit, "discard", "sample.effects", str(second)) == 0
    assert await command(rabbit, "replay", "sample.effects") == 0
    assert capsys.readouterr().out == "1 discarded\n1 replayed\n"
    async with rabbit.running(subscription()):
        await rabbit.has_effects(first)


async def test_the_queue_of_another_service_is_refused(
    rabbit: SampleService, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        await command(rabbit, "list", "office.directory")
    assert "not a queue of sample" in capsys.readouterr().err


async def _messages(service: SampleService) -> list[bytes]:
    """Take the events out of the outbox."""
    async with service.database.transaction() as session:
        rows = await session.scalars(select(outbox.row).order_by(outbox.row.seq))
        messages = [row.envelope().model_dump_json().encode() for row in rows]
        await session.execute(delete(outbox.row))
    return messages
