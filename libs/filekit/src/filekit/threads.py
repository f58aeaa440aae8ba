"""Threads for parsing in bounded steps."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PARSERS = 2
"""Steps that run at one time in a process: more threads would only contend for the interpreter."""


class ParsingThreads:
    """Run parsing steps outside the event loop; concurrent files alternate step by step."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(PARSERS)

    async def run(self, step: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run `step` in a thread and return its result."""
        async with self._free:
            return await asyncio.to_thread(step, *arguments, **options)
