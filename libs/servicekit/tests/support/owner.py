"""A program that serves as the only owner of a folder: `owner.py FOLDER PORT`.

`/wait` answers once there is a file `go` in the folder; other requests are answered with the process id. It
writes into `history` of the folder when it has begun to own it, and when it no longer does.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from servicekit import handover, logs

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])


def note(what: str) -> None:
    """Add a line to the history."""
    with (FOLDER / "history").open("a") as history:
        history.write(f"{os.getpid()} {what}\n")


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Own the folder."""
    note("owns")
    yield
    note("ends")


async def answer(request: Request) -> PlainTextResponse:
    """Answer, slowly if that is asked for."""
    if request.url.path == "/wait":
        note("waits")
        while not (FOLDER / "go").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    return PlainTextResponse(str(os.getpid()))


logs.configure(json=True, level="ERROR")
app = Starlette(routes=[Route("/{path:path}", answer)], lifespan=lifespan)
handover.serve(uvicorn.Config(app, port=PORT, log_config=None, timeout_graceful_shutdown=30), FOLDER)
