"""Parsing happens in threads, in bounded steps."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PARSERS = 2
"""Steps that run at one time in a process: more threads would only contend for the interpreter."""


class ParsingThreads:
    """Runs steps of parsing beside the event loop; files take turns, step by step."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(PARSERS)

    async def run(self, step: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """The result of `step`, run in a thread."""
        async with self._free:
            return await asyncio.to_thread(step, *arguments, **options)
