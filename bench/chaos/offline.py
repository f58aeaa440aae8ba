"""What is verified when no service runs any more: the seals of the audit log, cells against facts."""

import os
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.chaos.invariants import Verdict
from bench.chaos.system import Stack
from bench.cockpit.kill import check
from bench.cockpit.serving import served
from cockpit.cells.rules import Tree
from identity.app import make_vault
from identity.audit_review.sealing import Sealer
from identity.audit_review.verification import Verifier
from identity.keys.ring import KeyRing
from identity.settings import Settings
from onebox.demo.story import CENTRE, COUNTY
from servicekit.db import Database
from testkit.clock import RunningClock

# Later than the longest transaction, for which sealing waits.
_AHEAD: Final = timedelta(hours=2)
_PLACES: Final = ((Tree.AUTHORITY, CENTRE), (Tree.AUTHORITY, COUNTY))


async def audit_chain(stack: Stack) -> Verdict:
    """Seal all rows, as the periodic task does minutes later, and verify seals and rows."""
    os.environ.update(stack.environments["identity"])
    settings, clock = Settings(), RunningClock(datetime.now(UTC) + _AHEAD)
    database = Database(stack.database("identity"), plans="force_custom_plan")
    ring = KeyRing(make_vault(settings), clock, token_seconds=settings.access_token_seconds)
    try:
        while True:
            async with database.transaction() as session:
                if await Sealer(session, ring, clock).next_seal() is None:
                    break
        verifier = Verifier(database, ring, clock)
        wrong = [f"seal {found.number}: {found.what}" async for found in verifier.findings(None)]
        seen = verifier.summary
    finally:
        await database.close()
    if not seen.seals or seen.unsealed:
        wrong.append(f"{seen.seals} seals, {seen.unsealed} rows not sealed")
    return Verdict("the chain of the audit log is intact", seen.rows, wrong)


async def cells(stack: Stack) -> Verdict:
    """Every cell against a recount of the facts, and nothing left of what does not count."""
    name = "cells equal their recomputation from the facts"
    try:
        async with served(stack.database("cockpit"), str(stack.facts.folder)) as cockpit:
            said = await check(cockpit, _PLACES)
    except AssertionError as error:
        return Verdict(name, 0, [str(error)])
    return Verdict(name, int(said.split()[-3]), [])
