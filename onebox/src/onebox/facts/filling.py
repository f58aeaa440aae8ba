"""Load generated facts into the Cockpit of `make run`, after its start, so that its pages show something."""

import asyncio
import contextlib
import csv
import io
from collections.abc import AsyncIterator, Iterable

from fastapi import FastAPI

from cockpit.directory.service import Units
from cockpit.feeds.declarations import FeedName
from cockpit.intake.claiming import NewBatch
from cockpit.intake.errors import BatchIdReused
from cockpit.intake.files import FileKind
from cockpit.intake.receiving import Receiver
from contracts.intake import BatchFormat
from identity.units.rules import CENTRE_CODE
from onebox.facts.demonstration import demonstration, units
from onebox.facts.feeds import ROWS, Row
from servicekit.db import Database

BLOCK = 65_536
AGAIN, NEVER = 1.0, 1e9
SOURCE = "生成的演示数据"


class Filling:
    """Loads the facts that belong to so many awards; those that are there already, not again."""

    def __init__(self, cockpit: FastAPI, awards: int) -> None:
        self._database: Database = cockpit.state.database
        self._receiver: Receiver = cockpit.state.receiver
        self._awards = awards
        self._units: set[str] = set()

    async def run(self) -> float:
        """Load the facts if the units have been copied. Return in how many seconds to call again."""
        self._units = self._units or await asyncio.to_thread(units)
        async with self._database.transaction() as session:
            found = await Units(session).by_codes(self._units)
        if found.keys() != self._units:
            return AGAIN
        centre = found[CENTRE_CODE]
        for feed, content in (await asyncio.to_thread(files_of, self._awards)).items():
            key = f"onebox-{feed.value}"
            new = NewBatch(feed, centre.id, SOURCE, None, key, FileKind(BatchFormat.CSV, "utf-8"))
            # Refused if an earlier release has loaded facts that it generated otherwise.
            with contextlib.suppress(BatchIdReused):
                await self._receiver.receive("onebox", new, centre, _chunks(content))
        return NEVER


def files_of(awards: int) -> dict[FeedName, bytes]:
    """Return a file for each feed that has facts, those first that others refer to."""
    order = (
        *(FeedName.ENROLMENT, FeedName.HARDSHIP, FeedName.AWARD),
        *(FeedName.PAYMENT, FeedName.FUND_FLOW, FeedName.LOAN),
    )
    rows: dict[FeedName, list[Row]] = {feed: [] for feed in order}
    for made in demonstration(awards):
        rows[made.feed].append(made.row)
    return {feed: _file(feed, found) for feed, found in rows.items() if found}


def _file(feed: FeedName, rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ROWS[feed]._fields)
    writer.writerows(rows)
    return text.getvalue().encode()


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK]
