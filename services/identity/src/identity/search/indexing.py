"""Keeps what people and units are searched by up to date, in the background.

Triggers of the database queue what has changed in the transaction of the change, whoever changes it: a
request, an import or a move of fifty thousand units. Each process looks into the queue once a second and
indexes in batches, one process at a time.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag

from contracts.vocabulary import Level
from identity.accounts.models import Account
from identity.accounts.service import PHONE
from identity.memberships.models import Membership
from identity.search.index_repository import IndexRepository
from identity.search.words import TAIL, UNIT, first_of, pairs_of, tokens_of
from identity.units.models import Unit
from identity.vault import Vault
from servicekit.background import repeated
from servicekit.db import Database

log = structlog.get_logger("search")

TAIL_PURPOSE = "phone-tail"
_BATCH = 500
_RANKS = {level: rank for rank, level in enumerate(Level)}


def tail_token(index: bytes) -> str:
    """Return the token of the keyed index of four digits."""
    return TAIL + index.hex()[:24]


class SearchIndexer:
    """Indexes what is queued."""

    def __init__(self, database: Database, vault: Vault, *, poll_seconds: float = 1.0) -> None:
        self._database = database
        self._vault = vault
        self._poll = poll_seconds

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Index in the background while the context is active."""
        async with repeated("search", self._round, every=self._poll):
            yield

    async def caught_up(self) -> None:
        """Return when the queue is empty."""
        while True:
            await self.index_batch()
            async with self._database.transaction() as session:
                if not await IndexRepository(session).waiting():
                    return

    async def index_batch(self) -> int:
        """Index a batch in one transaction. Return the number of people and units in it."""
        async with self._database.transaction() as session:
            rows = IndexRepository(session)
            taken = await rows.take(_BATCH)
            units = [row_id for kind, row_id in taken if kind == "unit"]
            people = [row_id for kind, row_id in taken if kind == "person"]
            if units:
                await self._units(rows, units)
            if people:
                found = await rows.people(people)
                await rows.replace_people(people, self._people(found))
        return len(taken)

    async def _round(self) -> float | None:
        return 0.0 if await self.index_batch() else None

    async def _units(self, rows: IndexRepository, ids: Sequence[UUID]) -> None:
        before = await rows.indexed_units(ids)
        new = [unit_row(unit) for unit in await rows.units(ids)]
        await rows.replace_units(ids, new)
        # People are found by the names and codes of their units, too.
        changed = [
            row["unit_id"]
            for row in new
            if row["unit_id"] in before and before[row["unit_id"]] != (row["path"], row["words"])
        ]
        if changed:
            await rows.queue_members(changed)

    def _people(self, found: Sequence[tuple[Account, Membership, Unit]]) -> list[dict[str, Any]]:
        return [self._person([*belongings]) for _, belongings in groupby(found, key=lambda row: row[0].id)]

    def _person(self, belongings: list[tuple[Account, Membership, Unit]]) -> dict[str, Any]:
        account = belongings[0][0]
        return person_row(
            account.id,
            account.name,
            [post for _, membership, _ in belongings for post in membership.posts],
            [(unit.path, unit.name) for _, _, unit in belongings],
            self._tail(account),
        )

    def _tail(self, account: Account) -> str | None:
        """Return the token of the number's last four digits; None for an account without a number."""
        if account.phone_lost_at is not None:
            return None
        try:
            phone = self._vault.open(PHONE, account.phone_sealed)
        except InvalidTag:
            # One unreadable number must not keep everybody else from being indexed.
            log.exception("number not readable", account=str(account.id))
            return None
        return tail_token(self._vault.index(TAIL_PURPOSE, phone[-4:]))


def person_row(
    account_id: UUID, name: str, posts: Sequence[str], units: Sequence[tuple[str, str]], tail: str | None
) -> dict[str, Any]:
    """Return the row of a person with the paths and names of their units."""
    tokens = tokens_of(name) | ({tail} if tail else set())
    for text in (*posts, *(unit for _, unit in units)):
        tokens |= pairs_of(text)
    tokens |= {UNIT + code for path, _ in units for code in path.split(".")}
    words = "\n".join([name, *posts, *(unit for _, unit in units)]).lower()
    return {
        "account_id": account_id,
        "first": first_of(name),
        "name": name,
        "words": words,
        "tokens": sorted(tokens),
    }


def unit_row(unit: Unit) -> dict[str, Any]:
    """Return the row of a unit."""
    codes = {UNIT + code for code in unit.path.split(".")}
    return {
        "unit_id": unit.id,
        "rank": _RANKS[unit.level],
        "name": unit.name,
        "code": unit.code,
        "path": unit.path,
        "words": f"{unit.name}\n{unit.short_name}".lower(),
        "tokens": sorted(tokens_of(unit.name, unit.short_name) | codes),
    }
