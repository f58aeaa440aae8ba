"""Load generated facts into the Cockpit of `make run`, after its start, so that its pages show something."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import structlog
from fastapi import FastAPI

from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds.declarations import FeedName
from cockpit.intake.claiming import NewBatch
from cockpit.intake.files import FileKind
from cockpit.intake.receiving import Receiver
from contracts.intake import BatchFormat
from identity.units.rules import CENTRE_CODE
from onebox.facts.feeds import ROWS, facts
from servicekit.db import Database
from servicekit.problems import Problem

log = structlog.get_logger("onebox")

WITHIN = "3701"
"""济南, where the people of the demo are: sums of the whole country would take minutes."""
SCHOOLS = 2
"""Schools of each county in world S."""
BLOCK = 65_536
SECONDS = 1.0
"""Between two looks at the copy of the units."""


def school_code(county: str, number: int) -> str:
    """Return the code of a school of world S."""
    return f"S{county}{number:04d}"


async def fill(cockpit: FastAPI, awards: int) -> None:
    """Load the facts that belong to so many awards; those that are there already, not again.

    Waits for the units. A failure is logged: the figures of the demo are not what others depend on.
    """
    try:
        await _fill(cockpit, awards)
    except Exception:
        log.warning("generated facts not loaded", exc_info=True)


async def _fill(cockpit: FastAPI, awards: int) -> None:
    receiver: Receiver = cockpit.state.receiver
    centre = await _centre(cockpit.state.database)
    files = await asyncio.to_thread(_files, awards)
    for feed, content in files.items():
        new = NewBatch(
            feed,
            centre.id,
            "生成的演示数据",
            None,
            f"onebox-{feed.value}",
            FileKind(BatchFormat.CSV, "utf-8"),
        )
        try:
            batch, ours = await receiver.receive("onebox", new, centre, _chunks(content))
        except Problem as problem:
            # Of an earlier release, which generated others.
            log.info("generated facts not loaded", feed=feed.value, code=problem.code)
            continue
        if ours:
            log.info("generated facts loaded", feed=feed.value, rows=batch.accepted, rejected=batch.rejected)


async def _centre(database: Database) -> Unit:
    """Return the centre, as soon as the units have been copied: the last school of the last county."""
    wanted = {CENTRE_CODE, *(made.row.unit_code for made in _some())}
    while True:
        async with database.transaction() as session:
            found = await Units(session).by_codes(wanted)
        if found.keys() == wanted:
            return found[CENTRE_CODE]
        await asyncio.sleep(SECONDS)


def _some() -> list[Any]:
    return list(facts(1_000, 1, SCHOOLS, WITHIN, school_code))


def _files(awards: int) -> dict[FeedName, bytes]:
    """Return a file for each feed, those first that others refer to."""
    order = (
        *(FeedName.ENROLMENT, FeedName.HARDSHIP, FeedName.AWARD),
        *(FeedName.PAYMENT, FeedName.FUND_FLOW, FeedName.LOAN),
    )
    texts = {feed: io.StringIO() for feed in order}
    writers = {feed: csv.writer(text) for feed, text in texts.items()}
    for feed in order:
        writers[feed].writerow(ROWS[feed]._fields)
    for made in facts(awards, 1, SCHOOLS, WITHIN, school_code):
        writers[made.feed].writerow(made.row)
    return {feed: text.getvalue().encode() for feed, text in texts.items()}


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK]
