"""Waiting for what happens in the background."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

SECONDS: Final = 60.0
"""How long a test waits, on a loaded machine."""


async def moments(seconds: float = SECONDS, *, pause: float = 0.02) -> AsyncIterator[None]:
    """Yield again and again until `seconds` have passed, for a test that looks until something has happened.

    async for _ in moments():
        if await happened():
            break
    else:
        raise AssertionError("it has not happened")
    """
    until = asyncio.get_running_loop().time() + seconds
    yield
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(pause)
        yield
