"""Server-sent events: the wire format, slow and vanished browsers, and the stop of the process."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import Message

from servicekit import sse
from servicekit.shutdown import on_stop
from servicekit.sse import EventStream, Mailbox, message, retry

SCOPE: dict[str, Any] = {"type": "http"}


def mailbox(most: int = 10) -> Mailbox:
    return Mailbox(most, lambda: b"overflow\n\n")


class Connection:
    """The other side of an ASGI application: reads only while `reading` is set."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.gone = asyncio.Event()
        self.ended = 0

    async def send(self, message: Message) -> None:
        await self.reading.wait()
        self.sent.append(message)

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    def end(self) -> None:
        self.ended += 1

    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent)


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[Connection]:
    yield Connection()


def test_an_event_has_its_fields_on_lines_of_their_own() -> None:
    assert message(event="task", data='{"a":1}', id_="7-x") == b'event: task\nid: 7-x\ndata: {"a":1}\n\n'
    assert message(id_="7-x") == b"id: 7-x\n\n"
    assert retry(500) == b"retry: 500\n\n"


async def test_waiting_messages_are_sent_together_and_in_order() -> None:
    box = mailbox()
    for number in range(3):
        box.put(b"%d" % number)
    assert await box.take() == b"012"
    waiting = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    box.put(b"3")
    assert await waiting == b"3"


async def test_a_slow_browser_gets_one_message_instead_of_those_it_could_not_take() -> None:
    box = mailbox(most=3)
    for number in range(5):
        box.put(b"%d" % number)
    assert await box.take() == b"overflow\n\n4"


async def test_a_closed_mailbox_is_emptied_first() -> None:
    box = mailbox()
    box.put(b"one")
    box.close(b"last")
    box.put(b"late")
    assert box.closed
    assert await box.take() == b"onelast"
    assert await box.take() is None


async def test_a_stream_ends_with_its_mailbox(connection: Connection) -> None:
    box = mailbox()
    running = asyncio.create_task(
        EventStream(box, connection.end)(SCOPE, connection.receive, connection.send)
    )
    box.put(b"one")
    box.close(b"last")
    await running
    headers = dict(connection.sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store", b"no")
    assert b"content-length" not in headers
    assert connection.body() == b"onelast"
    assert connection.sent[-1]["more_body"] is False
    assert connection.ended == 1


async def test_a_vanished_browser_is_forgotten(connection: Connection) -> None:
    box = mailbox()
    running = asyncio.create_task(
        EventStream(box, connection.end)(SCOPE, connection.receive, connection.send)
    )
    connection.gone.set()
    await running
    assert (connection.ended, box.closed) == (1, True)


async def test_a_browser_that_does_not_read_is_given_up(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "SEND_SECONDS", 0.01)
    box = mailbox()
    connection.reading.clear()
    await EventStream(box, connection.end)(SCOPE, connection.receive, connection.send)
    assert (connection.ended, box.closed, connection.sent) == (1, True, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_callback_hears_of_the_signal_before_and_the_server_s_handler_after(
    number: signal.Signals,
) -> None:
    heard = asyncio.Event()
    before = list[int]()
    known = signal.signal(number, lambda signum, _: before.append(signum))
    try:
        with on_stop(heard.set):
            signal.raise_signal(number)
            await asyncio.wait_for(heard.wait(), 10)
        assert before == [number]
        heard.clear()
        signal.raise_signal(number)
        assert before == [number, number]
        assert not heard.is_set()
    finally:
        signal.signal(number, known)


async def test_outside_of_the_main_thread_signals_are_left_alone() -> None:
    def enter() -> Any:
        async def inside() -> Any:
            with on_stop(lambda: None):
                return signal.getsignal(signal.SIGTERM)

        return asyncio.run(inside())

    assert await asyncio.to_thread(enter) is signal.getsignal(signal.SIGTERM)
