"""Awaiting from the synchronous protocol core: see docs/adr/0014-await-in-protocol-hooks.md."""

from collections.abc import Awaitable
from typing import TypeVar

from sqlalchemy.util import await_only

T = TypeVar("T")


def wait(awaitable: Awaitable[T]) -> T:
    """The result of `awaitable`. Only below `AsyncSession.run_sync`, in whose greenlet the core runs."""
    result: T = await_only(awaitable)
    return result
