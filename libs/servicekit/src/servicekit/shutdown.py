"""Notice that the process is asked to stop, before the server waits for its open responses.

uvicorn leaves the lifespan only after all responses have ended, so a response without an end would keep it
until its timeout. Here, a callback runs with the signal itself; the server's own handler runs afterwards as
before.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def on_stop(call: Callable[[], None]) -> Iterator[None]:
    """Run `call` in the event loop when SIGTERM or SIGINT arrives, until the context exits.

    Does nothing outside of the main thread, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    installed: list[tuple[signal.Signals, Any, Any]] = []
    for number in _SIGNALS:
        before = signal.getsignal(number)
        handler = _chained(loop, call, before)
        signal.signal(number, handler)
        installed.append((number, handler, before))
    try:
        yield
    finally:
        for number, handler, before in installed:
            # Somebody else may have replaced it meanwhile.
            if signal.getsignal(number) is handler:
                signal.signal(number, signal.SIG_DFL if before is None else before)


def _chained(
    loop: asyncio.AbstractEventLoop, call: Callable[[], None], before: Any
) -> Callable[[int, FrameType | None], None]:
    def handler(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(call)
        if callable(before):
            before(number, frame)
        elif before is signal.SIG_DFL and number == signal.SIGTERM:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    return handler
