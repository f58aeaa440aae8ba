"""Windows of the audit log and the digests of their rows. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

WINDOW = timedelta(minutes=10)
GRACE = timedelta(minutes=10)
"""A window is sealed when it ended so long ago; see docs/adr/0018-audit-partitions.md."""
LONGEST_TRANSACTION = timedelta(hours=1)
"""A transaction that is older does not delay the seals any more."""
OVERDUE = timedelta(hours=2)
"""Rows of this age must be sealed."""
KEPT = timedelta(days=184)
"""Six months, which the law requires (网络安全法 article 21, since 2026 article 23)."""
LONGEST_RANGE = timedelta(days=93)
"""The longest range of a search that names neither actor nor target nor request."""
FREQUENT = "oauth.token_issued"
"""The action of most rows, which the index by action leaves out."""


def window_of(instant: datetime) -> tuple[datetime, datetime]:
    """Return the window of a time. It lies within one month of UTC."""
    seconds = int(instant.timestamp()) // int(WINDOW.total_seconds()) * int(WINDOW.total_seconds())
    start = datetime.fromtimestamp(seconds, UTC)
    return start, start + WINDOW


def canonical(row: Mapping[Any, Any]) -> bytes:
    """Return the canonical JSON of a row: sorted, without spaces, times in UTC with microseconds."""
    values = {name: _plain(value) for name, value in row.items()}
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Chain:
    """The digest of one batch: SHA-256 over the previous digest, the bounds, each row and their number."""

    def __init__(self, previous: bytes | None, from_id: UUID, until_id: UUID) -> None:
        self._hash = hashlib.sha256(b"zhuxue-audit-1\n")
        self._hash.update((previous or b"") + from_id.bytes + until_id.bytes)
        self.rows = 0

    def add(self, row: Mapping[Any, Any]) -> None:
        """Add the next row, in the order of ids."""
        self._hash.update(b"\n" + canonical(row))
        self.rows += 1

    def digest(self) -> bytes:
        """Return the digest of what was added."""
        whole = self._hash.copy()
        whole.update(b"\n" + str(self.rows).encode())
        return whole.digest()


def statement(seal: Mapping[str, Any]) -> bytes:
    """Return what a seal's signature signs."""
    names = ("number", "from_id", "until_id", "rows", "digest", "previous_digest")
    return canonical({name: seal[name] for name in names})


def month_of(partition: str) -> str | None:
    """Return `YYYYMM` of a partition's name, or None for the default partition."""
    suffix = partition.rpartition("_")[2]
    return suffix if suffix.isdigit() and len(suffix) == 6 else None


def as_uuid(text: object) -> UUID | None:
    """Return an id as it is in an actor or target, or None for a client, an operator or something else."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, UUID) else value
