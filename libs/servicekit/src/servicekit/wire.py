"""Messages of PostgreSQL's extended query protocol, to send statements ahead of one that the driver runs.

asyncpg sends a statement and waits for its answer. Where only success or failure matters, as of BEGIN, a lock
or an INSERT, no wait is needed: the messages go to the server before those of the next one, which end with
the only Sync. The server runs all in this order, each with a snapshot of its own, and skips what
follows an error up to the Sync, so the next statement fails with that error ("Pipelining" in the chapter
"Message Flow" of PostgreSQL's documentation). The driver passes over the answers of a statement without rows.
"""

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

_LENGTH: Final = struct.Struct("!i")
_COUNT: Final = struct.Struct("!h")
_NULL: Final = _LENGTH.pack(-1)
# All parameters as texts, no column of a result.
_TEXTS: Final = _COUNT.pack(0)
# The unnamed portal, without a limit of rows.
_EXECUTE: Final = b"E" + _LENGTH.pack(9) + b"\0" + _LENGTH.pack(0)


def executed(name: str, arguments: Sequence[Any]) -> bytes:
    """Return the messages that run the prepared statement `name`, which returns no rows."""
    values = b"".join(map(_value, arguments))
    body = b"".join((b"\0", name.encode(), b"\0", _TEXTS, _COUNT.pack(len(arguments)), values, _TEXTS))
    return b"".join((b"B", _LENGTH.pack(len(body) + 4), body, _EXECUTE))


def _value(value: Any) -> bytes:
    if value is None:
        return _NULL
    written = as_text(value).encode()
    return _LENGTH.pack(len(written)) + written


def as_text(value: Any) -> str:
    """Return a parameter as PostgreSQL reads it in the text format. Raises TypeError for an unknown type."""
    if isinstance(value, str):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_element, value)) + "}"
    raise TypeError(f"a parameter of the type {type(value).__name__} cannot be sent ahead")


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    escaped = as_text(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
