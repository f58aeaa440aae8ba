"""The command `verify`."""

import sys
from collections.abc import Sequence

from cockpit.analytics.store import Analytics
from cockpit.cells.building import CellBuilder
from cockpit.cells.rules import Tree
from cockpit.cells.service import Cells
from cockpit.cells.verifying import Verdict, Verifier
from cockpit.directory.service import Units
from cockpit.settings import Settings
from servicekit.db import Database


async def verify(
    settings: Settings, feeds: Sequence[str], tree: Tree, code: str | None, year: int | None
) -> int:
    """Verify a unit or region in a year, or a random sample; print the result. Return 1 if a cell differs.

    With chDB, Cockpit must not run at the same time: one process can have the directory open.
    """
    database = Database(settings.database_url, plans="force_custom_plan", pool_size=2)
    analytics = Analytics(settings.analytics_dsn, database=settings.analytics_database, threads=1)
    try:
        await analytics.start()
        verifier = Verifier(database, analytics, CellBuilder(database, analytics, Cells, Units))
        if code is None or year is None:
            verdicts = await verifier.sample()
        else:
            verdicts = [one for feed in feeds for one in await verifier.code(feed, code, year, tree)]
    finally:
        await analytics.close()
        await database.close()
    return _print(verdicts)


def _print(verdicts: Sequence[Verdict]) -> int:
    wrong = unsettled = 0
    for verdict in verdicts:
        result = f"{len(verdict.differences)} differ" if verdict.settled else "not settled: batches came in"
        about = f"{verdict.feed}\t{verdict.tree.value}\t{verdict.path}\t{verdict.year}"
        sys.stdout.write(f"{about}\t{verdict.compared} cells\t{result}\n")
        for one in verdict.differences:
            calendar, period, values = one.cell
            cell = "/".join([calendar, period, *(value for _, value in values)])
            sys.stdout.write(f"  {cell}\tcells {one.stored}\tfacts {one.computed}\n")
        wrong += len(verdict.differences)
        unsettled += not verdict.settled
    sys.stdout.write(f"{len(verdicts)} slices, {wrong} cells differ\n")
    return 1 if wrong or unsettled else 0
