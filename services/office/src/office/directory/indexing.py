"""What units and people are found by, kept up to date in the background (`searchkit.queue`).

Triggers on the replica queue what an event, a move or a rebuild has changed.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.directory.index_repository import Belonging, IndexRepository
from office.directory.models import SearchQueue
from searchkit.queue import Indexer
from searchkit.words import TAIL, UNIT, first_of, pairs_of, tokens_of

ITSELF: Final = "="
"""Marks the code of the unit itself, beside the codes of all units above."""
_TAIL = re.compile(r"[0-9]{4}$")


class SearchIndexer(Indexer):
    """Indexes what is queued."""

    queue = SearchQueue

    async def index(self, session: AsyncSession, units: Sequence[UUID], people: Sequence[UUID]) -> None:
        """Write what these units and people are found by."""
        rows = IndexRepository(session)
        if units:
            # People are found by the names and codes of their units, too.
            await rows.queue_members(await rows.replace_units(units))
        if people:
            await rows.replace_people(
                people, [person_row(belonging) for belonging in await rows.people(people)]
            )


def person_row(belonging: Belonging) -> dict[str, Any]:
    """Return the row of a person in a unit."""
    texts = (*belonging.posts, belonging.unit_name, belonging.unit_short_name)
    tokens = tokens_of(belonging.name)
    for text in texts:
        tokens |= pairs_of(text)
    codes = belonging.unit_path.split(".")
    tokens |= {UNIT + code for code in codes} | {ITSELF + codes[-1]}
    if tail := _TAIL.search(belonging.phone_masked):
        tokens.add(TAIL + tail[0])
    return {
        "sub": belonging.sub,
        "unit_id": belonging.unit_id,
        "first": first_of(belonging.name),
        "name": belonging.name,
        "words": "\n".join([belonging.name, *texts]).lower(),
        "tokens": sorted(tokens),
    }
