"""Re-encryption of stored values."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from identity.encryption.fields import FIELDS, Field
from identity.encryption.repository import FieldRepository
from identity.vault import Vault


@dataclass(frozen=True)
class Batch:
    """The part of a column that was re-encrypted: up to `last`, None at the end of the column."""

    read: int
    changed: int
    last: Any


class Encryption:
    """Re-encryption within one transaction."""

    def __init__(self, session: AsyncSession, vault: Vault) -> None:
        self._vault = vault
        self._rows = FieldRepository(session)

    async def renew(self, field: Field, after: Any, limit: int) -> Batch:
        """Bring up to `limit` values to what the vault would write now: their key and their indexes.

        An index under a key that the vault does not know any more is removed. Other columns are not written.
        """
        rows = await self._rows.batch(field, after, limit)
        changes = [change for row in rows if (change := self._change(field, row._mapping)) is not None]
        if changes:
            await self._rows.write(field, changes)
        return Batch(len(rows), len(changes), rows[-1].key if len(rows) >= limit else None)

    async def total(self) -> int:
        """Return the number of encrypted values."""
        return sum([await self._rows.estimate(field) for field in FIELDS])

    async def versions(self) -> dict[str, dict[int, int]]:
        """Return for each column the number of values by version of their key."""
        return {field.name: await self._rows.versions(field) for field in FIELDS}

    def _change(self, field: Field, row: Any) -> dict[str, Any] | None:
        purpose = field.purpose(row["key"])
        plain = self._vault.open(purpose, row["sealed"])
        indexes = field.stored(self._vault, row["key"], plain)
        current = self._vault.current(row["sealed"])
        if current and all(row[name] == index for name, index in indexes.items()):
            return None
        sealed = row["sealed"] if current else self._vault.seal(purpose, plain)
        return {
            f"new_{field.sealed}": sealed,
            **{f"new_{name}": index for name, index in indexes.items()},
            **{name: value for name, value in row.items() if name.startswith("pk_")},
        }
