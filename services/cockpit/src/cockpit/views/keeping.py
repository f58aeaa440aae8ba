"""Written views of this process, each for one viewer's unit and for one version of what it was made from."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

from cockpit.query.conditional import tag_of
from cockpit.views.schemas import ViewOut
from cockpit.views.statements import Version

MOST_BYTES = 64 * 2**20
"""Views that a process keeps, in bytes; the one that was used longest ago goes."""

Key = tuple[Any, ...]
"""Who asks, as far as it decides the answer, and what for."""
_AS_OF = b'"as_of":'
_TIME = TypeAdapter(datetime)


@dataclass(frozen=True)
class Written:
    """A view as JSON, with its entity tag. The time of the answer is between `head` and `tail`."""

    tag: str
    head: bytes
    tail: bytes

    @classmethod
    def of(cls, view: ViewOut) -> "Written":
        """Write a view."""
        # Texts have no unescaped quotes, so that the name of the field is found and nothing else.
        head, _, rest = view.model_dump_json().encode().partition(_AS_OF)
        return cls(tag_of(view), head + _AS_OF, rest[rest.index(b",") :])

    def body(self, as_of: datetime) -> bytes:
        """Return the answer of a time."""
        return b"".join((self.head, _TIME.dump_json(as_of), self.tail))


@dataclass(frozen=True)
class Kept:
    """A written view, what it was made from (parameters of `VERSION`), and the version of that."""

    written: Written
    sources: Mapping[str, Any]
    version: Version


class KeptViews:
    """The views that a process keeps."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._turns: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    def get(self, key: Key) -> Kept | None:
        """Return the last view for a key, which may be outdated."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, kept: Kept) -> None:
        """Keep a view in place of the last one."""
        before = self._kept.pop(key, None)
        self._bytes += _size(kept) - (0 if before is None else _size(before))
        self._kept[key] = kept
        while self._bytes > MOST_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= _size(gone)

    @asynccontextmanager
    async def turn(self, key: Key) -> AsyncIterator[None]:
        """Let one request at a time make the view of a key; the others find it made."""
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        async with lock:
            yield


def _size(kept: Kept) -> int:
    return len(kept.written.head) + len(kept.written.tail)
