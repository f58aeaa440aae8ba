"""What people and units are found by, kept up to date in the background (`searchkit.queue`).

Triggers queue what a request, an import or a move of fifty thousand units has changed.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts.models import Account
from identity.accounts.service import PHONE
from identity.memberships.models import Membership
from identity.search.index_repository import IndexRepository
from identity.search.models import SearchQueue
from identity.units.models import Unit
from identity.vault import Vault
from searchkit.queue import Indexer
from searchkit.words import TAIL, UNIT, first_of, pairs_of, tokens_of
from servicekit.db import Database

log = structlog.get_logger("search")

TAIL_PURPOSE = "phone-tail"


def tail_token(index: bytes) -> str:
    """Return the token of the keyed index of four digits."""
    return TAIL + index.hex()[:24]


class SearchIndexer(Indexer):
    """Indexes what is queued."""

    queue = SearchQueue

    def __init__(self, database: Database, vault: Vault, *, poll_seconds: float = 1.0) -> None:
        super().__init__(database, poll_seconds=poll_seconds)
        self._vault = vault

    async def index(self, session: AsyncSession, units: Sequence[UUID], people: Sequence[UUID]) -> None:
        """Write what these units and people are found by."""
        rows = IndexRepository(session)
        if units:
            # People are found by the names and codes of their units, too.
            await rows.queue_members(await rows.replace_units(units))
        if people:
            await rows.replace_people(people, self._people(await rows.people(people)))

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
