"""Take in one file in a process of its own, whose memory nothing else has used; prints what it measured."""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

from bench.cockpit.serving import Served, served
from bench.cockpit.world import ROOT, units
from bench.intake.files import TYPES
from cockpit.feeds.declarations import FeedName
from cockpit.intake.claiming import NewBatch
from cockpit.intake.files import kind_of
from servicekit.ids import new_id

BLOCK = 64 * 1024
PART = 8 * 1024 * 1024
LIMIT = 64 * 1024**3
P = ParamSpec("P")
T = TypeVar("T")


class Clock:
    """Seconds spent in a step, and when it ended last."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ended = 0.0

    def around(self, call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """Return `call`, timed."""

        async def timed(*arguments: P.args, **options: P.kwargs) -> T:
            began = time.perf_counter()
            try:
                return await call(*arguments, **options)
            finally:
                self.ended = time.perf_counter()
                self.seconds += self.ended - began

        return timed


async def _blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, BLOCK):
        yield block


async def _whole(cockpit: Served, path: Path, form: str) -> tuple[int, int]:
    """Return accepted and rejected rows of a file that arrives at once."""
    centre = units(0)[ROOT]
    new = NewBatch(FeedName.AWARD, None, "bench", new_id(), None, kind_of(TYPES[form], None))
    with path.open("rb") as file:
        batch, _ = await cockpit.app.state.receiver.receive("bench", new, centre, _blocks(file), limit=LIMIT)
    return batch.accepted, batch.rejected


async def _in_parts(cockpit: Served, path: Path, form: str) -> tuple[int, int]:
    """The same, in parts over the API, and the job that takes it in."""
    centre = units(0)[ROOT]
    bearer = cockpit.bearer(centre)
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    given = {"feed": "award", "source": "bench", "content_type": TYPES[form], "size_bytes": size}
    made = await cockpit.http.post("/api/v1/intake/uploads", json=given, headers=bearer)
    url = made.headers["location"]
    with path.open("rb") as file:
        at = 0
        while part := await asyncio.to_thread(file.read, PART):
            headers = {**cockpit.bearer(centre), "Upload-Offset": str(at)}
            sent = await cockpit.http.patch(url, content=part, headers=headers)
            sent.raise_for_status()
            at += len(part)
    while True:
        found: dict[str, Any] = (await cockpit.http.get(url, headers=cockpit.bearer(centre))).json()
        if found["status"] not in {"receiving", "loading"}:
            break
        await asyncio.sleep(0.2)
    assert found["status"] == "done", found
    batch = await cockpit.http.get(f"/api/v1/intake/batches/{found['batch']}", headers=cockpit.bearer(centre))
    return batch.json()["batch"]["accepted"], batch.json()["batch"]["rejected"]


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(url: str, path: Path, form: str, parts: bool) -> dict[str, float]:
    """Return the measures of one file."""
    insert, cells = Clock(), Clock()
    with tempfile.TemporaryDirectory(prefix="zhuxue-bench-") as folder:
        async with served(url, folder) as cockpit:
            state = cockpit.app.state
            # The seams of intake: the store of facts, and the cells.
            state.analytics.insert = insert.around(state.analytics.insert)
            state.cell_builder.prepare = cells.around(state.cell_builder.prepare)
            before, began = _used(), time.perf_counter()
            accepted, rejected = await (_in_parts if parts else _whole)(cockpit, path, form)
            ended = time.perf_counter()
            return {
                "rows": accepted + rejected,
                "rejected": rejected,
                "wall": ended - began,
                "cpu": _used() - before,
                "insert": insert.seconds,
                "cells": cells.seconds,
                "commit": ended - cells.ended,
                "judging": cells.ended - cells.seconds - began,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m bench.intake.one", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("path", type=Path)
    parser.add_argument("form", choices=TYPES)
    parser.add_argument("--parts", action="store_true")
    given = parser.parse_args()
    found = asyncio.run(measure(given.url, given.path, given.form, given.parts))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
