"""Round trips through the servers that the fixtures found or started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from testkit.backends import UnavailableError, postgresql
from testkit.backends.process import PrivateProcess
from testkit.plugin import DatabaseFactory
from testkit.postgres import Templates


async def test_postgresql_round_trip_with_ltree(
    postgres_server: str, database_factory: DatabaseFactory
) -> None:
    url = await database_factory("roundtrip")
    assert url.startswith("postgresql+asyncpg://")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION ltree"))
        inside = await connection.scalar(text("SELECT '100000.370000'::ltree <@ '100000'::ltree"))
    await engine.dispose()
    assert inside is True


async def test_rabbitmq_delivers_through_a_topic_exchange(rabbitmq_url: str, event_namespace: str) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.declare_exchange(
            f"{event_namespace}.events", aio_pika.ExchangeType.TOPIC, auto_delete=True
        )
        queue = await channel.declare_queue(f"{event_namespace}.all", exclusive=True)
        await queue.bind(exchange, "zhuxue.#")
        await exchange.publish(aio_pika.Message("通知".encode()), "zhuxue.office.notice.published.v1")
        message = await queue.get(timeout=5)
        await message.ack()
    assert message.body.decode() == "通知"


async def test_rabbitmq_takes_quorum_queues_with_a_delivery_limit(
    rabbitmq_url: str, event_namespace: str
) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue(
            f"{event_namespace}.quorum",
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": 5},
        )
        persistent = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(persistent, queue.name)
        message = await queue.get(timeout=5)
        assert message is not None
        await message.ack()
        # A quorum queue refuses the conditions that the client sends by default.
        await queue.delete(if_unused=False, if_empty=False)
    assert message.body == b"kept"


def test_namespaces_differ_and_are_short(event_namespace: str) -> None:
    assert len(event_namespace) == 11
    assert event_namespace.isalnum()


def test_a_private_postgresql_runs_from_a_copy_where_only_root_may_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as somebody else")
    monkeypatch.setattr(postgresql, "_reachable_by", lambda user, path: False)
    backend = postgresql._embedded()
    postgresql.probe(backend.url)
    backend.stop()
    with pytest.raises(UnavailableError):
        postgresql.probe(backend.url)


def test_stop_ends_the_process_and_removes_its_directory(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    process = PrivateProcess(["sleep", "60"], log=tmp_path / "log", directories=[directory])
    assert process.alive()
    process.stop(signal.SIGTERM)
    assert not process.alive()
    assert not directory.exists()


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    program = (
        "import sys, time, pathlib; from testkit.backends.process import PrivateProcess as P;"
        "d = pathlib.Path(sys.argv[1]);"
        "print(P(['sleep', '60'], log=d.parent / 'log', directories=[d]).pid, flush=True); time.sleep(60)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    run.kill()
    run.wait()
    run.stdout.close()
    deadline = time.monotonic() + 5
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not directory.exists()
    # Whoever adopted the process may be slow to reap it: a zombie serves nothing any more.
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


async def test_a_discarded_database_is_gone_when_the_next_is_made(database_templates: Templates) -> None:
    url = await database_templates.new_database("gone")
    database_templates.discard(url)
    database_templates.discard(await database_templates.new_database("next"))
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await postgresql.connect(url)
